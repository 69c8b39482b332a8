"""What a client is told about a backend that cannot be dialled."""

import errno
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from steersman.api.http import Request
from steersman.apiserver.backend import Target, dial_error, forwarded_headers

KEY = ConnectionKey("10.0.0.9", 10250, True, ssl.create_default_context(), None, None, None)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed"), "connect: connection refused"),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed"), "connect: connection refused"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "connect: network is unreachable"),
        (
            aiohttp.ClientConnectorError(KEY, OSError(errno.ENETUNREACH, "Network is unreachable")),
            "connect: network is unreachable",
        ),
        (TimeoutError(), "i/o timeout"),
        (ssl.SSLError(1, "certificate unknown"), "certificate unknown"),
        (aiohttp.ServerDisconnectedError(), "Server disconnected"),
    ],
)
def test_dial_error(error: BaseException, why: str) -> None:
    message = str(dial_error(Target("10.0.0.9", 10250), error))
    assert "error dialing backend: dial tcp 10.0.0.9:10250: " in message
    assert why in message
    assert "SSLContext" not in message


def test_forwarded_headers() -> None:
    private = {
        "Authorization": "Bearer t",
        "Impersonate-User": "joe",
        "Impersonate-Extra-K": "v",
        "Connection": "close",
    }
    request = Request("GET", "/", "", {**private, "Accept": "*/*", "Cookie": "c"})
    assert forwarded_headers(request) == [("Accept", "*/*"), ("Cookie", "c")]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/a b", "/a%20b"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%2e%2e", "/a%252e%252e"),
        ("/100%", "/100%25"),
        ("/ü?#", "/%C3%BC%3F%23"),
    ],
)
def test_paths_mean_to_a_backend_what_they_mean_here(path: str, sent: str) -> None:
    assert Target("10.0.0.9", 80).url(path, "a=%20").raw_path_qs == f"{sent}?a=%20"
