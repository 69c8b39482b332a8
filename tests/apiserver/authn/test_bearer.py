"""Where a request carries its token, and what is left of it afterwards."""

from __future__ import annotations

import base64

import pytest

from steersman.api.clock import FakeClock
from steersman.api.errors import Unauthorized
from steersman.api.http import Request, User
from steersman.apiserver.authn import ANONYMOUS, Authenticator, bearer
from steersman.http.head import Fields

JOE = User("joe", ("system:authenticated",))
PREFIX = "base64url.bearer.authorization.k8s.io."


def encoded(token: bytes) -> str:
    return PREFIX + base64.urlsafe_b64encode(token).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("header", "token", "warned"),
    [
        ("Bearer t", "t", False),
        ("bearer t", "t", False),
        ("  BEARER t  ", "t", False),
        ("Bearer t more", "t", False),
        ("Bearer  t", "", True),
        ("Bearer", "", False),
        ("Bearer ", "", False),
        ("Basic dDp0", "", False),
        ("", "", False),
    ],
)
def test_headers(header: str, token: str, warned: bool) -> None:
    warnings: list[str] = []
    assert bearer.token_of(header, warnings) == token
    assert warnings == ([bearer.SPACES] if warned else [])


def upgrade(*protocols: str, **more: str) -> Request:
    headers = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-protocol": ", ".join(protocols), **more}
    return Request("GET", "/api/v1/pods", headers=headers)


def test_a_websocket_s_token_is_taken_out() -> None:
    authenticator = Authenticator(FakeClock(), {"secret": JOE})
    request = upgrade("v4.channel.k8s.io", encoded(b"secret"), "base64.binary.k8s.io")
    assert authenticator.authenticate(request) == JOE
    assert request.headers["sec-websocket-protocol"] == "v4.channel.k8s.io, base64.binary.k8s.io"
    assert PREFIX not in repr(request.headers)


def test_what_else_was_said_is_kept() -> None:
    protocols = [b"sec-websocket-protocol: v4, " + encoded(b"secret").encode(), b"sec-websocket-protocol: v5"]
    lines = [
        b"connection: Upgrade",
        b"upgrade: websocket",
        b"impersonate-group: a",
        b"impersonate-group: b",
        *protocols,
    ]
    request = Request("GET", "/", headers=Fields(b"\r\n".join(lines) + b"\r\n").headers)
    assert Authenticator(FakeClock(), {"secret": JOE}).authenticate(request) == JOE
    pairs = list(request.headers.items())
    assert [value for name, value in pairs if name == "impersonate-group"] == ["a", "b"]
    assert request.headers["sec-websocket-protocol"] == "v4, v5"
    assert PREFIX not in repr(pairs)


@pytest.mark.parametrize(
    "protocols",
    [
        (encoded(b"secret"),),
        (encoded(b"wrong"), "x"),
        (encoded(b"secret"), encoded(b"secret"), "x"),
        (PREFIX + "***", "x"),
        (encoded(b"\xff\xfe"), "x"),
    ],
)
def test_websockets_that_are_refused(protocols: tuple[str, ...]) -> None:
    with pytest.raises(Unauthorized):
        # Nobody with a bad token is anybody else.
        Authenticator(FakeClock(), {"secret": JOE}).authenticate(upgrade(*protocols))


def test_where_no_token_is_looked_for() -> None:
    authenticator = Authenticator(FakeClock(), {"secret": JOE})
    assert authenticator.authenticate(upgrade("x", encoded(b""))) == ANONYMOUS
    assert authenticator.authenticate(upgrade("x")) == ANONYMOUS
    assert authenticator.authenticate(upgrade("x", encoded(b"secret"), upgrade="h2c")) == ANONYMOUS
    assert authenticator.authenticate(upgrade(encoded(b"wrong"), "x", authorization="Bearer secret")) == JOE
