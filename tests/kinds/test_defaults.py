"""Defaults of kinds whose rules are a few lines, as pairs of what was given and what is stored."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.catalog import load

CATALOG = load()


def defaulted(path: str, plain: dict[str, Any]) -> dict[str, Any]:
    group, version, plural = path.split("/")
    served = CATALOG.find("" if group == "core" else group, version, plural)
    assert served is not None
    obj, problems = codec.from_builtins(served.type, plain)
    assert problems == []
    stored = served.to_stored(obj)
    served.kind.default(stored)
    once = codec.encode(stored)
    served.kind.default(stored)
    assert codec.encode(stored) == once, "defaults must not change what is complete"
    found: dict[str, Any] = codec.to_builtins(stored)
    return found


def has(found: Any, expected: Any) -> None:
    """Everything expected is found; other members may be there too."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            assert key in found
            has(found[key], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            has(one, other)
    else:
        assert found == expected


RBAC = "rbac.authorization.k8s.io"
ADMISSION = "admissionregistration.k8s.io/v1"


@pytest.mark.parametrize(
    ("path", "given", "expected"),
    [
        ("apps/v1/daemonsets", {},
         {"spec": {"revisionHistoryLimit": 10,
                   "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}}}),
        ("apps/v1/daemonsets", {"spec": {"updateStrategy": {"type": "OnDelete"}}},
         {"spec": {"updateStrategy": {"type": "OnDelete"}}}),
        ("apps/v1/statefulsets", {"spec": {"volumeClaimTemplates": [{}]}},
         {"spec": {"replicas": 1, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10,
                   "updateStrategy": {"rollingUpdate": {"partition": 0, "maxUnavailable": 1}},
                   "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
                   "volumeClaimTemplates": [{"spec": {"volumeMode": "Filesystem"}, "status": {"phase": "Pending"}}]}}),
        ("core/v1/replicationcontrollers", {"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}},
         {"metadata": {"labels": {"a": "b"}}, "spec": {"replicas": 1, "selector": {"a": "b"}}}),
        ("batch/v1/cronjobs", {},
         {"spec": {"concurrencyPolicy": "Allow", "suspend": False, "successfulJobsHistoryLimit": 3,
                   "failedJobsHistoryLimit": 1, "jobTemplate": {"spec": {"template": {"spec": {"dnsPolicy": "ClusterFirst"}}}}}}),
        ("core/v1/persistentvolumes", {"spec": {"hostPath": {"path": "/x"}}},
         {"spec": {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem", "hostPath": {"type": ""}}}),
        ("core/v1/persistentvolumeclaims", {}, {"spec": {"volumeMode": "Filesystem"}}),
        ("core/v1/endpoints", {"subsets": [{"ports": [{"port": 1}]}]}, {"subsets": [{"ports": [{"protocol": "TCP"}]}]}),
        ("discovery.k8s.io/v1/endpointslices", {"ports": [{"port": 1}]}, {"ports": [{"name": "", "protocol": "TCP"}]}),
        ("core/v1/limitranges",
         {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2", "memory": "1Gi"}, "default": {"cpu": "1"}}]}},
         {"spec": {"limits": [{"default": {"cpu": "1", "memory": "1Gi"}, "defaultRequest": {"cpu": "1", "memory": "1Gi"}}]}}),
        ("networking.k8s.io/v1/networkpolicies", {"spec": {"podSelector": {}, "egress": [{"ports": [{"port": 53}]}]}},
         {"spec": {"policyTypes": ["Ingress", "Egress"], "egress": [{"ports": [{"protocol": "TCP"}]}]}}),
        ("networking.k8s.io/v1/ingressclasses", {"spec": {"parameters": {"kind": "K", "name": "n"}}},
         {"spec": {"parameters": {"scope": "Cluster"}}}),
        (f"{RBAC}/v1/rolebindings",
         {"subjects": [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s"}]},
         {"roleRef": {"apiGroup": RBAC}, "subjects": [{"apiGroup": RBAC}, {"kind": "ServiceAccount"}]}),
        ("storage.k8s.io/v1/storageclasses", {}, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}),
        ("storage.k8s.io/v1/csidrivers", {},
         {"spec": {"attachRequired": True, "podInfoOnMount": False, "volumeLifecycleModes": ["Persistent"]}}),
        ("scheduling.k8s.io/v1/priorityclasses", {}, {"preemptionPolicy": "PreemptLowerPriority"}),
        ("autoscaling/v2/horizontalpodautoscalers", {"spec": {"behavior": {"scaleDown": {"selectPolicy": "Min"}}}},
         {"spec": {"minReplicas": 1, "metrics": [{"resource": {"name": "cpu", "target": {"averageUtilization": 80}}}],
                   "behavior": {"scaleUp": {"selectPolicy": "Max", "stabilizationWindowSeconds": 0},
                                "scaleDown": {"selectPolicy": "Min", "policies": [{"type": "Percent", "value": 100}]}}}}),
        ("autoscaling/v1/horizontalpodautoscalers", {"spec": {"targetCPUUtilizationPercentage": 60}},
         {"spec": {"metrics": [{"resource": {"target": {"averageUtilization": 60}}}]}}),
        (f"{ADMISSION}/mutatingwebhookconfigurations",
         {"webhooks": [{"clientConfig": {"service": {"name": "s"}}, "rules": [{"operations": ["*"]}]}]},
         {"webhooks": [{"failurePolicy": "Fail", "timeoutSeconds": 10, "reinvocationPolicy": "Never", "namespaceSelector": {},
                        "clientConfig": {"service": {"port": 443}}, "rules": [{"scope": "*"}]}]}),
        (f"{ADMISSION}/validatingadmissionpolicies", {"spec": {"matchConstraints": {"resourceRules": [{}]}}},
         {"spec": {"failurePolicy": "Fail", "matchConstraints": {"matchPolicy": "Equivalent", "resourceRules": [{"scope": "*"}]}}}),
        ("apiextensions.k8s.io/v1/customresourcedefinitions", {"spec": {"names": {"kind": "Foo", "plural": "foos"}}},
         {"spec": {"names": {"singular": "foo", "listKind": "FooList"}, "conversion": {"strategy": "None"}}}),
        ("flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
         {"spec": {"limited": {"limitResponse": {"type": "Queue", "queuing": {}}}}},
         {"spec": {"limited": {"nominalConcurrencyShares": 30, "limitResponse": {"queuing": {"queues": 64, "handSize": 8}}}}}),
        ("resource.k8s.io/v1beta1/resourceclaims", {"spec": {"devices": {"requests": [{"name": "r", "deviceClassName": "c"}]}}},
         {"spec": {"devices": {"requests": [{"exactly": {"allocationMode": "ExactCount", "count": 1}}]}}}),
    ],
)  # fmt: skip
def test_defaults(path: str, given: dict[str, Any], expected: dict[str, Any]) -> None:
    has(defaulted(path, given), expected)


@pytest.mark.parametrize("kind", [k for k in CATALOG.kinds if k.stored], ids=lambda k: k.name)
def test_an_empty_object_can_be_defaulted_and_prepared(kind: Any) -> None:
    obj = kind.type()
    kind.default(obj)
    kind.prepare_create(obj)
    kind.validate(obj)
    again = codec.decode(kind.type, codec.encode(obj))
    kind.prepare_update(again, obj)
    kind.prepare_status_update(again, obj)
    kind.warnings(obj)
    assert codec.decode(kind.type, codec.encode(again)) == again
