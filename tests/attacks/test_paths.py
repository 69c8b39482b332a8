"""Tricks in names and paths: what is authorized must be what is done, and no proxy leads where it should not."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest
from tests.apiprocess import ApiProcess
from tests.attacks.conftest import EVE, NAMESPACE, Grants

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
NAMES = [
    "..", ".", "../x", "a/b", "a%2fb", "%2e%2e", "a\\b", "a\x00b", "a b", "a\nb", "a?b", "a#b", "ä", "\u202eevil", "\ufeffa", "A",
    "-a", "a-", "a" * 254, "", " ", "a%00b", "a;b", "$(id)", "`id`", "'--", "{{a}}", "a:b", "💥",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", [MAPS, "/api/v1/namespaces", "/apis/rbac.authorization.k8s.io/v1/clusterroles"])
def test_odd_names_are_no_names(server: ApiProcess, name: str, path: str) -> None:
    answer = server.ask("POST", path, {"metadata": {"name": name}})
    if answer.status == 201:
        # The names of roles may be more than those of other things, but never parts of paths.
        assert path.endswith("clusterroles")
        assert not {"/", "%"} & set(name)
        assert name not in ("..", ".")
        assert server.ask("DELETE", f"{path}/{quote(name, safe='')}").status == 200
    else:
        assert answer.status in (400, 422), answer.body
        assert answer.reason in ("Invalid", "BadRequest")


@pytest.mark.parametrize(
    "path",
    [
        f"{MAPS}/..%2f..%2f..%2fsecrets",
        f"{MAPS}/%2e%2e/%2e%2e/x",
        f"{MAPS}/a%00b",
        f"{MAPS}/a%0d%0aSet-Cookie:x",
        f"{MAPS}/%ff%fe",
        f"{MAPS}/%u002e",
        f"{MAPS}/%zz",
        f"{MAPS}/a;jsessionid=1",
        f"{MAPS}/a/b/c/d/e",
        f"/api/v1/namespaces//{NAMESPACE}/configmaps",
        "/api/v1/namespaces/%2e%2e/configmaps",
        "/api/v1/namespaces/./configmaps/x",
        "/api/v1/../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/logs/../../etc/passwd",
        "/openapi/v3/..%2f..%2f..%2fetc%2fpasswd",
        "/openapi/v3/../../etc/passwd",
        "/apis/../api/v1/pods/x",
        "/metrics/../../etc/passwd",
        "/debug/pprof/../../etc/passwd",
        "/static/../../etc/passwd",
    ],
)
@pytest.mark.parametrize("user", ["admin", "eve"])
def test_no_path_leads_out(server: ApiProcess, path: str, user: str) -> None:
    line = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    found = server.raw(line, EVE) if user == "eve" else server.raw(line)
    status = int(found.split(b" ", 2)[1])
    # A list of nothing is no way out, either.
    assert status in (400, 403, 404) or b'"items":[]' in found, found[:300]
    assert b"root:" not in found
    assert b"\r\nSet-Cookie" not in found


class Backend(BaseHTTPRequestHandler):
    """Tells what it was asked, or redirects."""

    def do_GET(self) -> None:
        told = json.dumps({"path": self.path, "headers": list(self.headers.items())}).encode()
        if self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/followed")  # type: ignore[attr-defined]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is told."""


@contextmanager
def address() -> Iterator[str]:
    """An address of this machine that is not one of its loopback's."""
    found = f"198.18.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
    subprocess.run(["ip", "address", "add", f"{found}/32", "dev", "lo"], check=True)
    try:
        yield found
    finally:
        subprocess.run(["ip", "address", "del", f"{found}/32", "dev", "lo"], check=True)


