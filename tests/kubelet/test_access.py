"""Who may use a kubelet's own API: the API server decides, and no certificate of another node opens the door."""

from __future__ import annotations

import asyncio
import json
import ssl
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api.clock import RealClock
from steersman.api.errors import Forbidden, InternalError, StatusError, Unauthorized
from steersman.api.http import Request, User
from steersman.client.rest import Client
from steersman.http.server import HTTPServer
from steersman.http.tls import server_tls
from steersman.kubelet.access import ALLOWED_SECONDS, EVERYTHING, Access, attributes
from steersman.kubelet.instruments import Instruments
from steersman.kubelet.server import KubeletServer
from steersman.kubelet.server_paths import parse_target
from steersman.pki import certs, layout
from steersman.testing import Cluster

NODE = "node-1"


@pytest.mark.parametrize(
    ("method", "path", "verb", "subresources"),
    [
        ("GET", "/stats", "get", ("stats",)),
        ("GET", "/stats/summary", "get", ("stats",)),
        ("POST", "/stats/", "create", ("stats",)),
        ("GET", "/metrics/cadvisor", "get", ("metrics",)),
        ("GET", "/logs/messages", "get", ("log",)),
        ("POST", "/checkpoint/ns/pod/c", "create", ("checkpoint",)),
        ("GET", "/pods", "get", ("pods", "proxy")),
        ("GET", "/pods/", "get", ("pods", "proxy")),
        ("GET", "/runningpods/", "get", ("pods", "proxy")),
        ("GET", "/healthz/log", "get", ("healthz", "proxy")),
        ("GET", "/configz", "get", ("configz", "proxy")),
        ("GET", "/allocatedPods/ns/pod", "get", ("pods", "proxy")),
        ("GET", "/statusz", "get", ("statusz",)),
        ("GET", "/flagz", "get", ("configz",)),
        ("GET", "/debug/pprof/", "get", ("proxy",)),
        ("GET", "/podsx", "get", ("proxy",)),
        ("GET", "/", "get", ("proxy",)),
        ("GET", "//pods", "get", ("proxy",)),
        ("GET", "/containerLogs/ns/pod/c", "get", ("proxy",)),
        ("POST", "/exec/ns/pod/c", "create", ("proxy",)),
        ("GET", "/exec/ns/pod/c", "get", ("proxy",)),
        ("PUT", "/x", "update", ("proxy",)),
        ("PATCH", "/x", "patch", ("proxy",)),
        ("DELETE", "/x", "delete", ("proxy",)),
        ("OPTIONS", "/x", "", ("proxy",)),
    ],
)
def test_attributes(method: str, path: str, verb: str, subresources: tuple[str, ...]) -> None:
    assert attributes(method, path) == (verb, subresources)


SEGMENT = st.sampled_from(
    ["", ".", "..", "exec", "run", "attach", "portForward", "containerLogs", "pods", "stats", "healthz", "logs", "x"]
)


@given(st.lists(SEGMENT, max_size=7).map("/".join), st.sampled_from(["GET", "POST"]))
def test_nothing_but_the_right_to_everything_opens_a_pod(path: str, method: str) -> None:
    """However a path is written: where it means a pod's containers, no lesser right is asked for."""
    for written in (path, f"/{path}"):
        if parse_target(written) is not None:
            assert attributes(method, written)[1] == (EVERYTHING,)


class Counting:
    """A client that counts what it is asked to create."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.asked: list[str] = []
        self.broken: StatusError | None = None

    async def create(self, obj: Any) -> Any:
        self.asked.append(type(obj).__name__)
        if self.broken is not None:
            raise self.broken
        return await self.client.create(obj)


RULES = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: looks}
rules: [{apiGroups: [""], resources: [nodes/pods, nodes/stats], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: looks}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: looks}
subjects:
- {kind: User, name: looker, apiGroup: rbac.authorization.k8s.io}
- {kind: ServiceAccount, name: looker, namespace: default}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: looker}
"""


@pytest.fixture
async def cluster() -> Any:
    async with Cluster(nodes=0, controllers=False, scheduler=False) as found:
        await found.create(RULES)
        yield found


