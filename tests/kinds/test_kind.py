"""What every kind does with metadata, generation, status and versions."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.api import codec
from steersman.api.field import IMMUTABLE, ErrorType, FieldError
from steersman.kinds.apps.deployment import KIND as DEPLOYMENT
from steersman.kinds.catalog import load
from steersman.kinds.core.configmap import KIND as CONFIG_MAP
from steersman.kinds.core.node import KIND as NODE
from steersman.kinds.core.pod import KIND as POD
from steersman.kinds.kind import Kind, list_type
from steersman.kinds.types.apps_v1 import Deployment, DeploymentSpec, DeploymentStatus
from steersman.kinds.types.core_v1 import ConfigMap, Node, NodeStatus, Pod, PodSpec, PodStatus
from steersman.kinds.types.meta_v1 import ObjectMeta, OwnerReference

CATALOG = load()
META = {"name": "web", "namespace": "default"}


def deployment(replicas: int, ready: int = 0, generation: int | None = None, **meta: Any) -> Deployment:
    return Deployment(
        metadata=ObjectMeta(**META, generation=generation, **meta),
        spec=DeploymentSpec(replicas=replicas),
        status=DeploymentStatus(readyReplicas=ready),
    )


def test_a_new_object_has_generation_one_and_no_status() -> None:
    obj = deployment(2, ready=5, generation=7)
    DEPLOYMENT.prepare_create(obj)
    assert obj.metadata.generation == 1
    assert obj.status == DeploymentStatus()


def test_a_new_node_brings_its_status() -> None:
    node = Node(status=NodeStatus(phase="x"))
    NODE.prepare_create(node)
    assert node.status.phase == "x"


@pytest.mark.parametrize(("replicas", "generation"), [(2, 4), (3, 5)])
def test_generation_counts_changes_of_the_spec(replicas: int, generation: int) -> None:
    old = deployment(2, ready=1, generation=4)
    new = deployment(replicas, ready=9, labels={"a": "b"})
    DEPLOYMENT.prepare_update(new, old)
    assert new.metadata.generation == generation
    assert new.metadata.labels == {"a": "b"}
    assert new.status is old.status


def test_a_kind_without_generations_keeps_none() -> None:
    old = ConfigMap(data={"a": "1"})
    new = ConfigMap(metadata=ObjectMeta(generation=9), data={"a": "2"})
    CONFIG_MAP.prepare_update(new, old)
    assert new.metadata.generation is None


def test_a_status_update_changes_status_alone() -> None:
    old = deployment(2, generation=4, finalizers=["a/b"])
    new = deployment(9, ready=2, generation=9, annotations={"x": "y"})
    DEPLOYMENT.prepare_status_update(new, old)
    assert new.spec is old.spec
    assert new.status.readyReplicas == 2
    assert (new.metadata.generation, new.metadata.finalizers) == (4, ["a/b"])
    assert new.metadata.annotations == {"x": "y"}


def metadata_errors(meta: ObjectMeta) -> list[str]:
    return [str(e) for e in CONFIG_MAP.validate(ConfigMap(metadata=meta))]


@pytest.mark.parametrize(
    ("meta", "errors"),
    [
        ({}, []),
        ({"name": ""}, ["metadata.name: Required value: name or generateName is required"]),
        ({"namespace": ""}, ["metadata.namespace: Required value"]),
        ({"generation": -1}, ["metadata.generation: Invalid value: -1: must be greater than or equal to 0"]),
        ({"ownerReferences": [OwnerReference(apiVersion="v1", kind="Pod", name="p")]},
         ["metadata.ownerReferences[0].uid: Required value: must not be empty"]),
        ({"finalizers": ["orphan", "foregroundDeletion"]},
         ['metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: '
          "finalizer orphan and foregroundDeletion cannot be both set"]),
        ({"annotations": {"A/b": "x" * 300_000}},
         ["metadata.annotations: Too long: may not be more than 262144 bytes"]),
    ],
)  # fmt: skip
def test_metadata(meta: dict[str, Any], errors: list[str]) -> None:
    assert metadata_errors(ObjectMeta(**{**META, **meta})) == errors


@pytest.mark.parametrize(
    ("meta", "start"),
    [
        ({"name": "Web"}, 'metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must consist of'),
        ({"labels": {"a b": ""}}, 'metadata.labels: Invalid value: "a b": name part must consist of'),
        ({"labels": {"a": "-"}}, 'metadata.labels: Invalid value: "-": a valid label must be'),
        ({"annotations": {"/": ""}}, 'metadata.annotations: Invalid value: "/": '),
        ({"finalizers": ["!"]}, 'metadata.finalizers: Invalid value: "!": '),
    ],
)
def test_malformed_metadata(meta: dict[str, Any], start: str) -> None:
    found = metadata_errors(ObjectMeta(**{**META, **meta}))
    assert found
    assert found[0].startswith(start)


def test_two_controllers_are_one_too_many() -> None:
    owners = [OwnerReference(apiVersion="v1", kind="Pod", name=n, uid=n, controller=True) for n in ("a", "b")]
    (error,) = metadata_errors(ObjectMeta(**META, ownerReferences=owners))
    assert error.endswith('Found "true" in references for Pod/a and Pod/b')


def test_metadata_that_must_not_change() -> None:
    old = ConfigMap(metadata=ObjectMeta(**META, uid="1", generation=2, deletionTimestamp="2020-01-01T00:00:00Z"))
    new = codec.clone(old)
    new.metadata.uid, new.metadata.generation, new.metadata.finalizers = "2", 1, ["a/b"]
    assert [str(e) for e in CONFIG_MAP.validate_update(new, old)] == [
        'metadata.uid: Invalid value: "2": field is immutable',
        "metadata.generation: Invalid value: 1: must not be decremented",
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
        'found new finalizers []string{"a/b"}',
    ]


def test_selectable_fields() -> None:
    assert CONFIG_MAP.selectable_fields == {"metadata.name", "metadata.namespace"}
    assert not CONFIG_MAP.has_selectable
    assert {"spec.nodeName", "status.phase", "metadata.namespace"} < POD.selectable_fields
    assert "metadata.namespace" not in NODE.selectable_fields


@pytest.mark.parametrize(
    ("spec", "phase", "asked", "expected"),
    [
        (PodSpec(nodeName="n"), "Running", None, 30),
        (PodSpec(nodeName="n", terminationGracePeriodSeconds=5), "Running", None, 5),
        (PodSpec(nodeName="n", terminationGracePeriodSeconds=5), "Running", 9, 9),
        (PodSpec(nodeName="n"), "Running", 0, 0),
        (PodSpec(nodeName="n"), "Running", -3, 1),
        (PodSpec(nodeName="n"), "Failed", None, 0),
        (PodSpec(), "Pending", None, 0),
    ],
)
def test_grace_period_of_a_pod(spec: PodSpec, phase: str, asked: int | None, expected: int) -> None:
    assert POD.grace_period(Pod(spec=spec, status=PodStatus(phase=phase)), asked) == expected


def convert(group: str, version: str, plural: str, plain: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The object as it is stored, and as it comes back."""
    served = CATALOG.find(group, version, plural)
    assert served is not None
    obj, problems = codec.from_builtins(served.type, plain)
    assert problems == []
    stored = served.to_stored(obj)
    return codec.to_builtins(stored), codec.to_builtins(served.from_stored(stored))