@pytest.fixture(scope="module")
def backend(server: ApiProcess) -> Iterator[str]:
    """A pod whose address is that of a listening program; the path of its proxy."""
    with address() as host:
        listener = ThreadingHTTPServer((host, 0), Backend)
        Thread(target=listener.serve_forever, daemon=True).start()
        spec = {"containers": [{"name": "c", "image": "x", "ports": [{"containerPort": listener.server_port}]}]}
        server.make(PODS, {"metadata": {"name": "web"}, "spec": spec})
        patch = {"status": {"podIP": host, "podIPs": [{"ip": host}]}}
        merge = {"Content-Type": "application/merge-patch+json"}
        assert server.ask("PATCH", f"{PODS}/web/status", patch, merge).status == 200
        yield f"{PODS}/web/proxy"
        server.ask("DELETE", f"{PODS}/web?gracePeriodSeconds=0")
        listener.shutdown()
        listener.server_close()


def test_a_proxy_gives_no_credentials_away(server: ApiProcess, backend: str) -> None:
    headers = {
        "Authorization": "Bearer something-of-the-clients",
        "X-Remote-User": "admin",
        "X-Remote-Group": "system:masters",
        "X-Remote-Extra-Scopes": "all",
        "Impersonate-User": "admin",
        "Impersonate-Group": "system:masters",
    }
    told = server.ask("GET", f"{backend}/hello", headers=headers).json
    assert told["path"] == "/hello"
    names = {name.lower() for name, _ in told["headers"]}
    assert not {"authorization", "x-remote-user", "x-remote-group", "x-remote-extra-scopes"} & names


def test_a_proxy_follows_no_redirect(server: ApiProcess, backend: str) -> None:
    answer = server.ask("GET", f"{backend}/redirect")
    assert answer.status == 302
    assert b"followed" not in answer.body


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/a/../b", None),
        ("/..%2f..%2fb", None),
        ("/%2e%2e/b", None),
        ("/a%00b", "/a%00b"),
        ("/a%0d%0aX-Evil:1", "/a%0D%0AX-Evil:1"),
        ("//evil.example/b", None),
        ("/http://evil.example/b", None),
        ("/a%3fb", "/a%3Fb"),
        ("/a%23b", "/a%23b"),
        ("/@evil.example", None),
    ],
)
def test_what_a_proxy_asks_for_stays_with_the_backend(
    server: ApiProcess, backend: str, path: str, seen: str | None
) -> None:
    line = f"GET {backend}{path} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
    found = server.raw(line.encode())
    status = int(found.split(b" ", 2)[1])
    assert status in (200, 301, 400, 404), found[:300]
    if status == 200:
        told = json.loads(
            found.split(b"\r\n\r\n", 1)[1].split(b"\r\n")[-1] if b"chunked" not in found else _unchunked(found)
        )
        assert told["path"].startswith("/")
        assert seen is None or told["path"] == seen
        assert "x-evil" not in {name.lower() for name, _ in told["headers"]}


def _unchunked(found: bytes) -> bytes:
    rest, body = found.split(b"\r\n\r\n", 1)[1], b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return body


def test_the_right_to_a_pod_is_not_one_to_its_proxy(server: ApiProcess, grant: Grants, backend: str) -> None:
    grant({"apiGroups": [""], "resources": ["pods", "pods/status", "pods/log"], "verbs": ["*"]}, namespace=NAMESPACE)
    for path in (backend, backend + "/hello", f"{PODS}/web/%70roxy/hello", f"{PODS}/http:web:80/proxy/"):
        assert server.ask("GET", path, user=EVE).status == 403
    for path in (f"{PODS}/web/log/proxy/hello", f"{PODS}/web/status/../proxy/hello", f"{PODS}/web%2fproxy/hello"):
        assert server.ask("GET", path, user=EVE).status in (403, 404)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0.0.0.0", "::1", "169.254.169.254", "::ffff:127.0.0.1", "224.0.0.1", "255.255.255.255"]
)
def test_a_proxy_does_not_lead_to_the_server_itself(server: ApiProcess, grant: Grants, host: str) -> None:
    pod = {"metadata": {"name": "liar"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    grant.keep(PODS, pod)
    patch = {"status": {"podIP": host, "podIPs": [{"ip": host}]}}
    merge = {"Content-Type": "application/merge-patch+json"}
    if server.ask("PATCH", f"{PODS}/liar/status", patch, merge).status != 200:
        return
    answer = server.ask("GET", f"{PODS}/https:liar:{server.port}/proxy/version")
    assert answer.status == 400, answer.body
    assert "address not allowed" in answer.message


def test_a_node_does_not_lead_to_the_server_itself(server: ApiProcess, grant: Grants) -> None:
    grant.keep("/api/v1/nodes", {"metadata": {"name": "liar"}})
    patch = {"status": {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}]}}
    merge = {"Content-Type": "application/merge-patch+json"}
    assert server.ask("PATCH", "/api/v1/nodes/liar/status", patch, merge).status == 200
    for port in (str(server.port), "22", "0", "65536", "-1", "x", "99999999999"):
        answer = server.ask("GET", f"/api/v1/nodes/https:liar:{port}/proxy/version")
        assert answer.status in (400, 404), (port, answer.body)


