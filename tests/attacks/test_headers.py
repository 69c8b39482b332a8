"""Being somebody else by headers: a front proxy's without its certificate, and requests hidden in other requests."""

from __future__ import annotations

import re
import socket
import ssl
import warnings
from datetime import UTC, datetime

import pytest
from tests.apiprocess import TIMEOUT, ApiProcess
from tests.attacks.conftest import EVE, NAMESPACE

from steersman.pki.certs import Request, issue, new_ca

PATH = f"/api/v1/namespaces/{NAMESPACE}/secrets"
PROXY = Request("front-proxy")
MASTERS = "system:masters"


@pytest.mark.parametrize(
    "headers",
    [
        ["X-Remote-User: admin", f"X-Remote-Group: {MASTERS}"],
        ["x-remote-user: admin", f"x-remote-group: {MASTERS}"],
        ["X_Remote_User: admin", f"X_Remote_Group: {MASTERS}"],
        ["X-Remote_User: admin", f"X-Remote_Group: {MASTERS}"],
        ["X-Remote-User: admin", "X-Remote-User: admin", f"X-Remote-Group: {MASTERS}", f"X-Remote-Group: {MASTERS}"],
        ["X-Remote-User: admin", f"X-Remote-Group: {MASTERS}", "Connection: X-Remote-User"],
        ["Connection: X-Remote-User, close", "X-Remote-User: admin", f"X-Remote-Group: {MASTERS}"],
        ["X-Remote-User: admin", f"X-Remote-Extra-Scopes: {MASTERS}", f"X-Remote-Group: {MASTERS}"],
        ["X-Remote-Group: " + MASTERS],
        ["X-Remote-Uid: 1", "X-Remote-User: system:admin", f"X-Remote-Group: {MASTERS}"],
        ["X-Forwarded-User: admin", f"X-Forwarded-Group: {MASTERS}", "X-Forwarded-For: 127.0.0.1"],
        ["Forwarded: for=127.0.0.1;by=admin", "X-Real-Ip: 127.0.0.1"],
        ["X-HTTP-Method-Override: GET", "X-Original-URL: /version"],
        ["Authorization: Basic YWRtaW46YWRtaW4="],
        ["Authorization: Bearer "],
        ["Authorization: Bearer admin", "Authorization: Bearer system:masters"],
        ["Cookie: user=admin"],
        ["Ssl-Client-Cert: admin", "X-Client-Cert: admin", "X-Ssl-Client-S-Dn: CN=admin,O=system:masters"],
    ],
)
@pytest.mark.parametrize("user", [EVE, None])
def test_no_header_makes_somebody_else(server: ApiProcess, headers: list[str], user: Request | None) -> None:
    lines = "".join(f"{line}\r\n" for line in headers)
    close = "" if "Connection" in lines else "Connection: close\r\n"
    found = server.raw(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n{close}{lines}\r\n".encode(), user)
    assert re.match(rb"HTTP/1.1 (401|403|400) ", found), found[:300]
    assert b'"items"' not in found


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("other-proxy", {"X-Remote-User": "admin", "X-Remote-Group": MASTERS}),
        ("front-proxy.evil", {"X-Remote-User": "admin", "X-Remote-Group": MASTERS}),
        ("front-proxy", {}),
        ("front-proxy", {"X-Remote-Group": MASTERS}),
        ("front-proxy", {"X_Remote_User": "admin", "X_Remote_Group": MASTERS}),
        ("front-proxy", {"X-Remote-User": "eve", "X_Remote_Group": MASTERS}),
    ],
)
def test_a_proxys_certificate_is_not_enough(server: ApiProcess, name: str, headers: dict[str, str]) -> None:
    """It must bear a name that is allowed, and say who asks by the right headers."""
    answer = server.ask("GET", PATH, headers=headers, user=Request(name), proxy=True)
    assert answer.status in (401, 403)


def test_the_front_proxy_itself_is_believed(server: ApiProcess) -> None:
    headers = {"X-Remote-User": "admin", "X-Remote-Group": MASTERS}
    assert server.ask("GET", PATH, headers=headers, user=PROXY, proxy=True).status == 200
    assert server.ask("GET", PATH, headers={"X-Remote-User": "eve"}, user=PROXY, proxy=True).status == 403


def test_the_name_of_a_proxy_in_a_clients_certificate_counts_for_nothing(server: ApiProcess) -> None:
    headers = {"X-Remote-User": "admin", "X-Remote-Group": MASTERS}
    assert server.ask("GET", PATH, headers=headers, user=PROXY).status == 403


