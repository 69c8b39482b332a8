"""What nodes and schedulers may report of a pod."""

from __future__ import annotations

from collections.abc import Callable

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
R = f"{S}.allocatedResourcesStatus[0]"
CLAIMS = "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty"


def _resource(name: str, resources: str = "[]") -> str:
    return (
        f"{{containerStatuses: [{{name: c, allocatedResourcesStatus: [{{name: '{name}', resources: {resources}}}]}}]}}"
    )


@pytest.mark.parametrize(
    ("status", "errors"),
    [
        ("{phase: Running, podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}], hostIP: 10.1.0.1, hostIPs: [{ip: 10.1.0.1}]}", []),
        ("{podIPs: [{ip: x}]}", ['status.podIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']),
        ("{podIPs: [{ip: 10.0.0.1}, {ip: 10.0.0.2}]}", ['status.podIPs: Invalid value: [{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}]: may specify no more than one IP for each IP family']),
        ("{hostIP: 10.0.0.1, hostIPs: [{ip: 10.0.0.2}]}", ['status.hostIPs[0].ip: Invalid value: "10.0.0.2": must be equal to `hostIP`']),
        ("{conditions: [{type: a.example/Fine, status: 'True'}, {type: Ready, status: 'True'}]}", []),
        ("{resourceClaimStatuses: [{name: gpu, resourceClaimName: g}]}", []),
        ("{resourceClaimStatuses: [{name: other}]}", ['status.resourceClaimStatuses[0].name: Invalid value: "other": must match the name of an entry in `spec.resourceClaims`']),
        ("{containerStatuses: [{name: c, user: {linux: {uid: 1, gid: -1}}}]}", [f"{S}.linux.gid: Invalid value: -1: must be between 0 and 2147483647, inclusive"]),
        (_resource("example.com/a", "[{resourceID: x, health: Healthy}]"), []),
        (_resource("claim:gpu/big"), []),
        (_resource("claim:nic"), []),
        (_resource("claim:gpu"), [f'{R}.name: Invalid value: "claim:gpu": {CLAIMS}']),
        (_resource("example.com/b"), [f"{R}.name: Invalid value: \"example.com/b\": must match one of the container's resource requests"]),
        (_resource("claim:nic", "[{resourceID: x, health: Fine}, {resourceID: x, health: Unknown}]"), [f'{R}.resources[0].health: Unsupported value: "Fine": supported values: "Healthy", "Unhealthy", "Unknown"', f'{R}.resources[1].resourceID: Duplicate value: "x"']),
        ("{ephemeralContainerStatuses: [{name: e, allocatedResourcesStatus: []}]}", ["status.ephemeralContainerStatuses[0].allocatedResourcesStatus: Forbidden: must not be specified in container status"]),
    ],
)  # fmt: skip
def test_reports(status: str, errors: list[str], status_errors_of: ErrorsOf) -> None:
    assert status_errors_of(KIND, POD, "{}", status) == errors