def asked(path: str, user: User | None = None, method: str = "GET", **headers: str) -> Request:
    return Request(method, path, "", headers, b"", user)


async def test_what_the_api_server_allows(cluster: Cluster) -> None:
    client = Counting(cluster.client_for(f"system:node:{NODE}", ["system:nodes"]))
    access = Access(cast(Client, client), RealClock(), NODE)
    looker = User("looker")
    for path in ("/pods", "/stats/summary", "/runningpods/"):
        assert (await access.check(asked(path, looker))).name == "looker"
    for path, method in (
        ("/healthz", "GET"),
        ("/containerLogs/a/b/c", "GET"),
        ("/exec/a/b/c", "POST"),
        ("/pods", "POST"),
    ):
        with pytest.raises(Forbidden, match="user=looker"):
            await access.check(asked(path, looker, method))
    # Known by now, for a while.
    count = len(client.asked)
    await access.check(asked("/pods", looker))
    with pytest.raises(Forbidden) as refused:
        await access.check(asked("/exec/a/b/c", looker, "POST"))
    assert str(refused.value) == "Forbidden (user=looker, verb=create, resource=nodes, subresource(s)=[proxy])"
    assert len(client.asked) == count


async def test_tokens(cluster: Cluster) -> None:
    client = Counting(cluster.client_for(f"system:node:{NODE}", ["system:nodes"]))
    access = Access(cast(Client, client), RealClock(), NODE)
    response = await cluster.client.request(
        "POST", "/api/v1/namespaces/default/serviceaccounts/looker/token", body={"spec": {"expirationSeconds": 600}}
    )
    token = json.loads(cast(bytes, response.body))["status"]["token"]
    for _ in range(2):
        found = await access.check(asked("/pods", authorization=f"Bearer {token}"))
        assert found.name == "system:serviceaccount:default:looker"
    assert client.asked.count("TokenReview") == 1
    for header in ("", "Basic abc", "Bearer", "Bearer nonsense", "Bearer \udcfc"):
        with pytest.raises(Unauthorized):
            await access.check(asked("/pods", authorization=header))
    with pytest.raises(Unauthorized):
        await access.check(asked("/pods"))
    # What the token says and what it is for are two things.
    with pytest.raises(Forbidden):
        await access.check(asked("/exec/a/b/c", method="POST", authorization=f"Bearer {token}"))


async def test_nothing_is_allowed_while_the_api_server_is_away(cluster: Cluster) -> None:
    client = Counting(cluster.client)
    client.broken = Forbidden("not you")
    access = Access(cast(Client, client), RealClock(), NODE)
    for request in (asked("/pods", User("looker")), asked("/pods", authorization="Bearer x")):
        with pytest.raises(InternalError):
            await access.check(request)
    client.broken = None
    await access.check(asked("/pods", User("looker")))
    assert ALLOWED_SECONDS > 60


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> layout.Layout:
    found, now = layout.Layout(tmp_path_factory.mktemp("pki")), datetime.now(UTC)
    layout.ensure_cluster(found, ("127.0.0.1",), now)
    ca = certs.Pair(found.ca.cert.read_bytes(), found.ca.key.read_bytes())
    for name in (NODE, "node-2"):
        user, hosts = f"system:node:{name}", (name, "127.0.0.1")
        for kind, pair in (
            ("client", certs.issue(ca, certs.Request(user, ("system:nodes",)), now)),
            ("server", certs.issue(ca, certs.Request(user, ("system:nodes",), hosts, ("server",)), now)),
        ):
            own = found.named(f"{name}-{kind}")
            own.cert.write_bytes(pair.cert)
            own.key.write_bytes(pair.key)
    return found


