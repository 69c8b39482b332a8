"""The webhook backend: batches, repeats, what is dropped, modes, and the end."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

import pytest
from tests.apiserver.audit.test_sinks import event

from steersman.api.clock import FakeClock
from steersman.apiserver.audit.sinks import BATCH, BLOCKING, BUFFERED, STRICT, Batching, Errors
from steersman.apiserver.audit.webhook import Delivery, Poster, WebhookSink
from steersman.apiserver.webhook.asking import Said, Unanswered


class Hook(Poster):
    """Answers as it is told, in turn; the last answer again and again."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers) or [200]
        self.bodies: list[dict[str, Any]] = []
        self.closed = False

    async def post(self, body: bytes) -> Said:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if answer < 300:
            self.bodies.append(json.loads(body))
        return Said(answer)

    async def close(self) -> None:
        self.closed = True

    def ids(self) -> list[list[str]]:
        return [[item["auditID"] for item in body["items"]] for body in self.bodies]


def sink_of(hook: Hook, clock: FakeClock, mode: str = BATCH, limit: int = 0, **more: Any) -> tuple[WebhookSink, Errors]:
    errors = Errors(clock)
    return WebhookSink(hook, Delivery(hook.post, clock), mode, errors, clock, Batching(**more), limit), errors


async def test_events_go_in_batches() -> None:
    clock, hook = FakeClock(), Hook()
    sink, _ = sink_of(hook, clock, most=3, wait=30.0)
    task = asyncio.ensure_future(sink.run())
    for number in range(7):
        assert sink.take(event(number)) is True
    await clock.advance(1)
    assert hook.ids() == [["id-0", "id-1", "id-2"], ["id-3", "id-4", "id-5"]]
    await clock.advance(30)
    assert hook.ids()[2:] == [["id-6"]]
    assert {k: v for k, v in hook.bodies[0].items() if k != "items"} == {
        "kind": "EventList",
        "apiVersion": "audit.k8s.io/v1",
        "metadata": {},
    }
    task.cancel()
    await asyncio.wait([task])


async def test_posts_a_second_are_bounded() -> None:
    clock, hook = FakeClock(), Hook()
    sink, _ = sink_of(hook, clock, most=1, wait=0.0, qps=2.0, burst=2)
    task = asyncio.ensure_future(sink.run())
    for number in range(6):
        sink.take(event(number))
    await clock.advance(0.01)
    assert len(hook.bodies) == 2
    await clock.advance(1.0)
    assert len(hook.bodies) == 4
    task.cancel()
    await asyncio.wait([task])


async def test_a_batch_has_a_size() -> None:
    clock, hook = FakeClock(), Hook()
    sink, _ = sink_of(hook, clock, limit=400, most=100, wait=0.0)
    task = asyncio.ensure_future(sink.run())
    for number in range(4):
        sink.take(event(number))
    await clock.advance(1)
    assert [len(ids) for ids in hook.ids()] == [2, 2]
    task.cancel()
    await asyncio.wait([task])


async def test_what_fails_is_repeated_then_lost() -> None:
    clock, hook = FakeClock(), Hook(503, 404, Unanswered("refused"), 200, 500)
    sink, errors = sink_of(hook, clock, most=1, wait=0.0)
    task = asyncio.ensure_future(sink.run())
    sink.take(event(1))
    for _ in range(80):
        await clock.advance(1)
    assert hook.ids() == [["id-1"]]
    sink.take(event(2))
    for _ in range(200):
        await clock.advance(1)
    assert errors.counts == {"webhook": 1}
    task.cancel()
    await asyncio.wait([task])


async def test_a_full_buffer_drops_and_counts() -> None:
    sink, errors = sink_of(Hook(), FakeClock(), buffer=2)
    for number in range(5):
        assert sink.take(event(number)) is True
    assert errors.counts == {"buffered": 3}


async def test_the_end_delivers_what_is_left() -> None:
    hook = Hook()
    sink, _ = sink_of(hook, FakeClock(), most=2)
    for number in range(3):
        sink.take(event(number))
    await sink.close()
    assert hook.ids() == [["id-0", "id-1"], ["id-2"]]
    assert hook.closed


