"""A cluster in a test: what is there at the start, choosing parts, waiting, the fake clock, the port, the end."""

import asyncio
import json
import ssl
import subprocess
import sys
import urllib.request
import warnings

import pytest

from steersman.api.clock import FakeClock
from steersman.api.errors import Forbidden
from steersman.client import kubeconfig
from steersman.client.rest import Client
from steersman.client.transport import HTTPTransport
from steersman.kinds.types.apps_v1 import Deployment
from steersman.kinds.types.core_v1 import ConfigMap, Namespace, Node, Pod
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.kubelet.simulation import SimulatedNodes
from steersman.testing import Cluster, has_condition


def pod(name="one", **spec):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "web:1"}], **spec},
    }


async def test_starts_usable():
    async with Cluster(nodes=2) as cluster:
        nodes = (await cluster.client.list(Node)).items
        assert [n.metadata.name for n in nodes] == ["node-0", "node-1"]
        assert all(has_condition("Ready")(n) and not n.spec.taints for n in nodes)
        await cluster.create(pod())
        running = await cluster.wait(Pod, "one", "Ready")
        assert running.status.phase == "Running"
        assert running.status.podIP


async def test_nodes_to_measure():
    async with Cluster(SimulatedNodes(1, "big", cpus=2, memory=2**30), controllers=False) as cluster:
        node = await cluster.client.get(Node, "big-0")
        assert node.status.capacity["cpu"] == "2"


async def test_control_plane_alone():
    async with Cluster(nodes=0, controllers=False, scheduler=False) as cluster:
        await cluster.create(pod())
        await cluster.settle()
        assert (await cluster.client.get(Pod, "one", "default")).spec.nodeName == ""
        assert (await cluster.client.list(Node)).items == []


async def test_some_controllers(deployment):
    async with Cluster(nodes=1, controllers=("deployment", "replicaset")) as cluster:
        await cluster.create(deployment)
        await cluster.wait(Deployment, "web", "Available")


def test_unknown_controller():
    with pytest.raises(ValueError, match=r"no controller is called deploymint; there are .*deployment"):
        Cluster(controllers=("deploymint",))


async def test_users_have_their_own_rights():
    async with Cluster(nodes=0, controllers=False) as cluster:
        nobody = cluster.client_for("jane", ("developers",))
        with pytest.raises(Forbidden, match='User "jane" cannot list resource "pods"'):
            await nobody.list(Pod, "default")


async def test_wait_tells_what_it_saw():
    async with Cluster(nodes=0, controllers=False) as cluster:
        with pytest.raises(TimeoutError, match=r"Pod none: condition Ready: not within 0.01 s; it does not exist"):
            await cluster.wait(Pod, "none", "Ready", timeout=0.01)
        await cluster.create(pod())
        with pytest.raises(TimeoutError, match=r"Pod one: condition Ready: .*'phase': 'Pending'"):
            await cluster.wait(Pod, "one", "Ready", timeout=0.01)


async def test_wait_for_anything():
    async with Cluster(nodes=0, controllers=False) as cluster:
        seen = []

        async def two_maps():
            seen[:] = (await cluster.client.list(ConfigMap, "default")).items
            return len(seen) == 2

        async with asyncio.TaskGroup() as group:
            group.create_task(cluster.wait_for(two_maps))
            for name in ("a", "b"):
                await cluster.client.create(ConfigMap(metadata=ObjectMeta(name=name, namespace="default")))
        assert len(seen) == 2
        assert await cluster.wait_for(lambda: "plain") == "plain"


async def test_wait_gone_and_list():
    async with Cluster(nodes=1, controllers=False) as cluster:
        await cluster.create(pod("a"), pod("b"), namespace="default")
        pods = await cluster.wait_list(Pod, lambda found: all(p.status.phase == "Running" for p in found), "default")
        assert len(pods) == 2
        await cluster.client.delete(Pod, "a", "default", grace=0)
        await cluster.wait_gone(Pod, "a")


async def test_manifests_of_many_kinds():
    text = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: shop}}
