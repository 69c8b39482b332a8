"""Requests to the API server are counted by their outcome."""

import pytest

from steersman.api.clock import FakeClock
from steersman.api.http import Request, Response
from steersman.client.transport import Unreachable
from steersman.kubelet.api_calls import CountedTransport
from steersman.kubelet.instruments import Instruments


class Answers:
    def __init__(self, *given):
        self.given, self.closed = list(given), False

    async def send(self, request, *, stream=False):
        found = self.given.pop(0)
        if isinstance(found, Exception):
            raise found
        return Response(found)

    async def close(self):
        self.closed = True


async def test_counts():
    counted, inner = Instruments(FakeClock()), Answers(200, 404, Unreachable("gone"))
    transport = CountedTransport(inner, counted, "h:1")
    for _ in range(2):
        await transport.send(Request("GET", "/x"))
    with pytest.raises(Unreachable):
        await transport.send(Request("PUT", "/x"))
    assert counted.api_requests.values == {
        ("200", "GET", "h:1"): 1,
        ("404", "GET", "h:1"): 1,
        ("<error>", "PUT", "h:1"): 1,
    }
    assert set(counted.api_seconds.samples) == {("GET", "h:1"), ("PUT", "h:1")}
    await transport.close()
    assert inner.closed
