"""The kubelet's own API over a simulated runtime: who answers what, and what is switched off."""

import json
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.kubelet.test_kubelet import World

from steersman.api.errors import Forbidden, InternalError, Unauthorized
from steersman.api.http import Request
from steersman.kubelet.kubelet import HOUSEKEEPING_SECONDS
from steersman.kubelet.runtime.types import Code, RuntimeCallError
from steersman.kubelet.server import STUCK_SECONDS, KubeletServer
from steersman.kubelet.settings import ServerSettings
from steersman.testing import Cluster


class Door:
    """Lets everybody in, or raises what it is told to."""

    def __init__(self):
        self.error = None

    async def check(self, request):
        if self.error:
            raise self.error


class Node:
    def __init__(self, world, folder, **settings):
        self.world, self.door = world, Door()
        shown = ServerSettings(configuration=lambda: {"maxPods": 7}, log_folder=folder, **settings)
        self.server = KubeletServer(world.kubelet, world.runtime, world.clock, self.door, shown)

    async def ask(self, path, method="GET"):
        path, _, query = path.partition("?")
        response = await self.server.handle(Request(method, path, query))
        body = response.body if isinstance(response.body, bytes) else b"".join([chunk async for chunk in response.body])
        return SimpleNamespace(status=response.status, headers=response.headers, text=body.decode())

    async def figures(self, path="/metrics"):
        """Values by name and labels' values."""
        answer = await self.ask(path)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        families = list(text_string_to_metric_families(answer.text))
        return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


@pytest.fixture
async def world():
    async with Cluster(nodes=0, controllers=False, scheduler=False) as cluster:
        found = World(cluster)
        found.start()
        await found.kubelet.registered.wait()
        yield found
        await found.stop()


@pytest.fixture
def node(world, tmp_path):
    (tmp_path / "messages").write_text("hello\n")
    return Node(world, tmp_path)


async def test_plain_answers(node):
    for path, text in (
        ("/healthz", "ok"),
        ("/healthz/", "ok"),
        ("/healthz/ping", "ok"),
        ("/healthz/syncloop", "ok"),
        ("/healthz?verbose", "[+]ping ok\n[+]log ok\n[+]syncloop ok\nhealthz check passed\n"),
        ("/configz", '{"kubeletconfig":{"maxPods":7}}'),
        ("/logs/messages", "hello\n"),
        # To be asked about services is off unless it is switched on, as upstream.
        ("/logs/messages?query=kubelet", "hello\n"),
    ):
        answer = await node.ask(path)
        assert (answer.status, answer.text) == (200, text), path
    assert '<a href="messages">' in (await node.ask("/logs/")).text
    assert (await node.ask("/logs")).headers["Location"] == "/logs/"


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/", 404, ""),
        ("GET", "/livez", 404, ""),
        ("GET", "/healthz/nothing", 404, ""),
        ("GET", "/configz/x", 404, ""),
        ("GET", "/metrics/nothing", 404, ""),
        ("GET", "/stats", 404, ""),
        ("GET", "/pods/x", 404, ""),
        ("GET", "/logs/../secret", 404, ""),
        ("GET", "//logs/messages", 404, ""),
        ("POST", "/pods", 405, "Method Not Allowed"),
        ("POST", "/runningpods/", 405, "Method Not Allowed"),
        ("POST", "/logs/messages", 405, "Method Not Allowed"),
        ("POST", "/containerLogs/default/web/c", 405, "Method Not Allowed"),
        ("GET", "/run/default/web/c", 405, "Method Not Allowed"),
        ("PUT", "/exec/default/web/c", 405, "Method Not Allowed"),
        ("GET", "/debug/pprof/", 405, "profiling endpoint is disabled.\n"),
        ("GET", "/debug/pprof/heap", 405, "profiling endpoint is disabled.\n"),
        ("PUT", "/debug/flags/v", 405, "flags endpoint is disabled.\n"),
    ],
)
async def test_what_is_not_answered(node, method, path, status, text):
    answer = await node.ask(path, method)
    assert answer.status == status
    if text:
        assert answer.text == text
    else:
        assert json.loads(answer.text)["reason"] == "NotFound"


