"""What a real node says of its real containers: figures, kernel parameters, and one command run in them."""

import asyncio
import json

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.kubelet.real_node import RUN, WAIT

from steersman.api.http import Request
from steersman.kubelet.accounting import Accounts
from steersman.kubelet.instruments import Instruments
from steersman.kubelet.runtime.cri.client import CriRuntime
from steersman.kubelet.server import KubeletServer
from steersman.kubelet.settings import ServerSettings

pytestmark = pytest.mark.node


class Door:
    async def check(self, request):
        """Everybody may come in."""


@pytest.fixture
def server(real, tmp_path):
    shown = ServerSettings(log_folder=tmp_path / "logs")
    return KubeletServer(real.kubelet, real.runtime, real.cluster.clock, Door(), shown)


async def ask(server, path, method="GET"):
    path, _, query = path.partition("?")
    response = await server.handle(Request(method, path, query))
    body = response.body if isinstance(response.body, bytes) else b"".join([chunk async for chunk in response.body])
    return response.status, body.decode()


async def samples(server, path):
    status, text = await ask(server, path)
    assert status == 200
    return [s for family in text_string_to_metric_families(text) for s in family.samples]


def cores(first, second):
    """What `kubectl top` makes of two looks, by container: as metrics-server does, of figures with their time."""
    name = "container_cpu_usage_seconds_total"
    before = {(s.labels["pod"], s.labels["container"]): s for s in first if s.name == name}
    found = {}
    for s in second:
        key = (s.labels.get("pod"), s.labels.get("container"))
        if s.name == name and key in before:
            found[key] = (s.value - before[key].value) / (s.timestamp - before[key].timestamp)
    return found


def used(found, pod):
    return next(s.value for s in found if s.name == "pod_cpu_usage_seconds_total" and s.labels["pod"] == pod)


async def test_what_top_shows(real, server):
    busy = "dd if=/dev/zero of=/tmp/x bs=1024 count=2048 2>/dev/null; while true; do :; done"
    limits = {"resources": {"limits": {"cpu": "300m", "memory": "40Mi"}}}
    await real.create("busy", busy, container=limits)
    await real.create("idle", RUN)
    for name in ("busy", "idle"):
        await real.wait(name, lambda p: p.status.phase == "Running")
    first = await samples(server, "/metrics/resource")
    second = first
    async with asyncio.timeout(WAIT):
        # Until it has had a few turns of its limit.
        while used(second, "busy") - used(first, "busy") < 0.1:
            second = await samples(server, "/metrics/resource")
    shown = cores(first, second)
    assert shown.keys() == {("busy", "c"), ("idle", "c")}
    # Its limit is 0.3 cores, of which a busy machine gives it less; a short look shows more. It is not a figure of another unit.
    assert 0.001 < shown["busy", "c"] < 0.9
    assert shown["idle", "c"] < shown["busy", "c"]
    memory = {s.labels["pod"]: s.value for s in second if s.name == "container_memory_working_set_bytes"}
    assert 10_000 < memory["idle"] < 40 << 20
    began = {s.labels["pod"]: s.value for s in second if s.name == "container_start_time_seconds"}
    assert abs(began["busy"] - real.cluster.clock.time()) < 10 * WAIT
    assert next(s.value for s in second if s.name == "node_memory_working_set_bytes") > memory["idle"]

    detail = await samples(server, "/metrics/cadvisor")
    of_busy = {s.name: s for s in detail if s.labels.get("pod") == "busy" and s.labels["container"] == "c"}
    assert of_busy["container_spec_memory_limit_bytes"].value == 40 << 20
    assert of_busy["container_spec_cpu_quota"].value == 30_000
    network = [s for s in detail if s.name == "container_network_receive_bytes_total" and s.labels["pod"] == "busy"]
    assert [s.labels["interface"] for s in network] == ["eth0"]

    status, text = await ask(server, "/stats/summary")
    found = json.loads(text)
    assert status == 200
    pod = next(p for p in found["pods"] if p["podRef"]["name"] == "busy")
    assert pod["memory"]["availableBytes"] < 40 << 20
    assert pod["containers"][0]["logs"]["usedBytes"] >= 0
    assert pod["network"]["name"] == "eth0"
    assert found["node"]["fs"]["capacityBytes"] > found["node"]["runtime"]["imageFs"]["usedBytes"] >= 0
    async with asyncio.timeout(WAIT):
        while "usageNanoCores" not in pod["cpu"]:
            brief = json.loads((await ask(server, "/stats/summary?only_cpu_and_memory=true"))[1])
            pod = next(p for p in brief["pods"] if p["podRef"]["name"] == "busy")
    assert 1_000_000 < pod["cpu"]["usageNanoCores"] < 900_000_000


async def test_a_command(real, server):
    await real.create("web", RUN)
    await real.wait("web", lambda p: p.status.phase == "Running")
    assert await ask(server, "/run/default/web/c?cmd=echo+a+b", "POST") == (200, "a b\n")
    status, text = await ask(server, "/run/default/web/c?cmd=cat+/nothing", "POST")
    assert (status, "exit code 1" in text) == (500, True)
    assert (await ask(server, "/run/default/gone/c?cmd=id", "POST"))[0] == 404
    uid = (await real.wait("web", lambda p: True)).metadata.uid
    # What the containers have written are files of the node.
    status, text = await ask(server, "/logs/")
    assert (status, f"default_web_{uid}/" in text) == (200, True)


@pytest.mark.parametrize(
    ("name", "value", "file"),
    [
        ("kernel.shm_rmid_forced", "1", "/proc/sys/kernel/shm_rmid_forced"),
        ("kernel/msgmax", "9000", "/proc/sys/kernel/msgmax"),
    ],
)
async def test_kernel_parameters(real, name, value, file):
    context = {"sysctls": [{"name": name, "value": value}]}
    assert await real.output("sets", f"cat {file}", securityContext=context) == f"{value}\n"


async def test_kernel_parameters_that_are_not_allowed(real):
    await real.create("sets", RUN, securityContext={"sysctls": [{"name": "kernel.sem", "value": "1 2 3 4"}]})
    found = await real.wait("sets", lambda p: p.status.phase == "Failed")
    assert found.status.reason == "SysctlForbidden"
    assert found.status.message == 'Pod was rejected: forbidden sysctl: "kernel.sem" not allowlisted'
    assert not any(status.containerID for status in found.status.containerStatuses or ())


async def test_calls_are_counted(real, containerd_node):
    counted = Instruments(real.cluster.clock)
    runtime = CriRuntime(containerd_node.socket, counted)
    await runtime.version()
    with pytest.raises(Exception, match="NOT_FOUND"):
        await runtime.container_status("nothing")
    await runtime.close()
    assert counted.runtime.values == {("version",): 1, ("container_status",): 1}
    assert counted.runtime_errors.values == {("container_status",): 1}


def test_the_machine_has_what_is_read():
    found = Accounts().read("/")
    assert found is not None
    assert found.cpu
