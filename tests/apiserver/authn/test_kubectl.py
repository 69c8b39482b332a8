"""kubectl with credentials of every sort over HTTPS: who it is taken for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.authn.oidc import Provider, authority, served
from tests.apiserver.conftest import CATALOG, KEY

from steersman.api import codec
from steersman.api.clock import RealClock
from steersman.api.http import Request, User
from steersman.apiserver.authn import Authentication, ServiceAccountTokens
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.server import App
from steersman.http.server import HTTPServer
from steersman.http.tls import server_tls
from steersman.pki import certs, layout
from steersman.store.backends import memory

HOST = "127.0.0.1"
ADMIN = User("admin", ("system:masters", "system:authenticated"))


class Kubectl:
    """Runs kubectl with nothing but what it is given."""

    def __init__(self, home: Path, server: str, ca: Path) -> None:
        self.home = home
        cluster = {"server": server, "certificate-authority": str(ca)}
        contexts = [{"name": "a", "context": {"cluster": "a", "namespace": "default"}}]
        config = {"clusters": [{"name": "a", "cluster": cluster}], "contexts": contexts, "current-context": "a"}
        (home / "config").write_text(json.dumps(config))

    async def run(self, *arguments: str, code: int = 0) -> str:
        process = await asyncio.create_subprocess_exec(
            "kubectl", f"--cache-dir={self.home}/cache", *arguments,
            env={"KUBECONFIG": str(self.home / "config"), "HOME": str(self.home), "PATH": "/usr/local/bin:/usr/bin:/bin"},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        text = (await process.communicate())[0].decode()
        assert process.returncode == code, text
        return text

    async def whoami(self, *credentials: str) -> dict[str, Any]:
        found = json.loads(await self.run("auth", "whoami", "-o", "json", *credentials))["status"]["userInfo"]
        found.pop("extra", None)
        return dict(found)


class Place:
    def __init__(self, app: App, kubectl: Kubectl, provider: Provider, pki: layout.Layout) -> None:
        self.app, self.kubectl, self.provider, self.pki = app, kubectl, provider, pki

    async def post(self, path: str, body: Any) -> None:
        answer = await self.app.handle(Request("POST", path, body=codec.encode(body), user=ADMIN))
        assert answer.status < 300, answer.body


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    pki = layout.Layout(tmp_path / "pki")
    layout.ensure_cluster(pki, (HOST,), datetime.now(UTC))
    provider = Provider()
    issuer = await served(provider, tmp_path)
    file = tmp_path / "authentication.yaml"
    said = {"url": provider.url, "audiences": ["me"], "certificateAuthority": authority().cert.decode()}
    mappings = {"username": {"expression": "'oidc:' + claims.sub"}, "groups": {"claim": "groups", "prefix": ""}}
    file.write_bytes(
        codec.encode(
            {
                "apiVersion": "apiserver.config.k8s.io/v1beta1",
                "kind": "AuthenticationConfiguration",
                "jwt": [{"issuer": said, "claimMappings": mappings}],
            }
        )
    )
    clock = RealClock()
    store = memory.BACKEND.open("", clock)
    config = ServerConfig(authentication=Authentication(static={"known": User("jane", ("g",), "7")}, file=file))
    app = App(store, clock, config, catalog=CATALOG, service_accounts=ServiceAccountTokens(KEY, (KEY,)))
    await app.start()
    server = HTTPServer(app.handle)
    tls = server_tls(str(pki.apiserver.cert), str(pki.apiserver.key), str(pki.ca.cert))
    port = await server.start([HOST], 0, tls)
    kubectl = Kubectl(tmp_path, f"https://{HOST}:{port}", pki.ca.cert)
    yield Place(app, kubectl, provider, pki)
    await server.close()
    await issuer.close()
    await app.close()
    await store.close()


async def test_everybody(place: Place) -> None:
    kubectl = place.kubectl
    token = place.provider.token({"aud": "me", "sub": "joe", "exp": 2e9, "groups": ["dev"]})
    assert await kubectl.whoami(f"--token={token}") == {
        "username": "oidc:joe",
        "groups": ["dev", "system:authenticated"],
    }
    assert await kubectl.whoami("--token=known") == {
        "username": "jane",
        "uid": "7",
        "groups": ["g", "system:authenticated"],
    }
    admin = f"--client-certificate={place.pki.admin.cert}", f"--client-key={place.pki.admin.key}"
    who = await kubectl.whoami(*admin)
    assert "system:masters" in who["groups"]
    assert "Unauthorized" in await kubectl.run("auth", "whoami", "--token=unknown", code=1)
    # Tokens of accounts, as kubectl asks for them.
    await place.post("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "robot"}})
    minted = (await kubectl.run("create", "token", "robot", "--duration=10m", *admin)).strip()
    assert (await kubectl.whoami(f"--token={minted}"))["username"] == "system:serviceaccount:default:robot"
    # Somebody else's part.
    taken = await kubectl.whoami("--as=joe", "--as-group=a", "--as-group=b", "--as-uid=9", *admin)
    assert taken == {"username": "joe", "uid": "9", "groups": ["a", "b", "system:authenticated"]}
    assert "do not have permission" in await kubectl.run("auth", "whoami", "--as=joe", "--token=known", code=1)


async def test_a_certificate_has_an_id(place: Place, tmp_path: Path) -> None:
    pair = certs.issue(
        certs.Pair(place.pki.ca.cert.read_bytes(), place.pki.ca.key.read_bytes()),
        certs.Request("kim", ("a", "b")),
        datetime.now(UTC),
    )
    (tmp_path / "kim.crt").write_bytes(pair.cert)
    (tmp_path / "kim.key").write_bytes(pair.key)
    shown = f"--client-certificate={tmp_path}/kim.crt", f"--client-key={tmp_path}/kim.key"
    found = json.loads(await place.kubectl.run("auth", "whoami", "-o", "json", *shown))["status"]["userInfo"]
    assert (found["username"], found["groups"]) == ("kim", ["a", "b", "system:authenticated"])
    (identity,) = found["extra"]["authentication.kubernetes.io/credential-id"]
    assert identity.startswith("X509SHA256=")
