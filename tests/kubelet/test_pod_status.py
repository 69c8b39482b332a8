"""A pod's status from what the runtime has: phases, conditions, container statuses."""

from datetime import UTC, datetime

import pytest
from tests.kubelet.builders import World, container, pod, sidecar

from steersman.kubelet.pod_status import StatusContext, compute_status

NOW = datetime(2030, 1, 1, tzinfo=UTC)
STAMP = "2030-01-01T00:00:00Z"


def status(world, **context):
    known = {
        "ready": frozenset(c.id for c in world.state.running),
        "started": frozenset(c.id for c in world.state.running),
    }
    return compute_status(
        world.pod, world.state, StatusContext(NOW, "containerd", ("192.0.2.1",), **{**known, **context})
    )


def conditions(found):
    return {c.type: (c.status, c.reason) for c in found.conditions}


def condition(found, type_):
    return next(c for c in found.conditions if c.type == type_)


@pytest.mark.parametrize(
    ("policy", "exits", "phase"),
    [
        # None runs, an int has ended with that code, "" was never started.
        ("Always", [None], "Running"),
        ("Always", [0], "Running"),
        ("Always", [1], "Running"),
        ("Always", [""], "Pending"),
        ("Always", [None, ""], "Pending"),
        ("OnFailure", [0], "Succeeded"),
        ("OnFailure", [1], "Running"),
        ("OnFailure", [0, None], "Running"),
        ("OnFailure", [0, 1], "Running"),
        ("Never", [0], "Succeeded"),
        ("Never", [1], "Failed"),
        ("Never", [0, 1], "Failed"),
        ("Never", [1, None], "Running"),
        ("Never", [0, 0], "Succeeded"),
    ],
)
def test_phase(policy, exits, phase):
    world = World(pod([container(f"c{i}") for i in range(len(exits))], restartPolicy=policy)).sandbox()
    for i, exit in enumerate(exits):
        if exit != "":
            world.run(f"c{i}", exit=exit)
    assert status(world).phase == phase


@pytest.mark.parametrize(
    ("policy", "init_exit", "phase"),
    [
        ("Always", None, "Pending"),
        ("Always", 1, "Pending"),
        ("Never", 1, "Failed"),
        ("OnFailure", 1, "Pending"),
        ("Never", 0, "Pending"),
    ],
)
def test_phase_while_initializing(policy, init_exit, phase):
    world = World(pod(init=[container("i")], restartPolicy=policy)).sandbox().run("i", exit=init_exit)
    assert status(world).phase == phase


def test_sidecars_keep_a_pod_running_until_they_are_stopped():
    made = pod(init=[sidecar()], restartPolicy="Never")
    world = World(made).sandbox().run("s").run("c", exit=0)
    assert status(world).phase == "Running"
    world = World(made).sandbox().run("s", exit=137).run("c", exit=0)
    assert status(world).phase == "Succeeded"


@pytest.mark.parametrize(
    ("exit", "phase"),
    [(0, "Succeeded"), (143, "Failed"), ("", "Failed")],
)
def test_a_deleted_pod_ends_succeeded_or_failed_whatever_its_policy(exit, phase):
    deleted = {"deletionTimestamp": "2030-01-01T00:00:00Z"}
    world = World(pod(metadata=deleted)).sandbox()
    if exit != "":
        world.run(exit=exit)
    found = status(world, terminating=True, over=True)
    assert found.phase == phase
    end = found.containerStatuses[0].state.terminated
    assert end.exitCode == (137 if exit == "" else exit)
    assert end.reason == {"": "ContainerStatusUnknown", 0: "Completed", 143: "Error"}[exit]


def test_a_final_phase_stays():
    world = World(pod(status={"phase": "Failed", "reason": "Evicted", "message": "why"})).sandbox().run()
    found = status(world)
    assert (found.phase, found.reason, found.message) == ("Failed", "Evicted", "why")


