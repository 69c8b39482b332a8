"""Probes by a clock that stands still: thresholds, delays, startup before the others, results that do not count."""

import asyncio

import pytest
from tests.kubelet.builders import container, pod

from steersman.api.clock import FakeClock
from steersman.kinds.types.core_v1 import Probe
from steersman.kubelet import handlers
from steersman.kubelet.instruments import Instruments
from steersman.kubelet.pod_plan import ProbeVerdict
from steersman.kubelet.probes import Counter, ProbeManager
from steersman.kubelet.runtime.types import Code, ExecResult, RuntimeCallError

PASS, FAIL, UNKNOWN = ProbeVerdict.PASSING, ProbeVerdict.FAILING, ProbeVerdict.UNKNOWN


@pytest.mark.parametrize(
    ("success", "failure", "results", "verdicts"),
    [
        (1, 3, [True], [PASS]),
        (1, 3, [False, False, False], [UNKNOWN, UNKNOWN, FAIL]),
        (1, 3, [True, False, False, True, False], [PASS] * 5),
        (1, 3, [True, False, False, False, True], [PASS, PASS, PASS, FAIL, PASS]),
        (2, 1, [False, True, True], [FAIL, FAIL, PASS]),
        (2, 1, [True, False, True, True], [UNKNOWN, FAIL, FAIL, PASS]),
    ],
)
def test_thresholds(success, failure, results, verdicts):
    counter = Counter(Probe(successThreshold=success, failureThreshold=failure), UNKNOWN)
    found = []
    for result in results:
        before = counter.verdict
        assert counter.record(result) == (counter.verdict is not before)
        found.append(counter.verdict)
    assert found == verdicts


class Commands:
    """A runtime whose commands answer as `answers` says, by the command's first word; None is a broken call."""

    simulated = False

    def __init__(self):
        self.answers, self.calls = {}, []

    async def exec_sync(self, id, cmd, timeout):
        self.calls.append(cmd[0])
        answer = self.answers.get(cmd[0], True)
        if isinstance(answer, Exception):
            raise answer
        return ExecResult(b"", b"" if answer else b"it is not well", 0 if answer else 1)


def probe(word, **fields):
    return {"exec": {"command": [word]}, "periodSeconds": 10, "failureThreshold": 2, **fields}


class World:
    def __init__(self, **probes):
        self.clock, self.runtime = FakeClock(), Commands()
        self.pod = pod([container(**{f"{kind}Probe": p for kind, p in probes.items()})])
        self.changes, self.reports = 0, []
        self.manager = ProbeManager(self.runtime, self.clock, Instruments(self.clock), self._changed, self._report)
        self._stop = asyncio.Event()
        self._task = None

    def _changed(self):
        self.changes += 1

    def _report(self, pod, container, kind, outcome):
        self.reports.append((kind, outcome.output))

    async def __aenter__(self):
        async def run():
            async with asyncio.TaskGroup() as group:
                self.manager.start(group, self.pod, self.pod.spec.containers[0], "id", "10.0.0.5")
                self.manager.start(group, self.pod, self.pod.spec.containers[0], "id", "10.0.0.5")
                await self._stop.wait()
                self.manager.stop_all()

        self._task = asyncio.ensure_future(run())
        await self.clock.advance(0)
        return self

    async def __aexit__(self, *_):
        self._stop.set()
        await self._task

    @property
    def ready(self):
        return "id" in self.manager.ready()

    def verdict(self, kind):
        return self.manager.verdicts(kind)["id"]


async def test_no_probes():
    async with World() as world:
        assert world.ready
        assert "id" in world.manager.started()
        assert world.verdict("liveness") is PASS


async def test_readiness():
    async with World(readiness=probe("ready")) as world:
        world.runtime.answers["ready"] = False
        assert not world.ready
        await world.clock.advance(1)
        assert not world.ready
        assert world.reports == [("readiness", "it is not well")]
        world.runtime.answers["ready"] = True
        await world.clock.advance(10)
        assert world.ready
        world.runtime.answers["ready"] = False
        await world.clock.advance(10)
        assert world.ready
        await world.clock.advance(10)
        assert not world.ready


async def test_a_container_that_becomes_ready_is_seen_within_a_second():
    async with World(readiness=probe("ready")) as world:
        world.runtime.answers["ready"] = False
        await world.clock.advance(0.5)
        world.runtime.answers["ready"] = True
        await world.clock.advance(1)
        assert world.ready


