"""How long a token is used before another takes its place."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from steersman.api.clock import FakeClock
from steersman.api.meta import format_time
from steersman.client import tokens
from steersman.client.rest import Client
from steersman.kinds.types.authentication_v1 import BoundObjectReference


@pytest.mark.parametrize(
    ("given", "renew_after"),
    [(600, 480), (300, 240), pytest.param(9000, 480, id="a server whose clock is ahead")],
)
async def test_request(script, given, renew_after):
    clock = FakeClock()
    until = clock.now() + timedelta(seconds=given)
    answer = {"status": {"token": "t", "expirationTimestamp": format_time(until)}}
    transport = script.transport(script.answer(201, answer))
    bound = BoundObjectReference(kind="Pod", apiVersion="v1", name="p", uid="u")
    found = await tokens.request(Client(transport), clock, "n", "a", 600, audiences=["x"], bound=bound)
    assert found.value == "t"
    assert found.renew_after == pytest.approx(renew_after, abs=1)
    assert "'t'" not in repr(found)
    (sent,) = transport.requests
    assert (sent.method, sent.path) == ("POST", "/api/v1/namespaces/n/serviceaccounts/a/token")
    assert msgspec.json.decode(sent.body)["spec"] == {
        "audiences": ["x"],
        "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": "u"},
        "expirationSeconds": 600,
    }