"""
    async with Cluster(nodes=0, controllers=False) as cluster:
        made = await cluster.create(text)
        assert [type(o) for o in made] == [Namespace, ConfigMap]
        with pytest.raises(ValueError, match="no kind 'Nothing' in 'v1'"):
            await cluster.create({"apiVersion": "v1", "kind": "Nothing"})


async def test_fake_clock(deployment):
    clock = FakeClock()
    async with Cluster(nodes=2, clock=clock) as cluster:
        before = clock.monotonic()
        await cluster.create(deployment)
        await cluster.wait(Deployment, "web", "Available")
        assert clock.monotonic() - before < 10
        await cluster.create(pod("job", restartPolicy="Never"))
        await cluster.wait(Pod, "job", lambda p: p.status.phase == "Running")
        await cluster.advance(5)
        assert (await cluster.client.get(Pod, "job", "default")).status.phase == "Succeeded"


async def test_a_quarter_of_an_hour_passes_in_moments():
    clock = FakeClock()
    async with Cluster(nodes=1, clock=clock) as cluster:
        await cluster.create(pod())
        await cluster.wait(Pod, "one", "Ready")
        await cluster.advance(900)
        node = await cluster.client.get(Node, "node-0")
        assert has_condition("Ready")(node)
        assert (await cluster.client.get(Pod, "one", "default")).status.containerStatuses[0].restartCount == 0


async def test_only_a_fake_clock_is_advanced():
    async with Cluster(nodes=0, controllers=False) as cluster:
        with pytest.raises(TypeError, match="FakeClock"):
            await cluster.advance(1)


async def test_served_for_other_programs():
    async with Cluster(nodes=0, controllers=False, port=True) as cluster:
        served = cluster.served
        assert served.kubeconfig.stat().st_mode & 0o077 == 0
        client = Client(HTTPTransport(kubeconfig.load(served.kubeconfig)))
        try:
            assert {n.metadata.name for n in (await client.list(Namespace)).items} >= {"default", "kube-system"}
        finally:
            await client.close()
        context = ssl.create_default_context(cadata=served.ca)
        version = await asyncio.to_thread(_read, f"{served.url}/version", context)
        assert version["major"] == "1"
        assert await cluster.serve() is served
    assert not served.kubeconfig.exists()


def _read(url, context):
    with urllib.request.urlopen(url, context=context) as answer:
        return json.load(answer)


async def test_ends_clean():
    before = asyncio.all_tasks()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with Cluster(nodes=3) as cluster:
            await cluster.create(pod())
            await cluster.wait(Pod, "one", "Ready")
        assert asyncio.all_tasks() == before


async def test_entered_once():
    cluster = Cluster(nodes=0, controllers=False)
    async with cluster:
        with pytest.raises(RuntimeError, match="only once"):
            await cluster.__aenter__()


async def test_a_failing_part_ends_waits_and_the_block(monkeypatch):
    from steersman.scheduler.scheduler import Scheduler

    async def broken(self):
        await self._pods.wait_synced()
        raise ArithmeticError("broken scheduler")

    monkeypatch.setattr(Scheduler, "run", broken)
    with pytest.raises(ExceptionGroup) as failed:
        async with Cluster(nodes=0, controllers=False) as cluster:
            await cluster.wait(Pod, "none", "Ready")
    assert failed.group_contains(ArithmeticError, match="broken scheduler")


async def test_cancelled_while_starting():
    async def start():
        async with Cluster(nodes=3):
            raise AssertionError("it was cancelled before")

    before = asyncio.all_tasks()
    task = asyncio.ensure_future(start())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == before


def test_a_cluster_loads_no_library_that_nobody_needs() -> None:
    """A token's key is made when the first token is asked for: the library for it takes a tenth of the whole start."""
    code = (
        "import asyncio, sys\n"
        "from steersman.testing import Cluster\n"
        "async def main():\n"
        "    async with Cluster(nodes=1): print('cryptography' in sys.modules)\n"
        "asyncio.run(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
