"""Front proxies: whom they name, whose word is good, and that the others' headers mean nothing."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from multidict import CIMultiDict
from tests.apiserver.conftest import MAPS, Api

from steersman.api.http import Request, User
from steersman.apiserver import frontproxy
from steersman.apiserver.authn import Authenticator
from steersman.apiserver.backend import forwarded_headers
from steersman.apiserver.config import FrontProxy
from steersman.http.server import HTTPServer
from steersman.http.tls import server_tls
from steersman.pki import certs, layout

HOST = "127.0.0.1"
NOW = datetime.now(UTC)
READER = frontproxy.Reader(FrontProxy(Path("ca")))
REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ([], None),
        ([("X-Remote-Group", "system:masters")], None),
        ([("x-remote-user", "")], None),
        ([("x-remote-user", "joe")], User("joe", ("system:authenticated",))),
        (
            [
                ("X-Remote-User", "joe"),
                ("X-Remote-Group", "a"),
                ("X-Remote-Group", "b"),
                ("X-Remote-Group", ""),
                ("X-Remote-Uid", "7"),
                ("X-Remote-Extra-Example.com%2fScopes", "x"),
                ("x-remote-extra-example.com%2Fscopes", "y"),
            ],
            User("joe", ("a", "b", "system:authenticated"), "7", {"example.com/scopes": ("x", "y")}),
        ),
        (
            [("X-Remote-User", "system:anonymous"), ("X-Remote-Group", "system:unauthenticated")],
            User("system:anonymous", ("system:unauthenticated",)),
        ),
        # What is no text.
        ([("x-remote-user", "jo\udcfc")], None),
        ([("x-remote-user", "joe"), ("x-remote-group", "\udcff")], None),
        ([("x-remote-user", "joe"), ("x-remote-extra-a", "b"), ("x-remote-extra-a", "\udcff")], None),
    ],
)
def test_user_of(headers: list[tuple[str, str]], user: User | None) -> None:
    assert READER.user_of(CIMultiDict(headers)) == user


OWN = FrontProxy(
    Path("ca"), (), ("X-User", "X-Remote-User"), ("X-Uid",), ("X-Team", "X-Group"), ("X-More-", "X-Extra-")
)


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ([("X-Uid", "7"), ("X-Remote-Uid", "8")], None),
        ([("X-Remote-User", "joe"), ("X-User", "")], User("joe", ("system:authenticated",))),
        ([("X-Remote-User", "joe"), ("X-User", "ann")], User("ann", ("system:authenticated",))),
        (
            [
                ("X-User", "ann"),
                ("X-Group", "c"),
                ("X-Team", "a"),
                ("X-Team", "b"),
                ("X-Remote-Group", "system:masters"),
                ("X-Uid", "7"),
                ("X-Extra-scope", "2"),
                ("X-More-scope", "1"),
                ("X-Remote-Extra-scope", "3"),
            ],
            User("ann", ("a", "b", "c", "system:authenticated"), "7", {"scope": ("1", "2")}),
        ),
    ],
)
def test_names_of_headers(headers: list[tuple[str, str]], user: User | None) -> None:
    assert frontproxy.Reader(OWN).user_of(CIMultiDict(headers)) == user


def test_headers_with_other_names_are_passed_on_to_nobody(api: Api) -> None:
    sent = {"x-user": "a", "x_team": "b", "x-more-c": "d", "x-mores": "e", "x-remote-user": "f", "accept": "g"}
    kept = {"x-mores": "e", "x-remote-user": "f", "accept": "g"}
    authenticator = Authenticator(api.clock, front_proxy=OWN)
    for user, proxy, name in ((User("admin"), "", "admin"), (None, "proxy", "a")):
        request = Request("GET", "/livez", headers=dict(sent), user=user, front_proxy=proxy)
        assert authenticator.authenticate(request).name == name
        assert request.headers == kept
        assert forwarded_headers(request) == [("x-mores", "e"), ("accept", "g")]
    anonymous = Request("GET", "/livez", headers=dict(sent))
    assert authenticator.authenticate(anonymous).name == "system:anonymous"
    assert anonymous.headers == kept
    # Where nothing of the kind is configured, nothing is looked through.
    plain = Request("GET", "/livez", headers=sent)
    Authenticator(api.clock, front_proxy=FrontProxy(Path("ca"))).authenticate(plain)
    assert plain.headers is sent


def test_overlap(tmp_path: Path) -> None:
    one, two, both = (tmp_path / name for name in ("one", "two", "both"))
    for file in (one, two):
        file.write_bytes(certs.new_ca("ca", NOW).cert)
    both.write_bytes(two.read_bytes() + one.read_bytes())
    assert frontproxy.overlap(one, both)
    assert not frontproxy.overlap(one, two)
    assert not frontproxy.overlap(one, tmp_path / "nowhere")


def test_what_is_written_is_read() -> None:
    user = User("jürgen", ("a", "system:authenticated"), "u", {"example.com/a b%": ("1", "2"), "ü": ("3",)})
    assert READER.user_of(CIMultiDict(frontproxy.headers_of(user))) == user
    names = [name for name, _ in frontproxy.headers_of(user)]
    assert "X-Remote-Extra-example.com%2Fa%20b%25" in names


def test_identities_are_never_passed_on() -> None:
    headers = CIMultiDict([("X-Remote-User", "a"), ("x-remote-extra-b", "c"), ("X-Remote-Control", "d")])
    assert forwarded_headers(Request("GET", "/", headers=headers)) == [("X-Remote-Control", "d")]


@pytest.mark.parametrize(
    ("allowed", "name", "expected"),
    [((), "anybody", "joe"), (("a", "b"), "b", "joe"), (("a",), "b", "admin"), ((), "", "admin")],
)
def test_names(api: Api, allowed: tuple[str, ...], name: str, expected: str) -> None:
    authenticator = Authenticator(api.clock, front_proxy=FrontProxy(Path("ca"), allowed))
    request = Request("GET", "/api", headers={"x-remote-user": "joe"}, user=User("admin"), front_proxy=name)
    assert authenticator.authenticate(request).name == expected


class Place:
    """A server that trusts clients and front proxies, and certificates to come with."""

    def __init__(self, folder: Path) -> None:
        self.layout = layout.Layout(folder)
        layout.ensure_cluster(self.layout, (HOST,), NOW)
        self.url = ""

    def tls(self, authority: layout.Credential, request: certs.Request) -> ssl.SSLContext:
        pair = certs.issue(certs.Pair(authority.cert.read_bytes(), authority.key.read_bytes()), request, NOW)
        file = self.layout.directory / "client.pem"
        file.write_bytes(pair.cert + pair.key)
        context = ssl.create_default_context(cafile=str(self.layout.ca.cert))
        context.load_cert_chain(file)
        return context

    async def ask(self, tls: ssl.SSLContext, headers: dict[str, str]) -> tuple[int, str]:
        """The status, and who the server takes the client for."""
        connector = aiohttp.TCPConnector(ssl=tls)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.post(self.url + REVIEW, json={}, headers=headers) as answer,
        ):
            plain = await answer.json()
        return answer.status, plain["status"]["userInfo"]["username"] if answer.status == 201 else ""


@pytest.fixture
async def place(api: Api, tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    proxies, clients = place.layout.front_proxy_ca.cert, place.layout.ca.cert
    trusted = FrontProxy(proxies, (layout.FRONT_PROXY,))
    api.app.authenticator = Authenticator(api.clock, front_proxy=trusted)
    server = HTTPServer(api.app.handle, judge=frontproxy.Judge(clients, proxies))
    pair = place.layout.apiserver
    port = await server.start([HOST], 0, server_tls(str(pair.cert), str(pair.key), str(clients), str(proxies)))
    place.url = f"https://{HOST}:{port}"
    yield place
    await server.close()


JOE = {"X-Remote-User": "joe"}


async def test_certificates(place: Place) -> None:
    proxies, clients = place.layout.front_proxy_ca, place.layout.ca
    proxy = place.tls(proxies, certs.Request(layout.FRONT_PROXY))
    assert await place.ask(proxy, JOE) == (201, "joe")
    # A front proxy's certificate is nobody's by itself, whatever it says.
    assert await place.ask(proxy, {}) == (401, "")
    other = place.tls(proxies, certs.Request("other", ("system:masters",)))
    assert await place.ask(other, JOE) == (401, "")
    # Nor is a client's a front proxy's.
    client = place.tls(clients, certs.Request(layout.FRONT_PROXY, ("system:masters",)))
    assert await place.ask(client, JOE) == (201, layout.FRONT_PROXY)
    assert await place.ask(ssl.create_default_context(cafile=str(clients.cert)), JOE) == (403, "")


async def test_the_rights_are_those_of_the_named_user(place: Place) -> None:
    proxy = place.tls(place.layout.front_proxy_ca, certs.Request(layout.FRONT_PROXY))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=proxy)) as session:
        async with session.get(place.url + MAPS, headers=JOE) as answer:
            assert answer.status == 403
            assert 'User "joe" cannot list' in (await answer.json())["message"]
        async with session.get(place.url + MAPS, headers={**JOE, "X-Remote-Group": "system:masters"}) as answer:
            assert answer.status == 200