def test_events_of_the_newer_group_are_stored_in_the_core_form() -> None:
    plain = {
        "metadata": {"name": "e", "namespace": "d"},
        "note": "text", "reason": "R", "type": "Normal", "regarding": {"kind": "Pod", "name": "p"},
        "deprecatedCount": 2, "reportingController": "c", "eventTime": "2020-01-01T00:00:00.000001Z",
    }  # fmt: skip
    stored, back = convert("events.k8s.io", "v1", "events", plain)
    assert (stored["apiVersion"], stored["message"], stored["count"]) == ("v1", "text", 2)
    assert stored["involvedObject"] == {"kind": "Pod", "name": "p"}
    assert stored["reportingComponent"] == "c"
    assert back == {"kind": "Event", "apiVersion": "events.k8s.io/v1", **plain}


def test_an_autoscaler_of_v1() -> None:
    plain = {
        "metadata": {"name": "h"},
        "spec": {"maxReplicas": 5, "scaleTargetRef": {"kind": "Deployment", "name": "d"}, "targetCPUUtilizationPercentage": 70},
        "status": {"currentReplicas": 1, "desiredReplicas": 2, "currentCPUUtilizationPercentage": 30},
    }  # fmt: skip
    stored, back = convert("autoscaling", "v1", "horizontalpodautoscalers", plain)
    assert stored["spec"]["metrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 70, "type": "Utilization"}}}
    ]
    assert back["spec"] == plain["spec"]
    assert back["status"] == plain["status"]