async def _ask(port: int, context: ssl.SSLContext, head: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(head.encode())
        return (await reader.readline()).decode().strip()
    finally:
        writer.close()


PATHS = (
    "GET /pods",
    "GET /stats/summary",
    "GET /containerLogs/default/web/app",
    "POST /exec/default/web/app?command=sh&output=1",
    "GET /exec/default/web/app?command=sh&output=1",
    "POST /attach/default/web/app?input=1",
    "POST /portForward/default/web",
    "POST /run/default/web/app?cmd=id",
    "GET /metrics",
    "GET /logs/messages",
    "GET /configz",
    "GET /%2e%2e/exec/default/web/app",
    "POST /stats/../exec/default/web/app?command=sh",
)


async def test_the_attack_with_another_certificate(cluster: Cluster, pki: layout.Layout) -> None:
    """Every certificate of the cluster but those of administrators and of the API server is turned away at the door."""
    access = Access(cluster.client_for(f"system:node:{NODE}", ["system:nodes"]), RealClock(), NODE)
    # Whoever comes past the door would find nobody: that is an error of another sort than those below.
    kubelet = SimpleNamespace(instruments=Instruments(RealClock()), looked_over=RealClock().monotonic())
    server = HTTPServer(KubeletServer(cast(Any, kubelet), cast(Any, None), RealClock(), access).handle)
    serving = pki.named(f"{NODE}-server")
    port = await server.start(["127.0.0.1"], 0, server_tls(str(serving.cert), str(serving.key), str(pki.ca.cert)))
    try:
        for attacker in (
            pki.named("node-2-client"),
            pki.named(f"{NODE}-client"),
            pki.proxy,
            pki.scheduler,
            pki.controller_manager,
            pki.dns,
        ):
            context = ssl.create_default_context(cafile=str(pki.ca.cert))
            context.load_cert_chain(attacker.cert, attacker.key)
            for line in PATHS:
                status = await _ask(
                    port, context, f"{line} HTTP/1.1\r\nHost: x\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n\r\n"
                )
                assert status.startswith("HTTP/1.1 403 "), (attacker.cert.name, line, status)
        context = ssl.create_default_context(cafile=str(pki.ca.cert))
        for header in ("", "Authorization: Bearer x\r\n", "X-Remote-User: admin\r\nX-Remote-Group: system:masters\r\n"):
            for line in (*PATHS, "GET /healthz"):
                assert (await _ask(port, context, f"{line} HTTP/1.1\r\nHost: x\r\n{header}\r\n")).startswith(
                    "HTTP/1.1 401 "
                )
        for friend in (pki.admin, pki.apiserver_kubelet_client):
            context = ssl.create_default_context(cafile=str(pki.ca.cert))
            context.load_cert_chain(friend.cert, friend.key)
            assert await _ask(port, context, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") == "HTTP/1.1 200 OK"
    finally:
        await server.close()


async def test_certificates_of_others_make_no_connection(pki: layout.Layout, tmp_path: Any) -> None:
    """A server's certificate, an expired one and one of another authority."""
    now = datetime.now(UTC)
    ca = certs.Pair(pki.ca.cert.read_bytes(), pki.ca.key.read_bytes())
    expired = certs.issue(ca, certs.Request("admin", ("system:masters",)), now - timedelta(days=400))
    foreign = certs.issue(certs.new_ca("steersman-ca", now), certs.Request("admin", ("system:masters",)), now)
    server_only = certs.issue(ca, certs.Request("admin", ("system:masters",), ("h",), ("server",)), now)
    serving = pki.named(f"{NODE}-server")
    served: list[Request] = []

    async def handle(request: Request) -> Any:
        served.append(request)
        raise AssertionError

    server = HTTPServer(handle)
    port = await server.start(["127.0.0.1"], 0, server_tls(str(serving.cert), str(serving.key), str(pki.ca.cert)))
    try:
        for pair in (expired, foreign, server_only):
            (tmp_path / "pair.pem").write_bytes(pair.cert + pair.key)
            context = ssl.create_default_context(cafile=str(pki.ca.cert))
            context.load_cert_chain(tmp_path / "pair.pem")
            try:
                assert await _ask(port, context, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") == ""
            except (ssl.SSLError, ConnectionError):
                # With TLS 1.3 a client hears of it when it reads, and perhaps of the end of the connection first.
                continue
        assert not served
    finally:
        await server.close()
