"""The rows of kinds in `kubectl get`, as pairs of an object and its cells."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds import columns
from steersman.kinds.catalog import load

CATALOG = load()
NOW = datetime(2020, 1, 3, tzinfo=UTC)
META = {"name": "x", "namespace": "d", "creationTimestamp": "2020-01-01T00:00:00Z"}
TEMPLATE = {"spec": {"containers": [{"name": "a", "image": "i:1"}, {"name": "b", "image": "j:2"}]}}
SELECTOR = {"matchLabels": {"app": "x"}}


def cells(path: str, plain: dict[str, Any]) -> list[Any]:
    group, version, plural = path.split("/")
    served = CATALOG.find("" if group == "core" else group, version, plural)
    assert served is not None
    meta = {**META, **plain.get("metadata", {})}
    obj, problems = codec.from_builtins(served.type, {**plain, "metadata": meta})
    assert problems == []
    return served.kind.row(obj, NOW)


@pytest.mark.parametrize(
    ("path", "plain", "expected"),
    [
        ("core/v1/configmaps", {"data": {"a": "1"}, "binaryData": {"b": "aGk="}}, ["x", 2, "2d"]),
        ("core/v1/secrets", {"type": "Opaque", "data": {"a": "aGk="}}, ["x", "Opaque", 1, "2d"]),
        ("core/v1/serviceaccounts", {}, ["x", 0, "2d"]),
        ("core/v1/namespaces", {"status": {"phase": "Active"}}, ["x", "Active", "2d"]),
        ("core/v1/services",
         {"spec": {"type": "NodePort", "clusterIP": "10.0.0.1", "selector": {"a": "b"},
                   "ports": [{"port": 80, "nodePort": 30000, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}},
         ["x", "NodePort", "10.0.0.1", "<none>", "80:30000/TCP,53/UDP", "2d", "a=b"]),
        ("core/v1/services", {"spec": {"type": "ExternalName", "externalName": "e.org"}},
         ["x", "ExternalName", "<none>", "e.org", "<none>", "2d", "<none>"]),
        ("core/v1/services", {"spec": {"type": "LoadBalancer", "clusterIP": "None"}},
         ["x", "LoadBalancer", "None", "<pending>", "<none>", "2d", "<none>"]),
        ("core/v1/services",
         {"spec": {"type": "LoadBalancer", "externalIPs": ["9.9.9.9"]},
          "status": {"loadBalancer": {"ingress": [{"ip": "2.2.2.2"}, {"hostname": "h"}]}}},
         ["x", "LoadBalancer", "<none>", "2.2.2.2,h,9.9.9.9", "<none>", "2d", "<none>"]),
        ("core/v1/endpoints",
         {"subsets": [{"addresses": [{"ip": f"10.0.0.{n}"} for n in range(5)], "ports": [{"port": 80}]}]},
         ["x", "10.0.0.0:80,10.0.0.1:80,10.0.0.2:80 + 2 more...", "2d"]),
        ("core/v1/nodes",
         {"metadata": {"labels": {"node-role.kubernetes.io/b": "", "kubernetes.io/role": "a"}},
          "spec": {"unschedulable": True},
          "status": {"conditions": [{"type": "Ready", "status": "True"}],
                     "addresses": [{"type": "InternalIP", "address": "1.1.1.1"}],
                     "nodeInfo": {"kubeletVersion": "v1.37.0", "osImage": "Debian"}}},
         ["x", "Ready,SchedulingDisabled", "a,b", "2d", "v1.37.0", "1.1.1.1", "<none>", "Debian", "<unknown>", "<unknown>"]),
        ("core/v1/nodes", {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}},
         ["x", "NotReady", "<none>", "2d", "", "<none>", "<none>", "<unknown>", "<unknown>", "<unknown>"]),
        ("core/v1/persistentvolumeclaims",
         {"spec": {"volumeName": "v", "storageClassName": "s", "volumeMode": "Filesystem"},
          "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadOnlyMany", "ReadWriteOnce"]}},
         ["x", "Bound", "v", "1Gi", "RWO,ROX", "s", "<unset>", "2d", "Filesystem"]),
        ("core/v1/resourcequotas",
         {"status": {"hard": {"pods": "3", "limits.cpu": "2"}, "used": {"pods": "1"}}},
         ["x", "pods: 1/3", "limits.cpu: 0/2", "2d"]),
        ("core/v1/events",
         {"lastTimestamp": "2020-01-02T23:59:00Z", "firstTimestamp": "2020-01-02T23:00:00Z", "count": 3, "type": "Normal",
          "reason": "R", "message": " m\n", "source": {"component": "c", "host": "h"},
          "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "f"}},
         ["60s", "Normal", "R", "pod/p", "f", "c, h", "m", "60m", 3, "x"]),
        ("core/v1/events", {"eventTime": "2020-01-02T23:59:30.000000Z", "reportingComponent": "c", "involvedObject": {"kind": "Node"}},
         ["30s", "", "", "node", "", "c", "", "30s", 1, "x"]),
        ("apps/v1/deployments",
         {"spec": {"replicas": 3, "template": TEMPLATE, "selector": SELECTOR},
          "status": {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1}},
         ["x", "2/3", 3, 1, "2d", "a,b", "i:1,j:2", "app=x"]),
        ("apps/v1/replicasets",
         {"spec": {"replicas": 3, "template": TEMPLATE, "selector": SELECTOR}, "status": {"replicas": 2}},
         ["x", 3, 2, 0, "2d", "a,b", "i:1,j:2", "app=x"]),
        ("apps/v1/statefulsets", {"spec": {"replicas": 1, "template": TEMPLATE}}, ["x", "0/1", "2d", "a,b", "i:1,j:2"]),
        ("apps/v1/controllerrevisions",
         {"revision": 2, "metadata": {"ownerReferences": [
             {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "o", "uid": "u", "controller": True}]}},
         ["x", "daemonset.apps/o", 2, "2d"]),
        ("batch/v1/jobs",
         {"spec": {"completions": 2, "template": TEMPLATE, "selector": SELECTOR},
          "status": {"succeeded": 1, "startTime": "2020-01-02T23:58:00Z"}},
         ["x", "Running", "1/2", "2m", "2d", "a,b", "i:1,j:2", "app=x"]),
        ("batch/v1/jobs",
         {"spec": {"parallelism": 3, "template": TEMPLATE},
          "status": {"conditions": [{"type": "Complete", "status": "True"}], "startTime": "2020-01-01T00:00:00Z",
                     "completionTime": "2020-01-01T00:00:07Z"}},
         ["x", "Complete", "0/1 of 3", "7s", "2d", "a,b", "i:1,j:2", "<none>"]),
        ("batch/v1/cronjobs",
         {"spec": {"schedule": "* * * * *", "suspend": False, "jobTemplate": {"spec": {"template": TEMPLATE}}}},
         ["x", "* * * * *", "<none>", "False", 0, "<none>", "2d", "a,b", "i:1,j:2", "<none>"]),
        ("autoscaling/v2/horizontalpodautoscalers",
         {"spec": {"maxReplicas": 4, "minReplicas": 1, "scaleTargetRef": {"kind": "Deployment", "name": "d"},
                   "metrics": [{"type": "Resource", "resource": {
                       "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]}},
         ["x", "Deployment/d", "cpu: <unknown>/50%", "1", 4, 0, "2d"]),
        ("networking.k8s.io/v1/ingresses",
         {"spec": {"rules": [{"host": h} for h in "abcd"], "tls": [{}]}},
         ["x", "<none>", "a,b,c + 1 more...", "", "80, 443", "2d"]),
        ("networking.k8s.io/v1/networkpolicies", {"spec": {"podSelector": {}}}, ["x", "<none>", "2d"]),
        ("policy/v1/poddisruptionbudgets", {"spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 1}},
         ["x", "50%", "N/A", 1, "2d"]),
        ("rbac.authorization.k8s.io/v1/roles", {}, ["x", "2020-01-01T00:00:00Z"]),
        ("rbac.authorization.k8s.io/v1/rolebindings",
         {"roleRef": {"kind": "Role", "name": "r", "apiGroup": "g"},
          "subjects": [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s", "namespace": "d"}]},
         ["x", "Role/r", "2d", "u", "", "d/s"]),
        ("storage.k8s.io/v1/storageclasses",
         {"provisioner": "p", "metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}},
         ["x (default)", "p", "Delete", "Immediate", False, "2d"]),
        ("coordination.k8s.io/v1/leases", {"spec": {"holderIdentity": "me"}}, ["x", "me", "2d"]),
        ("discovery.k8s.io/v1/endpointslices",
         {"addressType": "IPv4", "ports": [{"port": 80}, {"name": "all"}], "endpoints": [{"addresses": ["1.1.1.1"]}]},
         ["x", "IPv4", "80,*", "1.1.1.1", "2d"]),
        ("certificates.k8s.io/v1/certificatesigningrequests",
         {"spec": {"signerName": "s", "username": "u", "request": "aGk=", "expirationSeconds": 600},
          "status": {"conditions": [{"type": "Approved", "status": "True"}], "certificate": "aGk="}},
         ["x", "2d", "s", "u", "10m", "Approved,Issued"]),
        ("apiregistration.k8s.io/v1/apiservices",
         {"spec": {"groupPriorityMinimum": 1, "versionPriority": 1},
          "status": {"conditions": [{"type": "Available", "status": "False", "reason": "R"}]}},
         ["x", "Local", "False (R)", "2d"]),
    ],
)  # fmt: skip
def test_rows(path: str, plain: dict[str, Any], expected: list[Any]) -> None:
    assert cells(path, plain) == expected


@pytest.mark.parametrize(
    ("items", "total", "text"), [([], None, ""), (["a"], None, "a"), (list("abcd"), None, "a,b,c + 1 more...")]
)
def test_limited(items: list[str], total: int | None, text: str) -> None:
    assert columns.limited(items, total) == text


def test_a_malformed_selector_is_shown_as_such() -> None:
    assert columns.selector({"matchExpressions": [{"key": "a", "operator": "Odd"}]}) == "<error>"
