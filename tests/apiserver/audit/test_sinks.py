"""Backends: modes of the log, truncation, what is lost and counted, and the format of old."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from msgspec import Raw

from steersman.api.clock import FakeClock
from steersman.apiserver.audit import event as events
from steersman.apiserver.audit.event import Event, ObjectReference, UserInfo
from steersman.apiserver.audit.logfile import Output
from steersman.apiserver.audit.sinks import BATCH, BLOCKING, STRICT, Errors, Gathering, Limit, LogSink, Truncated


def event(number: int = 0, level: str = "Metadata", size: int = 0) -> Event:
    found = Event("Event", "audit.k8s.io/v1", level, f"id-{number}", "ResponseComplete", "/x", "get", UserInfo("ada"))
    if size:
        found.requestObject = Raw(b'"%b"' % (b"x" * size))
    return found


class Memory(Output):
    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.full = False
        self.closed = False

    def write(self, lines: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.writes.append(lines)

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(("mode", "goes_on"), [(BLOCKING, True), (STRICT, False), (BATCH, True)])
async def test_when_the_disk_is_full(mode: str, goes_on: bool, caplog: pytest.LogCaptureFixture) -> None:
    output, clock = Memory(), FakeClock()
    output.full = True
    errors = Errors(clock)
    sink = LogSink(output, events.encode, mode, errors)
    with caplog.at_level(logging.ERROR):
        for number in range(3):
            assert sink.take(event(number)) is goes_on
        await sink.close()
    assert errors.counts == {"log": 3}
    assert len(caplog.records) == 1
    assert "No space left on device" in caplog.text
    assert output.closed


async def test_in_blocking_mode_each_event_is_written_at_once() -> None:
    output = Memory()
    sink = LogSink(output, events.encode, BLOCKING, Errors(FakeClock()))
    sink.take(event(1))
    assert [json.loads(line)["auditID"] for line in output.writes] == ["id-1"]
    assert output.writes[0].endswith(b"}\n")


async def test_in_batches_the_events_of_a_turn_are_one_write() -> None:
    output = Memory()
    sink = LogSink(output, events.encode, BATCH, Errors(FakeClock()))
    for number in range(5):
        assert sink.take(event(number)) is True
    assert output.writes == []
    await asyncio.sleep(0)
    assert len(output.writes) == 1
    assert len(output.writes[0].splitlines()) == 5
    sink.take(event(9))
    await sink.close()
    assert len(output.writes) == 2


async def test_batches_wait_for_more_and_what_is_too_much_is_dropped() -> None:
    output, errors = Memory(), Errors(FakeClock())
    sink = LogSink(output, events.encode, BATCH, errors, Gathering(buffer=4, most=3, wait=1000.0))
    sink.take(event(1))
    await asyncio.sleep(0)
    assert output.writes == []
    for number in range(6):
        sink.take(event(number))
    assert errors.counts == {"buffered": 3}
    await asyncio.sleep(0)
    assert [len(lines.splitlines()) for lines in output.writes] == [4]
    await sink.close()


async def test_large_events_lose_their_objects_and_larger_ones_are_lost() -> None:
    output, errors = Memory(), Errors(FakeClock())
    sink = Truncated(LogSink(output, events.encode, STRICT, errors), Limit(event=400), errors)
    assert sink.take(event(1, "Request", size=100)) is True
    assert sink.take(event(2, "Request", size=1000)) is True
    large = event(3)
    large.requestURI = "/" * 1000
    assert sink.take(large) is True
    small, cut = [json.loads(line) for line in output.writes]
    assert "requestObject" in small
    assert "requestObject" not in cut
    assert cut["annotations"] == {"audit.k8s.io/truncated": "true"}
    assert errors.counts == {"truncate": 1}
    await sink.close()


@pytest.mark.parametrize(("name", "shown"), [("a\udcffb", "a\ufffdb"), ("a\ud800b", "a?b"), ("a\nb", "a\nb")])
def test_whatever_somebody_is_called_is_one_line(name: str, shown: str) -> None:
    found = event(1)
    found.user = UserInfo(name)
    line = events.encode(found)
    assert b"\n" not in line
    assert json.loads(line)["user"]["username"] == shown
    assert "\n" not in events.legacy(found).decode()


def test_the_format_of_old() -> None:
    found = event(1)
    found.user = UserInfo("ada", groups=("dev", "ops"))
    found.impersonatedUser = UserInfo("eve", groups=())
    found.sourceIPs = ["192.0.2.1"]
    found.userAgent = 'a "b"'
    found.objectRef = ObjectReference("pods", "blue")
    found.responseStatus = Raw(b'{"metadata":{},"code":200}')
    found.requestReceivedTimestamp = "2027-01-15T08:00:00.000000Z"
    assert events.legacy(found).decode() == (
        '2027-01-15T08:00:00.000000Z AUDIT: id="id-1" stage="ResponseComplete" ip="192.0.2.1" method="get" user="ada" '
        'groups="\\"dev\\",\\"ops\\"" as="eve" asgroups="" user-agent="a \\"b\\"" namespace="blue" uri="/x" response="200"'
    )
    bare = event(2)
    bare.user = UserInfo()
    assert (
        'user="<none>" groups="<none>" as="<self>" asgroups="<lookup>" user-agent="" namespace="<none>" uri="/x" '
        'response="<deferred>"'
    ) in events.legacy(bare).decode()


@pytest.mark.parametrize(
    ("headers", "remote", "expected"),
    [
        ({}, "192.0.2.1", ["192.0.2.1"]),
        ({}, "", []),
        ({"x-forwarded-for": "10.0.0.1, 10.0.0.2"}, "10.0.0.2", ["10.0.0.1", "10.0.0.2"]),
        ({"x-forwarded-for": "10.0.0.1"}, "10.0.0.2", ["10.0.0.1", "10.0.0.2"]),
        ({"x-real-ip": "10.0.0.9"}, "10.0.0.2", ["10.0.0.9", "10.0.0.2"]),
        ({"x-forwarded-for": "10.0.0.9", "x-real-ip": "10.0.0.9"}, "10.0.0.9", ["10.0.0.9"]),
        ({"x-forwarded-for": "evil, <script>"}, "::1", ["::1"]),
    ],
)
def test_source_addresses(headers: dict[str, str], remote: str, expected: list[str]) -> None:
    assert events.source_ips(headers, remote) == expected
