"""DaemonSets over the real API server; named after upstream's apps/daemon_set.go."""

import pytest

from steersman.api import codec
from steersman.controllers import daemonset, serviceaccount
from steersman.kinds.types.apps_v1 import ControllerRevision, DaemonSet
from steersman.kinds.types.core_v1 import Node, Pod

LABELS = {"app": "agent"}
HASH = "controller-revision-hash"


@pytest.fixture
async def agents(world, make):
    await world.start(serviceaccount, daemonset)
    world.make = make
    for name in ("n1", "n2", "n3"):
        await node(world, name)
    return world


async def node(world, name, labels=None, taints=None):
    made = await world.client.create(world.make(Node, name, meta={"labels": labels or {}}))
    made.spec.taints = taints
    await world.client.update(made)


def spec(version=1, strategy=None, **fields):
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": f"agent:{version}"}]}}
    template["spec"].update(fields.pop("pod", {}))
    update = {"updateStrategy": strategy} if strategy else {}
    return {"selector": {"matchLabels": LABELS}, "template": template, **update, **fields}


async def create(world, **fields):
    await world.client.create(world.make(DaemonSet, "agent", spec=spec(**fields)))
    await world.settle()


async def patch(world, version):
    template = {"template": {"spec": {"containers": [{"name": "c", "image": f"agent:{version}"}]}}}
    await world.client.patch(DaemonSet, "agent", {"spec": template}, "default", "strategic")
    await world.settle()


async def get(world):
    return await world.client.get(DaemonSet, "agent", "default")


async def living(world):
    return [p for p in await world.all(Pod) if not p.metadata.deletionTimestamp]


def place(pod):
    term = pod.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]
    assert (term.matchFields[0].key, term.matchFields[0].operator) == ("metadata.name", "In")
    return term.matchFields[0].values[0]


async def schedule(world, ready=True):
    """Play scheduler and kubelet for every pod that has not begun."""
    for pod in await living(world):
        if pod.status.phase == "Pending":
            await world.run_pod(pod, node=place(pod), ready=ready)
    await world.settle()


async def images(world):
    """Version of the agent by node."""
    return {p.spec.nodeName or place(p): p.spec.containers[0].image[-1] for p in await living(world)}


async def roll_on(world, limit=12):
    """Play the kubelet until nothing changes; the most nodes that were without a ready pod at once."""
    most = 0
    for _ in range(limit):
        await world.end_pods()
        pods = await living(world)
        ready = {p.spec.nodeName for p in pods if any(c.status == "True" for c in p.status.conditions or ())}
        most = max(most, 3 - len(ready))
        await schedule(world)
    return most


async def test_a_simple_daemon(agents):
    await create(agents)
    assert sorted(place(p) for p in await living(agents)) == ["n1", "n2", "n3"]
    await schedule(agents)
    found = await get(agents)
    status = found.status
    assert (status.desiredNumberScheduled, status.currentNumberScheduled, status.numberReady) == (3, 3, 3)
    assert (status.numberAvailable, status.updatedNumberScheduled, status.numberMisscheduled) == (3, 3, 0)
    assert status.observedGeneration == found.metadata.generation
    # A pod that goes comes back.
    await agents.client.delete(Pod, (await living(agents))[0].metadata.name, "default", grace=0)
    await agents.settle()
    assert len(await living(agents)) == 3


async def test_pods_live_with_the_troubles_of_their_node(agents):
    await create(agents, pod={"hostNetwork": True})
    tolerations = (await living(agents))[0].spec.tolerations
    assert {(t.key.removeprefix("node.kubernetes.io/"), t.effect) for t in tolerations if t.operator == "Exists"} == {
        ("not-ready", "NoExecute"), ("unreachable", "NoExecute"), ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"), ("pid-pressure", "NoSchedule"), ("unschedulable", "NoSchedule"),
        ("network-unavailable", "NoSchedule"),
    }  # fmt: skip
    assert all(t.tolerationSeconds is None for t in tolerations)


