"""What nodes and schedulers may report of a pod."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.core.pod import KIND

ErrorsOf = Callable[..., list[str]]

POD = """
metadata: {name: web, namespace: default}
spec:
  resourceClaims: [{name: gpu, resourceClaimName: g}, {name: nic, resourceClaimName: n}]
  containers: [{name: c, image: nginx, resources: {requests: {example.com/a: 1}, limits: {example.com/a: 1}, claims: [{name: gpu, request: big}, {name: nic}]}}]
"""
S = "status.containerStatuses[0]"
E = "status.extendedResourceClaimStatus"
R = f"{S}.allocatedResourcesStatus[0]"
CLAIMS = "must match one of the container's resource claims as 'claim:<claimName>/<requestName>' when container.resources.claims[*].request is set or 'claim:<claimName>' when it is empty"


def _resource(name: str, resources: str = "[]") -> str:
    return (
        f"{{containerStatuses: [{{name: c, allocatedResourcesStatus: [{{name: '{name}', resources: {resources}}}]}}]}}"
    )


@pytest.mark.parametrize(
    ("status", "errors"),
    [
        ("{phase: Running, podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}], hostIP: 10.1.0.1, hostIPs: [{ip: 10.1.0.1}]}", []),
        ("{podIPs: [{ip: x}]}", ['status.podIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']),
        ("{podIPs: [{ip: 10.0.0.1}, {ip: 10.0.0.2}]}", ['status.podIPs: Invalid value: [{"IP":"10.0.0.1"},{"IP":"10.0.0.2"}]: may specify no more than one IP for each IP family']),
        ("{hostIP: 10.0.0.1, hostIPs: [{ip: 10.0.0.2}]}", ['status.hostIPs[0].ip: Invalid value: "10.0.0.2": must be equal to `hostIP`']),
        ("{conditions: [{type: a.example/Fine, status: 'True'}, {type: Ready, status: 'True'}]}", []),
        ("{resourceClaimStatuses: [{name: gpu, resourceClaimName: g}]}", []),
        ("{resourceClaimStatuses: [{name: other}]}", ['status.resourceClaimStatuses[0].name: Invalid value: "other": must match the name of an entry in `spec.resourceClaims`']),
        ("{containerStatuses: [{name: c, user: {linux: {uid: 1, gid: -1}}}]}", [f"{S}.user.linux.gid: Invalid value: -1: must be between 0 and 2147483647, inclusive"]),
        ("{containerStatuses: [{name: c, user: {linux: {uid: 4294967295, gid: 1}}}]}", []),
        ("{containerStatuses: [{name: c, user: {linux: {uid: 4294967296, gid: 1}}}]}", [f"{S}.user.linux.uid: Invalid value: 4294967296: must be between 0 and 4294967295, inclusive"]),
        ("{resourceClaimStatuses: [{name: gpu, resourceClaimName: A}]}", None),
        ("{observedGeneration: -1}", ["status.observedGeneration: Invalid value: -1: must be a non-negative integer"]),
        ("{conditions: [{type: Ready, status: 'True', observedGeneration: -1}]}", ["status.conditions[0].observedGeneration: Invalid value: -1: must be a non-negative integer"]),
        ("{extendedResourceClaimStatus: {resourceClaimName: e, requestMappings: [{containerName: c, resourceName: example.com/a, requestName: r}]}}", []),
        ("{extendedResourceClaimStatus: {resourceClaimName: '', requestMappings: []}}", [f"{E}.requestMappings: Required value: at least one request mapping is required", f"{E}.resourceClaimName: Required value"]),
        ("{extendedResourceClaimStatus: {resourceClaimName: e, requestMappings: [{containerName: d, resourceName: x, requestName: r}]}}", [f'{E}.requestMappings[0].containerName: Invalid value: "d": must match the name of an entry in spec.initContainers.name or spec.containers.name']),
        ("{extendedResourceClaimStatus: {resourceClaimName: e, requestMappings: [{containerName: c, resourceName: x, requestName: r}]}}", [f'{E}.requestMappings[0].resourceName: Invalid value: "x": must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests']),
        (_resource("claim:e/r")[:-1] + ", extendedResourceClaimStatus: {resourceClaimName: e, requestMappings: [{containerName: c, resourceName: example.com/a, requestName: r}]}}", []),
        (_resource("example.com/a", f"[{{resourceID: x, health: Healthy, message: {'m' * 1025}}}]"), [f"{R}.resources[0].message: Too long: may not be more than 1024 bytes"]),
        (_resource("example.com/a", "[{resourceID: x, health: Healthy}]"), []),
        (_resource("claim:gpu/big"), []),
        (_resource("claim:nic"), []),
        (_resource("claim:gpu"), [f'{R}.name: Invalid value: "claim:gpu": {CLAIMS}']),
        (_resource("example.com/b"), [f"{R}.name: Invalid value: \"example.com/b\": must match one of the container's resource requests"]),
        (_resource("claim:nic", "[{resourceID: x, health: Fine}, {resourceID: x, health: Unknown}]"), [f'{R}.resources[0].health: Unsupported value: "Fine": supported values: "Healthy", "Unhealthy", "Unknown"', f'{R}.resources[1].resourceID: Duplicate value: "x"']),
        ("{ephemeralContainerStatuses: [{name: e, allocatedResourcesStatus: []}]}", []),
        ("{ephemeralContainerStatuses: [{name: e, allocatedResourcesStatus: [{name: a}]}]}", ["status.ephemeralContainerStatuses[0].allocatedResourcesStatus: Forbidden: must not be specified in container status"]),
    ],
)  # fmt: skip
def test_reports(status: str, errors: list[str] | None, status_errors_of: ErrorsOf) -> None:
    got = status_errors_of(KIND, POD, "{}", status)
    if errors is None:
        assert got[0].startswith("status.resourceClaimStatuses[0].resourceClaimName: Invalid value")
    else:
        assert got == errors


def test_what_older_clients_do_not_know_of_stays(create: Callable[..., Any], build: Callable[..., Any]) -> None:
    """Claims and generations that a report leaves out are those of before; an empty list takes claims away."""
    old = create(KIND, POD)
    old.status = build(
        KIND, POD,
        "status: {observedGeneration: 2, resourceClaimStatuses: [{name: gpu}], conditions: [{type: a/b, status: 'True', observedGeneration: 1}, {type: a/b, status: 'False', observedGeneration: 2}]}",
    ).status  # fmt: skip
    new = build(KIND, POD, "status: {conditions: [{type: a/b, status: 'True'}, {type: a/b, status: 'True', observedGeneration: 3}, {type: c, status: 'True'}]}")  # fmt: skip
    KIND.prepare_status_update(new, old)
    assert new.status.observedGeneration == 2
    assert [c.name for c in new.status.resourceClaimStatuses] == ["gpu"]
    assert [c.observedGeneration for c in new.status.conditions] == [1, 3, None]
    new.status.resourceClaimStatuses = []
    KIND.prepare_status_update(new, old)
    assert not new.status.resourceClaimStatuses
