"""What may change in a pod, by a plain update, by a status report, and through its subresources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.core.pod import KIND
from steersman.kinds.types.core_v1 import Pod

ErrorsOf = Callable[..., list[str]]

POD = """
metadata: {name: web, namespace: default}
spec:
  activeDeadlineSeconds: 100
  tolerations: [{key: a, operator: Exists}]
  containers: [{name: c, image: nginx, resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi}}}]
  initContainers: [{name: i, image: x}]
"""
ONLY = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n(changed: "
C = "resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi}}"


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("metadata: {labels: {a: b}}", []),
        ("spec: {nodeSelector: {}, hostAliases: [], schedulingGates: []}", []),
        (f"spec: {{containers: [{{name: c, image: nginx:2, imagePullPolicy: Always, {C}}}]}}", []),
        ("spec: {initContainers: [{name: i, image: y}]}", []),
        ("spec: {activeDeadlineSeconds: 50}", []),
        ("spec: {activeDeadlineSeconds: 101}", ["spec.activeDeadlineSeconds: Invalid value: 101: must be less than or equal to previous value"]),
        ("spec: {activeDeadlineSeconds: null}", ["spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value"]),
        ("spec: {tolerations: [{key: a, operator: Exists}, {key: b, operator: Exists}]}", []),
        ("spec: {tolerations: []}", ["spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"]),
        (f"spec: {{containers: [{{name: c, image: nginx, {C}}}, {{name: d, image: x}}]}}", ["spec.containers: Forbidden: pod updates may not add or remove containers"]),
        (f"spec: {{containers: [{{name: c, image: nginx, command: [a], {C}}}]}}", [f"{ONLY}containers)"]),
        ("spec: {nodeName: n, hostname: h}", [f"{ONLY}hostname, nodeName)"]),
        ("spec: {schedulingGates: [{name: g}]}", ["spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'g'"]),
        ("spec: {nodeSelector: {a: b}}", [f"{ONLY}nodeSelector)"]),
        ("spec: {terminationGracePeriodSeconds: 1}", [f"{ONLY}terminationGracePeriodSeconds)"]),
        ("metadata: {name: other}", ['metadata.name: Invalid value: "other": field is immutable']),
    ],
)  # fmt: skip
def test_update(change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(KIND, POD, change) == errors


GATED = """
metadata: {name: web, namespace: default}
spec:
  schedulingGates: [{name: g}]
  nodeSelector: {a: b}
  containers: [{name: c, image: nginx}]