async def test_a_complex_daemon_with_a_node_selector(agents):
    await create(agents, pod={"nodeSelector": {"color": "blue"}})
    assert await living(agents) == []

    async def paint(color):
        await agents.client.patch(Node, "n2", {"metadata": {"labels": {"color": color}}})
        await agents.settle()

    await paint("blue")
    assert [place(p) for p in await living(agents)] == ["n2"]
    await schedule(agents)
    await paint("green")
    assert await living(agents) == []
    change = {"updateStrategy": {"type": "RollingUpdate"}, "template": {"spec": {"nodeSelector": {"color": "green"}}}}
    await agents.client.patch(DaemonSet, "agent", {"spec": change}, "default", "strategic")
    await agents.end_pods()
    assert [place(p) for p in await living(agents)] == ["n2"]


async def test_taints(agents):
    await node(agents, "n4", taints=[{"key": "x", "effect": "NoSchedule"}])
    await node(agents, "n5", taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}])
    await create(agents)
    assert sorted(place(p) for p in await living(agents)) == ["n1", "n2", "n3", "n5"]
    await schedule(agents)

    async def taint(name, effect):
        await agents.client.patch(Node, name, {"spec": {"taints": [{"key": "x", "effect": effect}]}})
        await agents.settle()

    await taint("n1", "NoSchedule")
    assert (await get(agents)).status.numberMisscheduled == 1
    await taint("n2", "NoExecute")
    assert sorted(place(p) for p in await living(agents)) == ["n1", "n3", "n5"]


async def test_retry_creating_failed_daemon_pods(agents):
    await create(agents)
    await schedule(agents)

    async def fail():
        pod = next(p for p in await living(agents) if place(p) == "n1")
        await agents.run_pod(pod, phase="Failed", ready=False)
        await agents.settle()
        await agents.end_pods()
        return pod.metadata.name in {p.metadata.name for p in await living(agents)}

    assert not await fail()
    assert [e.type for e in await agents.events("FailedDaemonPod")] == ["Warning"]
    # The second time it takes a moment.
    assert await fail()
    await agents.pass_time(1.1)
    await agents.end_pods()
    assert {p.status.phase for p in await living(agents)} == {"Running", "Pending"}
    assert len(await living(agents)) == 3


async def test_on_delete_leaves_pods_alone(agents):
    await create(agents, strategy={"type": "OnDelete"})
    await schedule(agents)
    await patch(agents, 2)
    assert set((await images(agents)).values()) == {"1"}
    assert (await get(agents)).status.updatedNumberScheduled == 0
    gone = next(p for p in await living(agents) if place(p) == "n1")
    await agents.client.delete(Pod, gone.metadata.name, "default", grace=0)
    await agents.settle()
    assert await images(agents) == {"n1": "2", "n2": "1", "n3": "1"}
    assert (await get(agents)).status.updatedNumberScheduled == 1


@pytest.mark.parametrize("unavailable", [1, 2, "34%"])
async def test_a_rolling_update_keeps_within_its_bounds(agents, unavailable):
    await create(agents, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": unavailable}})
    await schedule(agents)
    await patch(agents, 2)
    most = await roll_on(agents)
    assert set((await images(agents)).values()) == {"2"}
    assert most == (1 if unavailable == 1 else 2)
    status = (await get(agents)).status
    assert (status.updatedNumberScheduled, status.numberAvailable, status.numberUnavailable) == (3, 3, 0)


async def test_a_rolling_update_with_surge_never_leaves_a_node_without(agents):
    await create(agents, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
    await schedule(agents)
    await patch(agents, 2)
    assert len(await living(agents)) == 4
    assert await roll_on(agents) == 0
    assert set((await images(agents)).values()) == {"2"}
    assert len(await living(agents)) == 3


async def test_min_ready_seconds_hold_a_rollout_back(agents):
    await create(agents, minReadySeconds=10)
    await schedule(agents)
    assert (await get(agents)).status.numberAvailable == 0
    await agents.pass_time(11)
    assert (await get(agents)).status.numberAvailable == 3
    await patch(agents, 2)
    await agents.end_pods()
    await schedule(agents)
    assert sorted((await images(agents)).values()) == ["1", "1", "2"]
    await agents.pass_time(11)
    await agents.end_pods()
    assert sorted((await images(agents)).values()) == ["1", "2", "2"]


async def test_roll_back_without_unnecessary_restarts(agents):
    await create(agents, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}})
    await schedule(agents)
    before = {p.metadata.name for p in await living(agents)}
    await patch(agents, 2)
    await agents.end_pods()
    # The new pod never gets ready, and is taken back.
    await patch(agents, 1)
    await agents.end_pods()
    await schedule(agents)
    after = {p.metadata.name for p in await living(agents)}
    assert len(before & after) == 2
    assert set((await images(agents)).values()) == {"1"}


