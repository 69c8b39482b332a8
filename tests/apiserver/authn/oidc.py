"""An issuer of JSON Web Tokens with TLS and real keys: discovery, keys, distributed claims, and how often each was asked for."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from steersman.api.http import Request, Response
from steersman.http.server import HTTPServer
from steersman.http.tls import server_tls
from steersman.pki import certs, jose

HOST = "127.0.0.1"


@cache
def authority() -> certs.Pair:
    return certs.new_ca("issuers", datetime.now(UTC))


@cache
def key(name: str) -> Any:
    """A key that is made once; those with an r are RSA."""
    return rsa.generate_private_key(65537, 2048) if name[0] == "r" else ec.generate_private_key(ec.SECP256R1())


@dataclass
class Provider:
    """Serves what it is told to. `keys` are names of keys, which are their ids, too."""

    url: str = ""
    keys: list[str] = field(default_factory=lambda: ["r1"])
    says: str = ""
    """The issuer in its document, if that is to be another."""
    status: int = 200
    asked: list[str] = field(default_factory=list)
    authorized: list[str] = field(default_factory=list)
    pages: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)

    async def handle(self, request: Request) -> Response:
        self.asked.append(request.path)
        self.authorized.append(request.headers.get("authorization", ""))
        if self.status != 200:
            return Response(self.status)
        if request.path in self.moved:
            return Response(302, {"Location": self.moved[request.path]})
        if request.path.endswith("/.well-known/openid-configuration"):
            return answer({"issuer": self.says or self.url, "jwks_uri": f"{self.url}/keys"})
        if request.path.endswith("/keys"):
            listed = [{**jose.jwk_of(key(name).public_key()), "kid": name} for name in self.keys]
            return answer({"keys": [{"kty": "oct", "k": "AAAA"}, *listed]})
        page = self.pages.get(request.path)
        return Response(404) if page is None else Response(200, {"Content-Type": "application/jwt"}, page)

    def token(self, claims: Mapping[str, Any], name: str = "", **header: Any) -> str:
        name = name or self.keys[0]
        return jose.sign({"kid": name, **header}, {"iss": self.url, **claims}, key(name))


def answer(value: Any) -> Response:
    return Response(200, {"Content-Type": "application/json"}, json.dumps(value).encode())


def tls(folder: Path) -> ssl.SSLContext:
    pair = certs.issue(authority(), certs.Request(HOST, hosts=(HOST,), usages=("server",)), datetime.now(UTC))
    (folder / "issuer.crt").write_bytes(pair.cert)
    (folder / "issuer.key").write_bytes(pair.key)
    return server_tls(str(folder / "issuer.crt"), str(folder / "issuer.key"))


async def served(provider: Provider, folder: Path) -> HTTPServer:
    """The provider on a socket; its url is set."""
    server = HTTPServer(provider.handle)
    port = await server.start([HOST], 0, tls(folder))
    provider.url = f"https://{HOST}:{port}"
    return server
