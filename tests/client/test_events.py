"""Events are counted instead of repeated, and never waited for."""

import asyncio

import pytest

from steersman.api.clock import FakeClock
from steersman.client.events import BURST, COMBINED, QUEUE_LENGTH, Correlator, EventRecorder, reference
from steersman.client.rest import Client
from steersman.kinds.types.core_v1 import Event, EventSource, Pod
from steersman.kinds.types.meta_v1 import ObjectMeta

POD = Pod(metadata=ObjectMeta(name="web", namespace="ns", uid="u"))


def event(message="m", reason="Because", about=POD):
    return Event(
        metadata=ObjectMeta(name="e"),
        involvedObject=reference(about),
        reason=reason,
        message=message,
        count=1,
        firstTimestamp="t0",
        lastTimestamp="t1",
        source=EventSource(component="test"),
    )


@pytest.fixture
def correlator():
    return Correlator(FakeClock())


def test_the_same_event_again_is_counted(correlator):
    first, known = correlator.correlate(event())
    assert (first.count, known) == (1, None)
    correlator.written(first)
    second, known = correlator.correlate(event())
    assert (second.count, second.firstTimestamp, known.name) == (2, "t0", "e")
    correlator.written(second)
    assert correlator.correlate(event())[0].count == 3
    assert correlator.correlate(event(reason="Other"))[1] is None


def test_many_different_messages_become_one(correlator):
    messages = [correlator.correlate(event(f"m{i}"))[0].message for i in range(12)]
    assert messages[8] == "m8"
    assert messages[9].startswith(COMBINED)
    found, _ = correlator.correlate(event("m50"))
    correlator.written(found)
    assert correlator.correlate(event("m51"))[0].count == 2


def test_too_many_events_about_one_object_are_dropped(correlator):
    kept = [correlator.correlate(event(reason=f"r{i}")) for i in range(BURST + 5)]
    assert [k is None for k in kept] == [False] * BURST + [True] * 5
    other = Pod(metadata=ObjectMeta(name="other", namespace="ns"))
    assert correlator.correlate(event(about=other)) is not None


async def test_the_recorder_creates_then_patches(script):
    transport = script.transport(script.answer(201, {"metadata": {}}), script.answer(200, {"metadata": {}}))
    recorder = EventRecorder(Client(transport), FakeClock(), "test-controller")
    recorder.event(POD, "Normal", "Started", "it runs")
    recorder.event(POD, "Normal", "Started", "it runs")
    await recorder.flush()
    create, patch = transport.requests
    assert (create.method, create.path) == ("POST", "/api/v1/namespaces/ns/events")
    assert patch.method == "PATCH"
    assert b'"count":2' in patch.body


async def test_an_event_that_expired_is_written_anew(script):
    gone = script.answer(404, {"kind": "Status", "reason": "NotFound", "code": 404})
    ok = script.answer(201, {"metadata": {}})
    transport = script.transport(ok, gone, ok)
    recorder = EventRecorder(Client(transport), FakeClock(), "test")
    for _ in range(2):
        recorder.event(POD, "Normal", "Started", "it runs")
    await recorder.flush()
    assert [r.method for r in transport.requests] == ["POST", "PATCH", "POST"]
    assert b'"count":1' in transport.requests[2].body


async def test_events_beyond_the_queue_are_dropped(script, caplog):
    recorder = EventRecorder(Client(script.transport()), FakeClock(), "test")
    for _ in range(QUEUE_LENGTH + 5):
        recorder.event(POD, "Normal", "Started", "it runs")
    assert caplog.text.count("events are dropped") == 1


async def test_run_survives_a_server_that_refuses(script):
    answers = [script.answer(500, {}), script.answer(201, {"metadata": {}})]
    transport = script.transport(*answers)
    recorder = EventRecorder(Client(transport), FakeClock(), "test")
    task = asyncio.ensure_future(recorder.run())
    recorder.event(POD, "Normal", "One", "1")
    recorder.event(POD, "Normal", "Two", "2")
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(transport.requests) == 2
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
