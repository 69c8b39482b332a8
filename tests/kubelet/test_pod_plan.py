"""What a pod needs now: every restart policy, initialization, sidecars, back-off, probes, changed definitions, lost sandboxes."""

import pytest
from tests.kubelet.builders import UID, World, container, pod, sidecar

from steersman.kubelet.backoff import Backoff
from steersman.kubelet.pod_plan import PlanContext, ProbeVerdict, Role, plan_pod, termination_order
from steersman.kubelet.runtime.types import ContainerState

NOW = 1000.0


def plan(world, *, backoff=None, now=NOW, **verdicts):
    return plan_pod(world.pod, world.state, PlanContext(now, backoff or Backoff(), **verdicts))


def steps(found):
    """The plan in short: kill:, sandbox, start:, wait:, kill-pod, or nothing."""
    out = ["kill-pod"] if found.kill_pod else []
    out += [f"kill:{k.status.name}" for k in found.kill]
    out += [f"sandbox{found.sandbox_attempt}"] if found.create_sandbox else []
    out += [f"start:{s.container.name}/{s.attempt}" for s in found.start]
    out += [f"wait:{c.name}" for c in found.crash_loops]
    return out


def test_a_new_pod():
    made = pod([container("a"), container("b")])
    assert steps(plan(World(made))) == ["sandbox0", "start:a/0", "start:b/0"]


def test_a_running_pod_needs_nothing():
    found = plan(World(pod()).sandbox().run())
    assert steps(found) == []
    assert found.idle


@pytest.mark.parametrize(
    ("policy", "exit", "expected"),
    [
        ("Always", 0, ["start:c/1"]),
        ("Always", 1, ["start:c/1"]),
        ("OnFailure", 0, ["kill-pod"]),
        ("OnFailure", 1, ["start:c/1"]),
        ("Never", 0, ["kill-pod"]),
        ("Never", 1, ["kill-pod"]),
    ],
)
def test_restart_policies(policy, exit, expected):
    assert steps(plan(World(pod(restartPolicy=policy)).sandbox().run(exit=exit))) == expected


@pytest.mark.parametrize(
    ("policy", "exits", "expected"),
    [
        ("Never", (0, None), []),
        ("Never", (1, None), []),
        ("OnFailure", (1, None), ["start:a/1"]),
        ("OnFailure", (0, 1), ["start:b/1"]),
        ("OnFailure", (0, 0), ["kill-pod"]),
    ],
)
def test_of_several_containers_each_has_its_own_end(policy, exits, expected):
    world = World(pod([container("a"), container("b")], restartPolicy=policy)).sandbox()
    for name, exit in zip("ab", exits, strict=True):
        world.run(name, exit=exit)
    assert steps(plan(world)) == expected


def test_a_container_that_was_never_started_is_tried_again():
    assert steps(plan(World(pod()).sandbox().run(state=ContainerState.CREATED))) == ["start:c/1"]


# Initialization.


def inits(*names):
    return pod(init=[container(n) for n in names])


def test_init_containers_come_one_after_the_other():
    world = World(inits("i", "j"))
    assert steps(plan(world)) == ["sandbox0", "start:i/0"]
    world.sandbox()
    assert steps(plan(world)) == ["start:i/0"]
    world.run("i")
    assert steps(plan(world)) == []
    world.containers.clear()
    world.run("i", exit=0)
    assert steps(plan(world)) == ["start:j/0"]
    world.run("j", exit=0)
    assert steps(plan(world)) == ["start:c/0"]
    world.run("c")
    assert steps(plan(world)) == []


@pytest.mark.parametrize(
    ("policy", "expected"), [("Always", ["start:i/1"]), ("OnFailure", ["start:i/1"]), ("Never", ["kill-pod"])]
)
def test_a_failed_init_container(policy, expected):
    made = pod(init=[container("i")], restartPolicy=policy)
    assert steps(plan(World(made).sandbox().run("i", exit=1))) == expected


def test_init_containers_are_not_repeated_when_the_main_one_restarts():
    assert steps(plan(World(inits("i")).sandbox().run("i", exit=0).run("c", exit=1))) == ["start:c/1"]


def test_a_finished_init_container_may_be_gone():
    assert steps(plan(World(inits("i")).sandbox().run("c", exit=1))) == ["start:c/1"]


# Sidecars.


def test_a_sidecar_starts_before_the_main_containers_and_stays():
    made = pod(init=[sidecar(), container("i")])
    world = World(made).sandbox()
    assert steps(plan(world)) == ["start:s/0"]
    world.run("s")
    assert steps(plan(world)) == ["start:i/0"]
    world.run("i", exit=0)
    assert steps(plan(world)) == ["start:c/0"]


def test_a_sidecar_with_a_startup_probe_holds_the_rest_back():
    probe = {"exec": {"command": ["true"]}}
    world = World(pod(init=[sidecar(startupProbe=probe)])).sandbox().run("s")
    assert steps(plan(world)) == []
    assert steps(plan(world, startup={"s0": ProbeVerdict.PASSING})) == ["start:c/0"]


@pytest.mark.parametrize("policy", ["Always", "OnFailure", "Never"])
def test_a_sidecar_is_restarted_under_every_policy(policy):
    world = World(pod(init=[sidecar()], restartPolicy=policy)).sandbox().run("s", exit=0).run("c")
    assert steps(plan(world)) == ["start:s/1"]


def test_the_pod_ends_with_its_main_containers_not_with_its_sidecars():
    world = World(pod(init=[sidecar()], restartPolicy="Never")).sandbox().run("s").run("c", exit=0)
    assert steps(plan(world)) == ["kill-pod"]


