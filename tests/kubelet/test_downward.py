"""What a pod may read of itself."""

import pytest
from tests.kubelet.builders import UID, container, pod

from steersman.kinds.types.core_v1 import ObjectFieldSelector, ResourceFieldSelector
from steersman.kubelet.downward import (
    DownwardError,
    NodeFacts,
    container_named,
    field_value,
    format_map,
    resource_value,
)

NODE = NodeFacts("node-0", ("192.0.2.1", "2001:db8::1"), {"cpu": "3500m", "memory": "8Gi", "ephemeral-storage": "1Gi"})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "default"),
        ("metadata.uid", UID),
        ("metadata.labels", 'a="1"\nb="x\\"y"'),
        ("metadata.annotations", 'note="line\\nbreak"'),
        ("metadata.labels['a']", "1"),
        ("metadata.labels['none']", ""),
        ("metadata.annotations['note']", "line\nbreak"),
        ("spec.nodeName", "node-0"),
        ("spec.serviceAccountName", "robot"),
        ("status.hostIP", "192.0.2.1"),
        ("status.hostIPs", "192.0.2.1,2001:db8::1"),
        ("status.podIP", "10.0.0.5"),
        ("status.podIPs", "10.0.0.5,fd00::5"),
    ],
)
def test_fields(path, expected):
    meta = {"labels": {"b": 'x"y', "a": "1"}, "annotations": {"note": "line\nbreak"}}
    made = pod(metadata=meta, nodeName="node-0", serviceAccountName="robot")
    assert field_value(made, ObjectFieldSelector(fieldPath=path), NODE, ("10.0.0.5", "fd00::5")) == expected


def test_unknown_field():
    with pytest.raises(DownwardError, match=r"unsupported fieldPath: spec\.containers"):
        field_value(pod(), ObjectFieldSelector(fieldPath="spec.containers"), NODE, ())


@pytest.mark.parametrize(
    ("resources", "selector", "divisor", "expected"),
    [
        ({"limits": {"cpu": "250m"}}, "limits.cpu", "", "1"),
        ({"limits": {"cpu": "250m"}}, "limits.cpu", "1m", "250"),
        ({"limits": {"cpu": "2"}}, "limits.cpu", "0", "2"),
        ({"requests": {"memory": "64Mi"}}, "requests.memory", "1Mi", "64"),
        ({"requests": {"memory": "65Mi"}}, "requests.memory", "64Mi", "2"),
        ({"requests": {"memory": "64Mi"}}, "requests.memory", "", str(64 << 20)),
        # Without a limit, the node's allocatable counts; a request falls back to the limit.
        ({}, "limits.memory", "1Gi", "8"),
        ({}, "limits.cpu", "1m", "3500"),
        ({"limits": {"cpu": "1"}}, "requests.cpu", "", "1"),
        ({}, "requests.cpu", "", "0"),
        ({"limits": {"hugepages-2Mi": "4Mi"}}, "limits.hugepages-2Mi", "1Mi", "4"),
    ],
)
def test_resources(resources, selector, divisor, expected):
    made = pod([container(resources=resources)])
    chosen = ResourceFieldSelector(resource=selector, divisor=divisor or None)
    assert resource_value(made.spec.containers[0], chosen, NODE) == expected


@pytest.mark.parametrize("selector", ["cpu", "usage.cpu", "limits."])
def test_unknown_resource(selector):
    with pytest.raises(DownwardError):
        resource_value(pod().spec.containers[0], ResourceFieldSelector(resource=selector), NODE)


def test_container_named():
    made = pod([container("a")], [container("i")])
    assert container_named(made, "i").name == "i"
    with pytest.raises(DownwardError):
        container_named(made, "none")


def test_no_labels():
    assert format_map({}) == ""