def test_metrics_that_autoscaling_v1_lacks_survive_in_annotations() -> None:
    served = CATALOG.find("autoscaling", "v1", "horizontalpodautoscalers")
    assert served is not None
    metrics = [
        {"type": "Resource", "resource": {"name": "memory", "target": {"averageValue": "1Gi", "type": "AverageValue"}}},
        {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"averageValue": "5", "type": "AverageValue"}}},
        {"type": "Object", "object": {"describedObject": {"kind": "Service", "name": "s"}, "metric": {"name": "m"},
                                      "target": {"type": "Value", "value": "3"}}},
        {"type": "External", "external": {"metric": {"name": "m", "selector": {"matchLabels": {"a": "b"}}},
                                          "target": {"type": "Value", "value": "3"}}},
    ]  # fmt: skip
    spec = {"metrics": metrics, "maxReplicas": 2, "behavior": {"scaleUp": {"selectPolicy": "Max"}}}
    stored, _ = codec.from_builtins(served.kind.type, {"metadata": {"name": "h"}, "spec": spec})
    older = served.from_stored(stored)
    assert set(older.metadata.annotations) == {
        "autoscaling.alpha.kubernetes.io/metrics",
        "autoscaling.alpha.kubernetes.io/behavior",
    }
    back = served.to_stored(older)
    assert codec.to_builtins(back.spec) == codec.to_builtins(stored.spec)
    assert not back.metadata.annotations


def test_claims_of_v1beta1_are_nested() -> None:
    request = {"name": "r", "deviceClassName": "c", "count": 2}
    plain = {"metadata": {"name": "x"}, "spec": {"devices": {"requests": [request]}}}
    stored, back = convert("resource.k8s.io", "v1beta1", "resourceclaims", plain)
    assert stored["spec"]["devices"]["requests"] == [{"name": "r", "exactly": {"deviceClassName": "c", "count": 2}}]
    assert back["spec"] == plain["spec"]


def test_slices_of_v1beta1_are_flattened() -> None:
    devices = [{"name": "d", "basic": {"allNodes": True}}]
    spec = {"driver": "x", "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1}, "devices": devices}
    stored, back = convert("resource.k8s.io", "v1beta1", "resourceslices", {"spec": spec})
    assert stored["spec"]["devices"] == [{"name": "d", "allNodes": True}]
    assert back["spec"] == spec


def test_a_version_with_the_fields_of_today_has_a_type_of_its_own_name() -> None:
    served = CATALOG.find("apps", "v1beta2", "deployments")
    assert served is not None
    assert issubclass(served.type, Deployment)
    assert served.type is CATALOG.find("apps", "v1beta2", "deployments").type  # type: ignore[union-attr]
    assert served.type is next(s for s in DEPLOYMENT.served() if s.resource.version == "v1beta2").type
    assert served.type.__struct_fields__ == Deployment.__struct_fields__
    assert codec.encode(served.type()).startswith(b'{"kind":"Deployment","apiVersion":"apps/v1beta2","metadata":{}')
    found = list_type(served.resource, served.type)
    assert codec.encode(found()) == b'{"kind":"DeploymentList","apiVersion":"apps/v1beta2","metadata":{},"items":[]}'
    assert list_type(DEPLOYMENT.resource, Deployment).__module__ == Deployment.__module__


def test_what_replaces_a_version() -> None:
    found = {s.resource.api_version: s for s in CATALOG.served if s.resource.kind == "Event"}
    assert (found["v1"].deprecation, found["events.k8s.io/v1"].deprecation) == ("", "")
    assert found["events.k8s.io/v1beta1"].deprecation == (
        "events.k8s.io/v1beta1 Event is deprecated in v1.22+, unavailable in v1.25+; use events.k8s.io/v1 Event"
    )


def test_a_version_may_allow_what_today_is_wrong() -> None:
    served = {s.resource.api_version: s for s in DEPLOYMENT.served()}
    errors = [FieldError(ErrorType.INVALID, "spec.selector", None, IMMUTABLE), FieldError(ErrorType.REQUIRED, "spec.x")]
    assert served["apps/v1"].tolerated(errors) == errors
    assert served["apps/v1beta2"].tolerated(errors) == errors
    assert served["extensions/v1beta1"].tolerated(errors) == errors[1:]


@pytest.mark.parametrize("kind", CATALOG.kinds, ids=lambda k: k.name)
def test_every_kind_has_a_cell_for_every_column(kind: Kind[Any]) -> None:
    from datetime import UTC, datetime

    row = kind.row(kind.type(), datetime(2020, 1, 1, tzinfo=UTC))
    assert len(row) == len(kind.columns)
    codec.encode(row)