async def test_the_end_gives_up_what_cannot_be_delivered() -> None:
    hook = Hook(Unanswered("refused"))
    sink, errors = sink_of(hook, FakeClock(), most=2)
    for number in range(3):
        sink.take(event(number))
    await sink.close()
    assert errors.counts == {"webhook": 3}
    assert hook.closed


@pytest.mark.parametrize(("mode", "goes_on"), [(BLOCKING, True), (STRICT, False)])
async def test_requests_wait_in_blocking_modes(mode: str, goes_on: bool) -> None:
    clock, hook = FakeClock(), Hook(200, 404)
    sink, errors = sink_of(hook, clock, mode)
    first = sink.take(event(1))
    assert not isinstance(first, bool)
    assert await first
    assert hook.ids() == [["id-1"]]
    second = sink.take(event(2))
    assert not isinstance(second, bool)
    waiting = asyncio.ensure_future(second)
    while not waiting.done():
        # The most that all pauses take together.
        await clock.advance(100)
    assert waiting.result() is goes_on
    assert errors.counts == {"webhook": 1}


async def test_what_waits_is_bounded_by_its_bytes() -> None:
    clock, hook = FakeClock(), Hook(Unanswered("no"))
    sink, errors = sink_of(hook, clock, most=400, wait=30.0, qps=0.0)
    task = asyncio.ensure_future(sink.run())
    large = event(1, size=500_000)
    for _ in range(200):
        assert sink.take(large) is True
        await asyncio.sleep(0)
    kept = BUFFERED // 500_000
    assert 200 - kept <= errors.counts["buffered"] < 200 - kept + 5
    # Who has waited for so many seconds has been given up, and there is room again.
    await clock.advance(1000)
    assert errors.counts["webhook"] == 200 - errors.counts["buffered"]
    assert sink.take(large) is True
    assert sum(errors.counts.values()) == 200
    task.cancel()


@pytest.mark.parametrize("seed", range(6))
async def test_the_room_of_events_comes_back(seed: int) -> None:
    random = Random(seed)
    clock = FakeClock()
    hook = Hook(*random.choices((200, 404, 503, Unanswered("no")), k=60), 200)
    limit = random.choice((0, 100_000))
    sink, _ = sink_of(hook, clock, limit=limit, most=random.choice((1, 7, 400)), buffer=30, wait=1.0, qps=0.0)
    task = asyncio.ensure_future(sink.run())
    for number in range(150):
        sink.take(event(number, size=random.choice((10, 50_000, 3_000_000, BUFFERED + 1))))
        if random.random() < 0.3:
            await clock.advance(random.choice((0.5, 1, 20)))
    for _ in range(50):
        await clock.advance(100)
    assert (sink._size, sink._buffered, len(sink._buffer), sink._sending) == (0, 0, 0, [])
    task.cancel()


async def test_large_events_do_not_wait_for_many() -> None:
    clock, hook = FakeClock(), Hook()
    sink, _ = sink_of(hook, clock, most=400, wait=30.0)
    task = asyncio.ensure_future(sink.run())
    for number in range(10):
        sink.take(event(number, size=500_000))
    await clock.advance(1)
    # Each post is of a few, and what is left waits as ever.
    assert [len(ids) for ids in hook.ids()] == [4, 4]
    await clock.advance(30)
    assert [len(ids) for ids in hook.ids()] == [4, 4, 2]
    task.cancel()


@pytest.mark.parametrize(("mode", "goes_on"), [(BLOCKING, True), (STRICT, False)])
async def test_requests_that_wait_are_bounded_by_their_bytes(mode: str, goes_on: bool) -> None:
    clock, hook = FakeClock(), Hook(Unanswered("no"))
    sink, errors = sink_of(hook, clock, mode)
    large = event(1, size=5_000_000)
    waiting = [asyncio.ensure_future(sink.take(large)) for _ in range(2)]
    await asyncio.sleep(0)
    assert await sink.take(large) is goes_on
    assert errors.counts == {"webhook": 1}
    await clock.advance(1000)
    assert [one.result() for one in waiting] == [goes_on, goes_on]
    assert not sink._size