"""


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("spec: {schedulingGates: []}", []),
        ("spec: {nodeSelector: {a: b, c: d}}", []),
        ("spec: {nodeSelector: {a: x}}", ['spec.nodeSelector: Invalid value: {"a":"x"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)']),
        ("spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [n]}]}]}}}}", []),
        ("spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{}]}}}}", []),
    ],
)  # fmt: skip
def test_gated_pods_may_narrow(change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(KIND, GATED, change) == errors


@pytest.mark.parametrize(
    ("seconds", "errors"),
    [
        (1, []),
        (2, [f"{ONLY}terminationGracePeriodSeconds)"]),
        (-1, []),
    ],
)
def test_a_negative_grace_period_of_before(seconds: int, errors: list[str], update_errors_of: ErrorsOf) -> None:
    """It must become one second, which it has been taken for, before anything else is changed."""
    old = POD.replace("spec:", "spec:\n  terminationGracePeriodSeconds: -1", 1)
    assert update_errors_of(KIND, old, f"spec: {{terminationGracePeriodSeconds: {seconds}}}") == errors


RUNS = "{name: c, image: x, imageID: '', ready: true, restartCount: 1, state: {running: {}}}"
AGAIN = "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"


def _ended(code: int) -> str:
    return f"{{containerStatuses: [{{name: c, image: x, state: {{terminated: {{exitCode: {code}}}}}}}]}}"


@pytest.mark.parametrize(
    ("policy", "container", "code", "allowed"),
    [
        ("Always", "", 0, True),
        ("Never", "", 1, False),
        ("OnFailure", "", 0, False),
        ("OnFailure", "", 1, True),
        ("Never", "restartPolicy: Always", 0, True),
        ("Never", "restartPolicy: OnFailure", 0, False),
        ("Never", "restartPolicy: OnFailure", 1, True),
        ("Never", "restartPolicy: Never", 1, False),
        ("Never", "restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [3]}}]", 3, True),
        ("Never", "restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [3]}}]", 4, False),
        ("Never", "restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: NotIn, values: [3]}}]", 4, True),
        ("Never", "restartPolicy: Never, restartPolicyRules: [{action: RestartAllContainers, exitCodes: {operator: In, values: [3]}}]", 4, True),
    ],
)  # fmt: skip
def test_containers_that_run_again(
    policy: str, container: str, code: int, allowed: bool, status_errors_of: ErrorsOf
) -> None:
    pod = f"{{metadata: {{name: web, namespace: default}}, spec: {{restartPolicy: {policy}, containers: [{{name: c, image: x, {container}}}]}}}}"
    assert status_errors_of(KIND, pod, _ended(code), f"{{containerStatuses: [{RUNS}]}}") == ([] if allowed else [AGAIN])


def test_a_bound_pod_is_not_nominated(create: Callable[..., Any]) -> None:
    old, new = (create(KIND, POD, "spec: {nodeName: n}") for _ in range(2))
    new.status.nominatedNodeName = "other"
    assert [str(e) for e in KIND.validate_status_update(new, old)] == [
        "status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node"
    ]


NEVER = "{metadata: {name: web, namespace: default}, spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}"
DONE = "{phase: Running, containerStatuses: [{name: c, image: x, imageID: '', ready: false, restartCount: 0, state: {terminated: {exitCode: 0}}}]}"


@pytest.mark.parametrize(
    ("before", "after", "errors"),
    [
        ("{}", "{phase: Running, podIP: 10.0.0.1}", []),
        ("{}", "{qosClass: Burstable}", ['status.qosClass: Invalid value: "Burstable": field is immutable']),
        ("{}", "{podIPs: [{ip: x}]}", ['status.podIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']),
        ("{}", "{podIPs: [{ip: 10.0.0.1}, {ip: 10.0.0.2}]}", ['status.podIPs: Invalid value: [{"IP":"10.0.0.1"},{"IP":"10.0.0.2"}]: may specify no more than one IP for each IP family']),
        ("{}", "{nominatedNodeName: A}", None),
        (DONE, "{containerStatuses: [{name: c, image: x, imageID: '', ready: true, restartCount: 0, state: {running: {}}}]}", ["status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"]),
        (DONE, "{phase: Succeeded}", []),
    ],
)  # fmt: skip
def test_status(before: str, after: str, errors: list[str] | None, status_errors_of: ErrorsOf) -> None:
    got = status_errors_of(KIND, NEVER, before, after)
    if errors is None:
        assert got[0].startswith("status.nominatedNodeName: Invalid value")
    else:
        assert got == errors


def test_pod_addresses_follow_each_other(create: Callable[..., Any]) -> None:
    old = create(KIND, POD)
    new = codec.clone(old)
    new.status.podIP = "10.0.0.1"
    KIND.prepare_status_update(new, old)
    assert [p.ip for p in new.status.podIPs] == ["10.0.0.1"]
    new.status.podIP, new.status.podIPs[0].ip = "", "10.0.0.2"
    KIND.prepare_status_update(new, old)
    assert new.status.podIP == "10.0.0.2"


def _subresource(create: Callable[..., Any], name: str, base: str, before: str, after: str) -> list[str]:
    old, new = create(KIND, base, before), create(KIND, base, after)
    return [str(e) for e in KIND.validate_subresource(name, new, old)]


@pytest.mark.parametrize(
    ("before", "after", "errors"),
    [
        ("{}", "spec: {ephemeralContainers: [{name: e, image: x}]}", []),
        ("{}", "spec: {ephemeralContainers: [{name: c, image: x}]}", ['spec.ephemeralContainers[0].name: Duplicate value: "c"']),
        ("{}", "spec: {ephemeralContainers: [{name: e, image: x, ports: [{containerPort: 1}]}]}", ["spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container"]),
        ("{}", "spec: {ephemeralContainers: [{name: e, image: x, targetContainerName: z}]}", ['spec.ephemeralContainers[0].targetContainerName: Not found: "z"']),
        ("spec: {ephemeralContainers: [{name: e, image: x}]}", "{}", ['spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be removed\n']),
        ("spec: {ephemeralContainers: [{name: e, image: x}]}", "spec: {ephemeralContainers: [{name: e, image: y}]}", ['spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be changed\n']),
        ("metadata: {annotations: {kubernetes.io/config.mirror: x}}", "{}", [": Forbidden: static pods do not support ephemeral containers"]),
    ],
)  # fmt: skip
def test_ephemeral_containers(before: str, after: str, errors: list[str], create: Callable[..., Any]) -> None:
    assert _subresource(create, "ephemeralcontainers", POD, before, after) == errors


def _resources(text: str, more: str = "") -> str:
    return f"spec: {{containers: [{{name: c, image: nginx, resources: {text}{more}}}]}}"


@pytest.mark.parametrize(
    ("after", "errors"),
    [
        (_resources("{requests: {cpu: 2, memory: 1Gi}, limits: {memory: 1Gi}}"), []),
        (_resources("{requests: {cpu: 1, memory: 1Gi}, limits: {memory: 2Gi}}"), []),
        (_resources("{requests: {memory: 1Gi}, limits: {memory: 1Gi}}"), ["spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed"]),
        (_resources("{requests: {cpu: 1, memory: 500Mi}, limits: {memory: 500Mi}}"), []),
        (_resources("{requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi}}", ", resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}]"), ["spec: Forbidden: only cpu and memory resources are mutable"]),
        (_resources("{requests: {cpu: 1, memory: 1Gi, x.io/y: 1}, limits: {memory: 1Gi, x.io/y: 1}}"), ["spec: Forbidden: only cpu and memory resources are mutable"]),
        (_resources("{requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi}}", ", command: [a]"), ["spec: Forbidden: only cpu and memory resources are mutable"]),
        (_resources("{requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 1, memory: 1Gi}}"), ['spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing']),
    ],
)  # fmt: skip
def test_resize(after: str, errors: list[str], create: Callable[..., Any]) -> None:
    base = POD.replace("  initContainers: [{name: i, image: x}]\n", "")
    assert _subresource(create, "resize", base, "{}", after) == errors


_ONE = "{name: c, image: nginx, resources: {requests: {cpu: 1}}}"


@pytest.mark.parametrize(
    ("before", "after", "errors"),
    [
        ("initContainers: [{name: i, image: x}]", "initContainers: [{name: i, image: x, resources: {requests: {cpu: 2}}}]", []),
        ("initContainers: [{name: i, image: x, restartPolicy: Always}]", "initContainers: [{name: i, image: x, restartPolicy: Always, resources: {requests: {cpu: 2}}}]", []),
        (
            "initContainers: [{name: i, image: x, resources: {requests: {cpu: 1}}}]",
            "initContainers: [{name: i, image: x}]",
            ["spec.initContainers[0].resources.requests: Forbidden: resource requests cannot be removed"],
        ),
        (
            "initContainers: [{name: i, image: x}]",
            "initContainers: [{name: i, image: y}]",
            ["spec.initContainers[0]: Forbidden: only cpu and memory resources for init or sidecar containers are mutable"],
        ),
        ("initContainers: [{name: i, image: x}]", "initContainers: []", ["spec.initContainers: Forbidden: initContainers may not be added or removed on resize"]),
        (
            "initContainers: [{name: i, image: x}]",
            "initContainers: [{name: j, image: x}]",
            ["spec.initContainers[0].name: Forbidden: initContainers may not be renamed or reordered on resize"],
        ),
        ("{}", f"containers: [{_ONE}, {{name: d, image: x}}]", ["spec.containers: Forbidden: containers may not be added or removed on resize"]),
        (
            "{}",
            "volumes: [{name: v, emptyDir: {}}]",
            ["spec.volumes: Forbidden: volumes are immutable on resize when InPlacePodVerticalScalingMemoryBackedVolumes feature gate is disabled"],
        ),
        ("{}", "schedulerName: x", ["spec: Forbidden: only cpu and memory resources are mutable"]),
        ("{}", "resources: {requests: {cpu: 3}}", []),
        ("resources: {requests: {cpu: 3}}", "resources: {requests: {cpu: 2}}", []),
        ("resources: {requests: {cpu: 3}}", "{}", ["spec.resources: Forbidden: pod-level resources cannot be removed"]),
        (
            "resources: {requests: {cpu: 3}, limits: {cpu: 4}}",
            "resources: {requests: {cpu: 3}}",
            ["spec.resources.limits: Forbidden: pod-level resource limits cannot be removed"],
        ),
        (
            "resources: {requests: {cpu: 3}}",
            "resources: {requests: {cpu: 3, hugepages-2Mi: 2Mi}, limits: {hugepages-2Mi: 2Mi}}",
            ["spec: Forbidden: only cpu and memory resources are mutable at pod-level"],
        ),
    ],
)  # fmt: skip
def test_what_a_resize_takes(before: str, after: str, errors: list[str], create: Callable[..., Any]) -> None:
    base = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: default}}\nspec: {{containers: [{_ONE}]}}\n"
    old, new = (text if text == "{}" else f"spec: {{{text}}}" for text in (before, after))
    assert _subresource(create, "resize", base, old, new) == errors


def test_resize_where_nothing_is_resized(create: Callable[..., Any]) -> None:
    old = create(KIND, POD)
    running: dict[str, Any] = {"containerStatuses": [{"name": "c", "image": "x", "state": {"running": {}}}]}
    old.status = codec.from_builtins(Pod, {"status": running})[0].status
    found = [str(e) for e in KIND.validate_subresource("resize", codec.clone(old), old)]
    assert found == ["spec: Forbidden: Pod running on node without support for resize"]
    running["containerStatuses"][0]["resources"] = {}
    old.status = codec.from_builtins(Pod, {"status": running})[0].status
    assert not KIND.validate_subresource("resize", codec.clone(old), old)