async def test_switched_off(world, tmp_path):
    node = Node(world, tmp_path, system_log_handler=False)
    answer = await node.ask("/logs/messages")
    assert (answer.status, answer.text) == (405, "logs endpoint is disabled.\n")
    node = Node(world, tmp_path, debugging_handlers=False)
    for path in ("/run/a/b/c", "/exec/a/b/c", "/attach/a/b/c", "/portForward/a/b", "/containerLogs/a/b/c", "/runningpods/",
                 "/debug/pprof/", "/logs/messages"):  # fmt: skip
        answer = await node.ask(path)
        assert (answer.status, answer.text) == (405, "Debug endpoints are disabled.\n"), path
    assert (await node.ask("/configz")).status == 404
    assert (await node.ask("/pods")).status == (await node.ask("/metrics")).status == 200
    node = Node(world, tmp_path, system_log_query=True)
    answer = await node.ask("/logs/?query=a;b")
    assert (answer.status, answer.text) == (406, 'query: Invalid value: "a;b": input contains unsupported characters\n')


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (Unauthorized(), 401, "Unauthorized"),
        (Forbidden("Forbidden (user=u, verb=get)"), 403, "Forbidden (user=u, verb=get)\n"),
        (InternalError.occurred("x"), 500, None),
    ],
)
async def test_at_the_door(node, error, status, text):
    node.door.error = error
    answer = await node.ask("/metrics")
    assert answer.status == status
    assert text is None or answer.text == text


async def test_pods(node):
    world = node.world
    await world.pod("a")
    await world.wait("a", lambda p: p.status.phase == "Running")
    (found,) = json.loads((await node.ask("/pods")).text)["items"]
    assert (found["metadata"]["name"], found["status"]["phase"]) == ("a", "Running")
    (found,) = json.loads((await node.ask("/runningpods/")).text)["items"]
    assert (found["metadata"]["namespace"], found["metadata"]["name"]) == ("default", "a")
    assert [c["name"] for c in found["spec"]["containers"]] == ["c"]


async def test_metrics(node):
    world = node.world
    await world.pod("a")
    await world.wait("a", lambda p: p.status.phase == "Running")
    await world.pod("b", nodeSelector={"no": "where"})
    await world.wait("b", lambda p: p.status.phase == "Failed")
    await node.ask("/pods")
    await node.ask("/nonsense", "BREW")
    found = await node.figures()
    request = ("GET", "pods", "readwrite", "false")
    for name, value in (
        (("kubelet_node_name", "n"), 1),
        (("kubelet_running_pods",), 1),
        (("kubelet_running_containers", "running"), 1),
        (("kubelet_desired_pods", ""), 2),
        (("kubelet_active_pods", ""), 1),
        (("kubelet_mirror_pods",), 0),
        (("kubelet_containers_per_pod_count_count",), 2),
        (("kubelet_pod_start_duration_seconds_count",), 1),
        (("kubelet_pod_start_total_duration_seconds_count",), 1),
        (("kubelet_pod_worker_duration_seconds_count", "create"), 2),
        (("kubelet_pod_worker_start_duration_seconds_count",), 2),
        (("kubelet_run_podsandbox_duration_seconds_count", ""), 1),
        (("kubelet_started_pods_total",), 1),
        (("kubelet_started_containers_total", "container"), 1),
        (("kubelet_admission_rejections_total", "NodeAffinity"), 1),
        (("kubelet_http_requests_total", *request), 1),
        (("kubelet_http_requests_duration_seconds_count", *request), 1),
        (("kubelet_http_inflight_requests", *request), 0),
        (("kubelet_http_requests_total", "other", "other", "readwrite", "false"), 1),
        (("kubernetes_build_info", "v1.37.0", "1", "37"), 1),
    ):
        assert found[name] == value, name
    assert found["kubelet_pleg_relist_duration_seconds_count",] >= 1
    assert found["process_resident_memory_bytes",] > 1 << 20
    assert ("process_start_time_seconds",) in await node.figures("/metrics/probes")


async def test_while_the_runtime_is_away(node, monkeypatch):
    for name in ("list_pod_sandboxes", "list_containers"):
        node.world.fail(monkeypatch, name, RuntimeCallError(Code.UNAVAILABLE, "gone"), times=-1)
    assert ("kubelet_running_pods",) not in await node.figures()
    assert (await node.figures("/metrics/resource"))["resource_scrape_error",] == 1
    assert (await node.figures("/metrics/cadvisor"))["container_scrape_error",] == 1
    assert (await node.ask("/stats/summary")).status == 500


async def test_a_kubelet_that_is_stuck(node):
    assert STUCK_SECONDS > 2 * HOUSEKEEPING_SECONDS
    node.world.kubelet.looked_over -= STUCK_SECONDS + HOUSEKEEPING_SECONDS + 1
    answer = await node.ask("/healthz/syncloop")
    assert (answer.status, answer.text) == (500, "internal server error: sync Loop took longer than expected\n")
    answer = await node.ask("/healthz")
    found = await node.figures("/metrics/slis")
    assert found["kubernetes_healthcheck", "syncloop", "healthz"] == 0
    assert found["kubernetes_healthchecks_total", "ping", "success", "healthz"] == 1
    assert (answer.status, answer.text.splitlines()[2]) == (500, "[-]syncloop failed: reason withheld")