# Back-off.


def test_crash_loop():
    backoff = Backoff()
    world = World(pod()).sandbox().run(exit=1, finished=990)
    assert steps(plan(world, backoff=backoff)) == ["start:c/1"]
    key = plan(world, backoff=backoff).start[0].backoff_key
    backoff.next(key, NOW)
    world.run(attempt=1, exit=1, finished=995)
    found = plan(world, backoff=backoff)
    assert steps(found) == ["wait:c"]
    assert found.retry_after == 5.0
    assert found.crash_loops[0].message == f"back-off 10s restarting failed container=c pod=p_default({UID})"
    assert steps(plan(world, backoff=backoff, now=1006.0)) == ["start:c/2"]


def test_one_crash_loop_does_not_hold_back_the_others():
    backoff = Backoff()
    world = (
        World(pod([container("a"), container("b")]))
        .sandbox()
        .run("a", exit=1, finished=999)
        .run("b", exit=1, finished=999)
    )
    backoff.next(plan(world).start[0].backoff_key, NOW)
    assert steps(plan(world, backoff=backoff)) == ["start:b/1", "wait:a"]


# Probes and definitions.


@pytest.mark.parametrize("kind", ["liveness", "startup"])
@pytest.mark.parametrize("policy", ["Always", "OnFailure"])
def test_a_failing_probe_restarts(kind, policy):
    found = plan(World(pod(restartPolicy=policy)).sandbox().run(), **{kind: {"c0": ProbeVerdict.FAILING}})
    assert steps(found) == ["kill:c", "start:c/1"]
    assert found.kill[0].message == f"Container c failed {kind} probe, will be restarted"


def test_a_failing_probe_ends_a_pod_that_never_restarts():
    world = World(pod(restartPolicy="Never")).sandbox().run()
    assert steps(plan(world, liveness={"c0": ProbeVerdict.FAILING})) == ["kill-pod"]


@pytest.mark.parametrize("verdict", [ProbeVerdict.UNKNOWN, ProbeVerdict.PASSING])
def test_other_verdicts_do_not(verdict):
    assert steps(plan(World(pod()).sandbox().run(), liveness={"c0": verdict}, startup={"c0": verdict})) == []


@pytest.mark.parametrize("policy", ["Always", "Never"])
def test_a_changed_definition_restarts_under_every_policy(policy):
    found = plan(World(pod(restartPolicy=policy)).sandbox().run(hash="other"))
    assert steps(found) == ["kill:c", "start:c/1"]
    assert found.kill[0].message == "Container c definition changed, will be restarted"


# Sandboxes.


def test_a_lost_sandbox_is_made_again_with_all_that_ran():
    world = World(pod()).sandbox(ready=False).run()
    assert steps(plan(world)) == ["kill-pod", "sandbox1", "start:c/1"]


def test_a_lost_sandbox_repeats_initialization():
    world = World(inits("i")).sandbox(ready=False).run("i", exit=0).run("c", exit=137)
    assert steps(plan(world)) == ["sandbox1", "start:i/1"]
    world.sandbox(at=200, attempt=1)
    assert steps(plan(world)) == ["start:i/1"]
    world.run("i", at=210, attempt=1, exit=0)
    assert steps(plan(world)) == ["start:c/1"]


@pytest.mark.parametrize(("policy", "exit", "expected"), [
    ("Never", 0, []), ("Never", 1, []), ("OnFailure", 0, []), ("OnFailure", 1, ["sandbox1", "start:c/1"]),
    ("Always", 0, ["sandbox1", "start:c/1"]),
])  # fmt: skip
def test_no_sandbox_for_a_pod_that_is_done(policy, exit, expected):
    assert steps(plan(World(pod(restartPolicy=policy)).sandbox(ready=False).run(exit=exit))) == expected


def test_order_of_termination():
    made = pod([container("a"), container("b")], [sidecar("s"), container("i"), sidecar("t")])
    world = World(made).sandbox()
    for name in "abst":
        world.run(name)
    waves = termination_order(made, world.state)
    assert [[c.name for c in wave] for wave in waves] == [["a", "b"], ["t"], ["s"]]


class TestBackoff:
    def test_doubles_up_to_the_maximum_and_is_forgotten(self):
        backoff = Backoff()
        delays = []
        for _ in range(7):
            backoff.next("k", 0.0)
            delays.append(backoff.delay("k"))
        assert delays == [10, 20, 40, 80, 160, 300, 300]
        assert backoff.remaining("k", 0.0, 100.0) == 200.0
        assert backoff.remaining("k", 0.0, 601.0) == 0.0
        backoff.next("k", 700.0)
        assert backoff.delay("k") == 10

    def test_forget(self):
        backoff = Backoff()
        backoff.next("u/a", 0)
        backoff.next("v/a", 0)
        backoff.forget("u/")
        assert (backoff.delay("u/a"), backoff.delay("v/a")) == (0, 10)


def debugged():
    return World(pod(ephemeralContainers=[container("debugger", targetContainerName="c")])).sandbox().run()


def test_an_ephemeral_container_starts_once():
    assert steps(plan(debugged())) == ["start:debugger/0"]
    assert plan(debugged()).start[0].role is Role.EPHEMERAL
    for outcome in ({}, {"exit": 0}, {"exit": 1}):
        assert steps(plan(debugged().run("debugger", hash="any", **outcome))) == []


def test_an_ephemeral_container_keeps_no_pod_running():
    made = pod(restartPolicy="Never", ephemeralContainers=[container("debugger")])
    world = World(made).sandbox().run(exit=0).run("debugger", hash="any")
    assert steps(plan(world)) == ["kill-pod"]