@pytest.mark.parametrize("init", [(), ("i",)])
def test_a_pod_that_was_refused_has_no_containers_to_speak_of(init):
    world = World(pod(init=[container(name) for name in init]))
    found = status(world, outcome=("SysctlForbidden", "no"))
    assert (found.phase, found.reason) == ("Failed", "SysctlForbidden")
    assert (found.initContainerStatuses, found.containerStatuses) == (None, None)
    world.pod.status = found
    later = status(world)
    assert (later.phase, later.reason, later.containerStatuses) == ("Failed", "SysctlForbidden", None)


def test_an_outcome_of_the_kubelet():
    found = status(World(pod()).sandbox().run(), outcome=("DeadlineExceeded", "too long"))
    assert (found.phase, found.reason, found.message) == ("Failed", "DeadlineExceeded", "too long")


# Conditions.


def test_conditions_of_a_pod_that_is_well():
    found = status(World(pod()).sandbox().run())
    assert conditions(found) == {
        "PodReadyToStartContainers": ("True", ""),
        "Initialized": ("True", ""),
        "Ready": ("True", ""),
        "ContainersReady": ("True", ""),
        "PodScheduled": ("True", ""),
    }


def test_conditions_of_a_pod_that_begins():
    found = status(World(pod(init=[container("i")])))
    assert condition(found, "PodReadyToStartContainers").status == "False"
    assert condition(found, "Initialized").message == "containers with incomplete status: [i]"
    assert conditions(found)["Initialized"] == ("False", "ContainersNotInitialized")
    assert conditions(found)["Ready"] == ("False", "ContainersNotReady")
    assert condition(found, "Ready").message == "containers with unready status: [c]"


def test_an_unready_container():
    world = World(pod([container("a"), container("b")])).sandbox().run("a").run("b")
    found = status(world, ready=frozenset({"a0"}))
    assert condition(found, "ContainersReady").message == "containers with unready status: [b]"
    assert [s.ready for s in found.containerStatuses] == [True, False]


@pytest.mark.parametrize(("exit", "phase", "reason"), [(0, "Succeeded", "PodCompleted"), (1, "Failed", "PodFailed")])
def test_conditions_at_the_end(exit, phase, reason):
    found = status(World(pod(restartPolicy="Never")).sandbox(ready=False).run(exit=exit))
    assert found.phase == phase
    assert conditions(found)["Ready"] == conditions(found)["ContainersReady"] == ("False", reason)
    assert conditions(found)["Initialized"] == ("True", "PodCompleted" if exit == 0 else "")


@pytest.mark.parametrize(
    ("value", "ready", "message"),
    [
        ("True", "True", ""),
        ("False", "False", 'the status of pod readiness gate "example.com/lb" is not "True", but False'),
        (None, "False", 'corresponding condition of pod readiness gate "example.com/lb" does not exist.'),
    ],
)
def test_readiness_gates(value, ready, message):
    given = [{"type": "example.com/lb", "status": value}] if value else []
    made = pod(readinessGates=[{"conditionType": "example.com/lb"}], status={"conditions": given})
    found = status(World(made).sandbox().run())
    assert condition(found, "Ready").status == ready
    assert condition(found, "Ready").message == message
    assert condition(found, "ContainersReady").status == "True"
    assert [c.type for c in found.conditions if c.type.startswith("example")] == ["example.com/lb"] * bool(value)


def test_transition_times_change_with_the_status_only():
    old = [
        {"type": "Ready", "status": "False", "lastTransitionTime": "2029-01-01T00:00:00Z"},
        {"type": "Initialized", "status": "True", "lastTransitionTime": "2029-01-01T00:00:00Z"},
    ]
    found = status(World(pod(status={"conditions": old})).sandbox().run())
    assert condition(found, "Ready").lastTransitionTime == STAMP
    assert condition(found, "Initialized").lastTransitionTime == "2029-01-01T00:00:00Z"


# Containers.


def only(found):
    return found.containerStatuses[0]


def test_a_running_container():
    found = status(World(pod()).sandbox().run(attempt=2, at=110))
    c = only(found)
    assert (c.restartCount, c.ready, c.started, c.containerID) == (2, True, True, "containerd://c2")
    assert c.state.running.startedAt == "1970-01-01T00:01:50Z"
    assert (c.image, c.imageID) == ("c:1", "c@sha256:1")


