"""Deployments and Jobs from the manifest to running pods, through every part but the container runtime."""

from collections import Counter

from tests.e2e.conftest import deployment, pod

from steersman.kinds.types.apps_v1 import Deployment, ReplicaSet
from steersman.kinds.types.batch_v1 import Job
from steersman.kinds.types.core_v1 import Namespace, Pod


def images(pods):
    return Counter(p.spec.containers[0].image for p in pods if not p.metadata.deletionTimestamp)


def all_ready(count):
    def check(pods):
        ready = [p for p in pods if any(c.type == "Ready" and c.status == "True" for c in p.status.conditions or ())]
        return len(ready) == len(pods) == count

    return check


async def test_deployment_spreads_over_the_nodes(cluster):
    await cluster.create(deployment())
    found = await cluster.wait(Deployment, "web", "Available")
    assert found.status.readyReplicas == 3
    pods = await cluster.wait_list(Pod, all_ready(3), "default", "app=web")
    assert {p.spec.nodeName for p in pods} == {"node-0", "node-1", "node-2"}
    assert len({p.status.podIP for p in pods}) == 3
    assert {p.status.phase for p in pods} == {"Running"}


async def test_scale_up_and_down(cluster):
    await cluster.create(deployment())
    await cluster.wait(Deployment, "web", "Available")
    for count in (10, 1, 0):
        await cluster.client.patch(Deployment, "web", {"spec": {"replicas": count}}, "default", subresource="scale")
        await cluster.wait_list(Pod, all_ready(count), "default", "app=web")
        await cluster.wait(Deployment, "web", lambda d, n=count: d.status.readyReplicas == n == d.status.replicas)


async def test_rollout_and_back(cluster):
    await cluster.create(deployment())
    await cluster.wait(Deployment, "web", "Available")
    for image in ("web:2", "web:1"):
        body = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}}
        await cluster.client.patch(Deployment, "web", body, "default", kind="strategic")
        await cluster.wait(Deployment, "web", rolled_out)
        pods = await cluster.wait_list(Pod, all_ready(3), "default", "app=web")
        assert images(pods) == {image: 3}
    sets = (await cluster.client.list(ReplicaSet, "default", "app=web")).items
    assert sorted(s.spec.replicas for s in sets) == [0, 3]


def rolled_out(d):
    """As `kubectl rollout status` decides."""
    s, n = d.status, d.spec.replicas
    newest = s.observedGeneration == d.metadata.generation
    return newest and s.updatedReplicas == s.replicas == s.availableReplicas == n


async def test_deleted_pod_is_replaced(cluster):
    await cluster.create(deployment(replicas=1))
    (before,) = await cluster.wait_list(Pod, all_ready(1), "default", "app=web")
    await cluster.client.delete(Pod, before.metadata.name, "default")
    (after,) = await cluster.wait_list(
        Pod, lambda pods: all_ready(1)(pods) and pods[0].metadata.uid != before.metadata.uid, "default", "app=web"
    )
    assert after.metadata.name != before.metadata.name


async def test_deleted_namespace_takes_everything_along(cluster):
    await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    await cluster.wait_for(lambda: _has_account(cluster, "shop"))
    await cluster.create(deployment(), namespace="shop")
    await cluster.wait(Deployment, "web", "Available", "shop")
    await cluster.client.delete(Namespace, "shop")
    await cluster.wait_gone(Namespace, "shop", timeout=40)
    assert (await cluster.client.list(Pod, "shop")).items == []
    assert (await cluster.client.list(Deployment, "shop")).items == []


async def _has_account(cluster, namespace):
    from steersman.kinds.types.core_v1 import ServiceAccount

    return await cluster.find(ServiceAccount, "default", namespace)


async def test_job_completes(cluster):
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "web:1"}]}}
    spec = {"completions": 3, "parallelism": 2, "template": template}
    await cluster.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "sum"}, "spec": spec})
    job = await cluster.wait(Job, "sum", "Complete", timeout=20)
    assert (job.status.succeeded, job.status.active, job.status.failed) == (3, 0, 0)
    assert job.status.completionTime
    pods = (await cluster.client.list(Pod, "default", "batch.kubernetes.io/job-name=sum")).items
    assert [p.status.phase for p in pods] == ["Succeeded"] * 3


async def test_pod_that_ends(cluster):
    await cluster.create(pod("once", restartPolicy="Never"))
    found = await cluster.wait(Pod, "once", lambda p: p.status.phase == "Succeeded")
    state = found.status.containerStatuses[0].state.terminated
    assert (state.exitCode, state.reason) == (0, "Completed")
    assert found.status.containerStatuses[0].restartCount == 0
