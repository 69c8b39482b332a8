"""One word for the state of a pod's containers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.core.pod_columns import row
from steersman.kinds.types.core_v1 import Pod

NOW = datetime(2020, 1, 1, 1, 0, tzinfo=UTC)
CREATED = "2020-01-01T00:00:00Z"
RUNNING = {"running": {"startedAt": CREATED}}


def ended(code: int = 0, reason: str = "", signal: int = 0) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "signal": signal, "finishedAt": "2020-01-01T00:58:00Z"}}


def waiting(reason: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason}}


def status(name: str, state: dict[str, Any], ready: bool = False, restarts: int = 0, **more: Any) -> dict[str, Any]:
    return {"name": name, "state": state, "ready": ready, "restartCount": restarts, **more}


def pod(
    containers: int = 1,
    statuses: list[dict[str, Any]] | None = None,
    *,
    init: list[dict[str, Any]] | None = None,
    init_statuses: list[dict[str, Any]] | None = None,
    meta: dict[str, Any] | None = None,
    **more: Any,
) -> Pod:
    plain = {
        "metadata": {"name": "p", "creationTimestamp": CREATED, **(meta or {})},
        "spec": {"containers": [{"name": f"c{i}"} for i in range(containers)], "initContainers": init},
        "status": {"phase": "Running", "containerStatuses": statuses, "initContainerStatuses": init_statuses, **more},
    }
    found, problems = codec.from_builtins(Pod, plain)
    assert problems == []
    return found


INIT = [{"name": "i0"}, {"name": "i1"}]
SIDECAR = [{"name": "s", "restartPolicy": "Always"}]
READY = [{"type": "Ready", "status": "True"}]


@pytest.mark.parametrize(
    ("found", "ready", "word", "restarts"),
    [
        (pod(phase="Pending"), "0/1", "Pending", "0"),
        (pod(2, [status("c0", RUNNING, True), status("c1", RUNNING)]), "1/2", "Running", "0"),
        (pod(1, [status("c0", waiting("ContainerCreating"))], phase="Pending"), "0/1", "ContainerCreating", "0"),
        (pod(1, [status("c0", waiting("CrashLoopBackOff"), restarts=3, lastState=ended(1, "Error"))]),
         "0/1", "CrashLoopBackOff", "3 (2m ago)"),
        (pod(1, [status("c0", ended(0, "Completed"))], phase="Succeeded"), "0/1", "Completed", "0"),
        (pod(1, [status("c0", ended(3))]), "0/1", "ExitCode:3", "0"),
        (pod(1, [status("c0", ended(137, signal=9))]), "0/1", "Signal:9", "0"),
        (pod(2, [status("c0", ended(0, "Completed")), status("c1", RUNNING, True)], conditions=READY),
         "1/2", "Running", "0"),
        (pod(2, [status("c0", ended(0, "Completed")), status("c1", RUNNING, True)]), "1/2", "NotReady", "0"),
        (pod(reason="Evicted", phase="Failed"), "0/1", "Evicted", "0"),
        (pod(phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]),
         "0/1", "SchedulingGated", "0"),
        (pod(meta={"deletionTimestamp": CREATED}), "0/1", "Terminating", "0"),
        (pod(meta={"deletionTimestamp": CREATED}, phase="Succeeded"), "0/1", "Succeeded", "0"),
        (pod(meta={"deletionTimestamp": CREATED}, reason="NodeLost"), "0/1", "Unknown", "0"),
        (pod(init=INIT, init_statuses=[status("i0", ended()), status("i1", RUNNING)]), "0/1", "Init:1/2", "0"),
        (pod(init=INIT, init_statuses=[status("i0", waiting("PodInitializing"))]), "0/1", "Init:0/2", "0"),
        (pod(init=INIT, init_statuses=[status("i0", waiting("ImagePullBackOff"))]), "0/1", "Init:ImagePullBackOff", "0"),
        (pod(init=INIT, init_statuses=[status("i0", ended(1, "Error"), restarts=2)]), "0/1", "Init:Error", "2"),
        (pod(init=INIT, init_statuses=[status("i0", ended(2))]), "0/1", "Init:ExitCode:2", "0"),
        (pod(init=INIT, init_statuses=[status("i0", ended(137, signal=9))]), "0/1", "Init:Signal:9", "0"),
        (pod(1, [status("c0", RUNNING, True)], init=SIDECAR,
             init_statuses=[status("s", RUNNING, True, 1, started=True)]), "2/2", "Running", "1"),
    ],
)  # fmt: skip
def test_ready_status_restarts(found: Pod, ready: str, word: str, restarts: str) -> None:
    assert row(found, NOW)[:5] == ["p", ready, word, restarts, "60m"]


def test_wide_columns() -> None:
    found = pod(podIP="10.0.0.9", podIPs=[{"ip": "10.0.0.9"}], conditions=[{"type": "a/b", "status": "True"}])
    assert row(found, NOW)[5:] == ["10.0.0.9", "<none>", "<none>", "<none>"]
    found, _ = codec.from_builtins(
        Pod,
        {
            "spec": {
                "containers": [],
                "nodeName": "n",
                "readinessGates": [{"conditionType": "a"}, {"conditionType": "b"}],
            },
            "status": {"conditions": [{"type": "a", "status": "True"}], "nominatedNodeName": "m"},
        },
    )
    assert row(found, NOW)[5:] == ["<none>", "n", "m", "1/2"]