@pytest.mark.parametrize(
    ("init", "waiting", "reason"),
    [
        (None, {}, "ContainerCreating"),
        ([container("i")], {}, "PodInitializing"),
        (None, {"c": ("ErrImagePull", "no")}, "ErrImagePull"),
    ],
)
def test_a_container_that_was_not_started(init, waiting, reason):
    c = only(status(World(pod(init=init)).sandbox(), waiting=waiting))
    assert (c.state.waiting.reason, c.state.waiting.message) == (reason, waiting.get("c", ("", ""))[1])
    assert (c.ready, c.started, c.containerID) == (False, False, "")


@pytest.mark.parametrize(
    ("exit", "reason", "expected"),
    [(0, "", "Completed"), (1, "", "Error"), (137, "OOMKilled", "OOMKilled")],
)
def test_a_container_that_ended(exit, reason, expected):
    world = World(pod(restartPolicy="Never")).sandbox().run(exit=exit, finished=120, reason=reason, message="own")
    end = only(status(world)).state.terminated
    assert (end.exitCode, end.reason, end.message) == (exit, expected, "own")
    assert (end.startedAt, end.finishedAt) == ("1970-01-01T00:01:50Z", "1970-01-01T00:02:00Z")
    assert only(status(world, messages={"c0": "from the file"})).state.terminated.message == "from the file"


def test_the_run_before_is_the_last_state():
    world = World(pod()).sandbox().run(exit=1).run(attempt=1, at=120)
    c = only(status(world))
    assert c.state.running
    assert c.lastState.terminated.exitCode == 1
    assert c.restartCount == 1


def test_a_crash_loop_waits():
    world = World(pod()).sandbox().run(exit=1)
    c = only(status(world, waiting={"c": ("CrashLoopBackOff", "back-off")}))
    assert c.state.waiting.reason == "CrashLoopBackOff"
    assert c.lastState.terminated.exitCode == 1
    c = only(status(world, waiting={"c": ("CrashLoopBackOff", "back-off")}, terminating=True))
    assert c.state.terminated.exitCode == 1


def test_what_was_known_outlives_the_runtimes_records():
    before = {"name": "c", "image": "c:1", "imageID": "x", "ready": False, "restartCount": 4,
              "state": {"terminated": {"exitCode": 3}}}  # fmt: skip
    made = pod(restartPolicy="Never", status={"phase": "Failed", "containerStatuses": [before]})
    c = only(status(World(made)))
    assert (c.restartCount, c.state.terminated.exitCode) == (4, 3)


def test_an_init_container_that_succeeded_is_ready():
    found = status(World(pod(init=[container("i")])).sandbox().run("i", exit=0).run())
    assert found.initContainerStatuses[0].ready
    assert found.initContainerStatuses[0].state.terminated.reason == "Completed"


# Addresses.


def test_addresses():
    found = status(World(pod()).sandbox(ips=("10.0.0.5", "fd00::5")).run())
    assert (found.podIP, [i.ip for i in found.podIPs]) == ("10.0.0.5", ["10.0.0.5", "fd00::5"])
    assert (found.hostIP, [i.ip for i in found.hostIPs]) == ("192.0.2.1", ["192.0.2.1"])


def test_addresses_of_a_pod_in_the_nodes_network():
    assert status(World(pod(hostNetwork=True)).sandbox(ips=()).run()).podIP == "192.0.2.1"


def test_a_pod_that_ended_keeps_its_address():
    made = pod(restartPolicy="Never", status={"podIPs": [{"ip": "10.0.0.9"}]})
    assert status(World(made).sandbox(ready=False, ips=()).run(exit=0)).podIP == "10.0.0.9"


def test_the_start_is_told_once():
    assert status(World(pod())).startTime == STAMP
    assert status(World(pod(status={"startTime": "2029-01-01T00:00:00Z"}))).startTime == "2029-01-01T00:00:00Z"