async def test_history(agents):
    await create(agents, revisionHistoryLimit=1)
    await schedule(agents)
    (first,) = await agents.all(ControllerRevision)
    pods = await living(agents)
    digest = first.metadata.labels[HASH]
    assert first.metadata.name == f"agent-{digest}"
    assert {p.metadata.labels[HASH] for p in pods} == {digest}
    assert first.data["spec"]["template"]["$patch"] == "replace"
    assert first.data["spec"]["template"]["spec"]["containers"][0]["image"] == "agent:1"
    await patch(agents, 2)
    await roll_on(agents)
    assert sorted(r.revision for r in await agents.all(ControllerRevision)) == [1, 2]
    # What `rollout undo` does: the old revision becomes the newest.
    await agents.client.patch(DaemonSet, "agent", first.data, "default", "strategic")
    await agents.settle()
    await roll_on(agents)
    found = {r.metadata.name: r.revision for r in await agents.all(ControllerRevision)}
    assert found[first.metadata.name] == 3
    await patch(agents, 3)
    await roll_on(agents)
    await patch(agents, 4)
    await roll_on(agents)
    assert sorted(r.revision for r in await agents.all(ControllerRevision)) == [4, 5]


async def test_orphans_are_adopted(agents, make):
    await create(agents)
    await schedule(agents)
    names = {p.metadata.name for p in await living(agents)}
    await agents.client.delete(DaemonSet, "agent", "default", propagation="Orphan")
    for type_, found in ((Pod, await living(agents)), (ControllerRevision, await agents.all(ControllerRevision))):
        for obj in found:
            await agents.client.patch(type_, obj.metadata.name, {"metadata": {"ownerReferences": None}}, "default")
    await agents.client.patch(DaemonSet, "agent", {"metadata": {"finalizers": None}}, "default")
    await create(agents)
    assert {p.metadata.name for p in await living(agents)} == names
    assert len(await agents.all(ControllerRevision)) == 1
    owner = await get(agents)
    assert all(p.metadata.ownerReferences[0].uid == owner.metadata.uid for p in await living(agents))


async def test_nodes_that_come_and_go(agents):
    await create(agents)
    await node(agents, "n4")
    await agents.settle()
    assert "n4" in {place(p) for p in await living(agents)}
    await agents.client.delete(Node, "n4")
    await agents.settle()
    assert "n4" not in {place(p) for p in await living(agents)}


@pytest.mark.parametrize("labelled", [True, False])
async def test_the_lifecycle_of_a_controller_revision(agents, labelled):
    """Of apps/controller_revision.go: a copy of the present revision changes nothing, and takes its place."""
    await create(agents)
    await schedule(agents)
    names = {p.metadata.name for p in await living(agents)}
    (first,) = await agents.all(ControllerRevision)
    meta = {
        "labels": LABELS | ({HASH: "copy"} if labelled else {}),
        "ownerReferences": codec.to_builtins(first)["metadata"]["ownerReferences"],
    }
    copy = agents.make(ControllerRevision, "agent-copy", meta=meta, data=first.data, revision=2)
    await agents.client.create(copy)
    await agents.settle()
    assert len(await agents.all(ControllerRevision)) == 2
    assert {p.metadata.name for p in await living(agents)} == names
    assert (await get(agents)).status.updatedNumberScheduled == 3
    await agents.client.delete(ControllerRevision, first.metadata.name, "default")
    await patch(agents, 2)
    assert sorted(r.revision for r in await agents.all(ControllerRevision)) == [2, 3]
