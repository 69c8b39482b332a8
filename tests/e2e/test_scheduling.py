"""Pods that fit nowhere say why, and are placed once the cluster changes."""

from tests.e2e.conftest import pod

from steersman.kinds.types.core_v1 import Event, Pod


def unschedulable(message):
    def check(found):
        return any(
            (c.type, c.status, c.reason, c.message) == ("PodScheduled", "False", "Unschedulable", message)
            for c in found.status.conditions or ()
        )

    return check


async def test_cordoned_nodes_take_nothing_until_one_is_uncordoned(cluster, cordon, events):
    await cordon("node-0", "node-1", "node-2")
    await cluster.create(pod("waits"))
    message = "0/3 nodes are available: 3 node(s) were unschedulable."
    found = await cluster.wait(Pod, "waits", unschedulable(message))
    assert found.status.phase == "Pending"
    assert found.spec.nodeName == ""
    await cluster.wait_list(Event, lambda found: any(e.reason == "FailedScheduling" for e in found), "default")
    (event,) = await events("waits", "FailedScheduling")
    assert (event.type, event.message, event.source.component) == ("Warning", message, "default-scheduler")

    await cordon("node-1", value=False)
    found = await cluster.wait(Pod, "waits", "Ready")
    assert found.spec.nodeName == "node-1"
    assert [c.status for c in found.status.conditions if c.type == "PodScheduled"] == ["True"]
    await cluster.wait_list(Event, lambda found: any(e.reason == "Scheduled" for e in found), "default")
    (event,) = await events("waits", "Scheduled")
    assert event.message == "Successfully assigned default/waits to node-1"


async def test_too_large_for_any_node(cluster, cordon):
    await cordon("node-2")
    await cluster.create(pod("large", {"resources": {"requests": {"cpu": "1000"}}}))
    message = "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu."
    await cluster.wait(Pod, "large", unschedulable(message))


async def test_room_that_a_deleted_pod_leaves(cluster, cordon):
    await cordon("node-1", "node-2")
    wanted = {"resources": {"requests": {"cpu": "20"}}}
    await cluster.create(pod("first", wanted))
    await cluster.wait(Pod, "first", "Ready")
    await cluster.create(pod("second", wanted))
    message = "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable."
    await cluster.wait(Pod, "second", unschedulable(message))
    await cluster.client.delete(Pod, "first", "default", grace=0)
    assert (await cluster.wait(Pod, "second", "Ready")).spec.nodeName == "node-0"