SMUGGLED = (
    f"GET {PATH} HTTP/1.1\r\nHost: x\r\nX-Remote-User: admin\r\nX-Remote-Group: {MASTERS}\r\nConnection: close\r\n\r\n"
)


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length: 5 5",
        "Content-Length: -1",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding:\x0bchunked",
        "Transfer-Encoding : chunked",
        " Transfer-Encoding: chunked",
        "X: y\r\n Transfer-Encoding: chunked",
        "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "X: y\x00z",
        "Host: y",
        ": nothing",
        "no colon",
    ],
)
def test_what_two_readers_could_read_differently_is_no_request(server: ApiProcess, head: str) -> None:
    found = server.raw(f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n0\r\n\r\n{SMUGGLED}".encode(), EVE)
    assert re.match(rb"HTTP/1.1 (400|413|501) ", found), found[:200]
    assert found.count(b"HTTP/1.1") == 1
    assert b'"items"' not in found


@pytest.mark.parametrize(
    "body",
    [
        b"5\r\nhello\r\n0\r\n\r\n",
        b"5;extension=1\r\nhello\r\n0\r\n\r\n",
        b"0\r\nTrailer: X-Remote-User\r\nX-Remote-User: admin\r\n\r\n",
        b"-1\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\n0\n\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"FFFFFFFFFFFFFFFFF\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"\r\n",
    ],
)
def test_chunks_hide_no_request(server: ApiProcess, body: bytes) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    found = server.raw(head + body + SMUGGLED.encode(), EVE)
    # Whatever is read as a request is Eve's.
    assert b'"items"' not in found
    for status in re.findall(rb"HTTP/1.1 (\d+)", found):
        assert status in (b"400", b"403", b"413"), found[:300]


@pytest.mark.parametrize(
    "line",
    [
        f"GET {PATH} HTTP/1.1\r\nHost: x\r\nX: ",
        f"GET {PATH}\r\n",
        f"GET  {PATH} HTTP/1.1\r\nHost: x\r\n",
        f"GET {PATH} HTTP/0.9\r\n",
        f"GET {PATH} HTTP/2.0\r\nHost: x\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n",
        f"GET\t{PATH}\tHTTP/1.1\r\nHost: x\r\n",
        f"G\x00T {PATH} HTTP/1.1\r\nHost: x\r\n",
        f"GET {PATH} HTTP/1.1 \r\nHost: x\r\n",
        f"GET http://elsewhere{PATH} HTTP/1.1\r\nHost: x\r\n",
        f"GET http://admin@x{PATH} HTTP/1.1\r\nHost: x\r\n",
        "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n",
        f"GET {PATH} HTTP/1.1\r\n",
        "GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n",
    ],
)
def test_odd_first_lines_are_nobodys_requests(server: ApiProcess, line: str) -> None:
    found = server.raw(line.encode() + b"Connection: close\r\n\r\n", EVE)
    assert b'"items"' not in found
    assert b"root:" not in found
    assert re.match(rb"HTTP/1.1 (4\d\d|505) ", found) or not found, found[:200]


def test_pipelined_requests_are_each_their_senders(server: ApiProcess) -> None:
    both = f"GET /version HTTP/1.1\r\nHost: x\r\n\r\nGET {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    found = server.raw(both.encode(), EVE)
    assert [int(s) for s in re.findall(rb"HTTP/1.1 (\d+)", found)] == [200, 403]


def test_another_clients_certificate_does_not_stay(server: ApiProcess) -> None:
    """Who asks is a matter of the connection, not of what was asked before."""
    for _ in range(3):
        assert server.ask("GET", PATH).status == 200
        assert server.ask("GET", PATH, user=EVE).status == 403
        assert server.ask("GET", PATH, user=None).status in (401, 403)


def test_a_certificate_of_another_authority_is_none(server: ApiProcess) -> None:
    now = datetime.now(UTC)
    forged = issue(new_ca("steersman-testing", now), Request("admin", (MASTERS,)), now)
    file = server.directory / "forged.pem"
    file.write_bytes(forged.cert + b"\n" + forged.key)
    context = ssl.create_default_context(cafile=str(server.credentials.path("ca.crt")))
    context.load_cert_chain(file)
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as plain:
        found = _talk(context, plain)
    assert b"items" not in found


def _talk(context: ssl.SSLContext, plain: socket.socket) -> bytes:
    """What is answered by a server that may not want to talk."""
    try:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            connection.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            return connection.recv(4096)
    except (ssl.SSLError, ConnectionError) as error:
        return str(error).encode()


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_tls_is_not_spoken(server: ApiProcess, version: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain)