@pytest.mark.parametrize(
    "name", ["ftp:web:80", "file:web:80", "a:b:c:d", "https::80", ":::", "http:..:80", "web:80:https"]
)
def test_odd_targets_are_refused(server: ApiProcess, backend: str, name: str) -> None:
    assert server.ask("GET", f"{PODS}/{name}/proxy/").status in (400, 404)


@pytest.mark.parametrize(
    "query",
    [
        "continue=x",
        "continue=" + "A" * 5000,
        "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiIuLi8uLi9zZWNyZXRzIn0",
        "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJcdTAwMDAifQ",
        "limit=-1",
        "limit=99999999999999999999",
        "limit=x",
        "resourceVersion=99999999999999999999999",
        "resourceVersion=-1",
        "resourceVersion=x",
        "resourceVersion=0x10",
        "resourceVersionMatch=Never&resourceVersion=1",
        "timeoutSeconds=-1&watch=1",
        "timeoutSeconds=x",
        "fieldSelector=metadata.name",
        "fieldSelector=nope%3D1",
        "labelSelector=a%20in%20(",
        "labelSelector=%00",
        "watch=maybe&timeoutSeconds=1",
        "sendInitialEvents=true",
        "allowWatchBookmarks=x",
    ],
)
def test_forged_parameters_are_refused_or_mean_nothing(server: ApiProcess, query: str) -> None:
    answer = server.ask("GET", f"{MAPS}?{query}")
    assert answer.status in (200, 400, 410, 422, 504), answer.body
    # The client is told its own words, and nothing of what lies there.
    assert b"secrets" not in answer.body.replace(b"../../secrets", b"")
    assert answer.status == 200 or answer.json["kind"] == "Status"


def test_a_page_that_continues_does_not_leave_its_collection(server: ApiProcess, grant: Grants) -> None:
    """A token made for secrets, or for all namespaces, shows no others than the path's."""
    for number in range(3):
        grant.keep(f"/api/v1/namespaces/{NAMESPACE}/secrets", {"metadata": {"name": f"s{number}"}})
        grant.keep("/api/v1/namespaces/default/configmaps", {"metadata": {"name": f"c{number}"}})
    grant({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}, namespace="default")
    tokens = [
        server.ask("GET", path).json["metadata"]["continue"]
        for path in (
            f"/api/v1/namespaces/{NAMESPACE}/secrets?limit=1",
            "/api/v1/secrets?limit=1",
            "/api/v1/configmaps?limit=1",
        )
    ]
    for token in tokens:
        answer = server.ask("GET", f"/api/v1/namespaces/default/configmaps?limit=100&continue={token}", user=EVE)
        assert answer.status in (200, 400, 410)
        for item in answer.json.get("items", ()):
            assert item["metadata"]["namespace"] == "default"


@pytest.mark.parametrize(
    ("method", "name", "body"),
    [("POST", "", {"metadata": {"name": "w"}}), ("DELETE", "/w", None), ("DELETE", "", None)],
)
def test_nothing_is_written_by_paths_of_watches(server: ApiProcess, method: str, name: str, body: Any) -> None:
    path = f"/api/v1/watch/namespaces/{NAMESPACE}/configmaps{name}"
    assert server.ask(method, path, body).status == 405