async def test_liveness_counts_as_alive_until_it_fails():
    async with World(liveness=probe("alive")) as world:
        world.runtime.answers["alive"] = False
        assert world.ready
        assert world.verdict("liveness") is UNKNOWN
        await world.clock.advance(1)
        assert world.verdict("liveness") is UNKNOWN
        await world.clock.advance(10)
        assert world.verdict("liveness") is FAIL
        assert world.changes == 1


async def test_initial_delay():
    async with World(liveness=probe("alive", initialDelaySeconds=30)) as world:
        await world.clock.advance(29)
        assert world.runtime.calls == []
        await world.clock.advance(2)
        assert world.runtime.calls == ["alive"]


async def test_period():
    async with World(liveness=probe("alive", periodSeconds=5)) as world:
        await world.clock.advance(52)
        assert len(world.runtime.calls) == 11


async def test_startup_holds_the_others_back():
    async with World(startup=probe("start"), readiness=probe("ready"), liveness=probe("alive")) as world:
        world.runtime.answers["start"] = False
        await world.clock.advance(5)
        assert set(world.runtime.calls) == {"start"}
        assert not world.ready
        assert not world.manager.started()
        world.runtime.answers["start"] = True
        await world.clock.advance(10)
        assert world.verdict("startup") is PASS
        assert "id" in world.manager.started()
        await world.clock.advance(1)
        assert world.ready
        before = world.runtime.calls.count("start")
        await world.clock.advance(60)
        assert world.runtime.calls.count("start") == before


async def test_startup_that_fails_for_good():
    async with World(startup=probe("start", failureThreshold=3)) as world:
        world.runtime.answers["start"] = False
        await world.clock.advance(25)
        assert world.verdict("startup") is FAIL
        assert len(world.reports) == 3


@pytest.mark.parametrize("error", [ArithmeticError("a bug"), handlers.HandlerError("no such port")])
async def test_a_look_that_could_not_be_made_does_not_count(error, monkeypatch):
    async with World(liveness=probe("alive", failureThreshold=1)) as world:
        world.runtime.answers["alive"] = error
        await world.clock.advance(60)
        assert world.verdict("liveness") is UNKNOWN
        assert world.reports == []
        world.runtime.answers["alive"] = False
        await world.clock.advance(10)
        assert world.verdict("liveness") is FAIL


async def test_a_command_that_the_runtime_cannot_run_is_a_failure():
    async with World(liveness=probe("alive", failureThreshold=1)) as world:
        world.runtime.answers["alive"] = RuntimeCallError(Code.DEADLINE_EXCEEDED, "timed out")
        await world.clock.advance(1)
        assert world.verdict("liveness") is FAIL


async def test_a_runtime_that_is_away_says_nothing_of_its_containers():
    async with World(
        liveness=probe("alive", failureThreshold=1), readiness=probe("ready", failureThreshold=1)
    ) as world:
        await world.clock.advance(1)
        for word in ("alive", "ready"):
            world.runtime.answers[word] = RuntimeCallError(Code.UNAVAILABLE, "no socket")
        await world.clock.advance(30)
        assert world.ready
        assert world.verdict("liveness") is PASS
        assert world.reports == []


async def test_only_running_containers_are_probed():
    async with World(liveness=probe("alive")) as world:
        world.manager.keep_only(set())
        await world.clock.advance(60)
        assert world.manager.ready() == frozenset()
        assert world.runtime.calls == []


async def test_a_kubelet_that_starts_again_takes_no_pod_out_of_service():
    world = World(readiness=probe("ready"), startup=probe("up"))
    reported = {"name": "c", "image": "c:1", "imageID": "", "restartCount": 0, "ready": True, "started": True}
    world.pod = pod(
        [container(readinessProbe=probe("ready"), startupProbe=probe("up"))],
        status={"containerStatuses": [{**reported, "containerID": "containerd://id"}]},
    )
    async with world:
        assert world.ready
        await world.clock.advance(1)
        assert "up" not in world.runtime.calls
        world.runtime.answers["ready"] = False
        await world.clock.advance(30)
        assert not world.ready
        assert world.verdict("readiness") is FAIL


async def test_another_run_begins_anew():
    world = World(readiness=probe("ready"))
    reported = {"name": "c", "image": "c:1", "imageID": "", "restartCount": 0, "ready": True}
    world.pod = pod(
        [container(readinessProbe=probe("ready"))],
        status={"containerStatuses": [{**reported, "containerID": "containerd://earlier"}]},
    )
    async with world:
        assert not world.ready
