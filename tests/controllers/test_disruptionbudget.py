"""PodDisruptionBudgets over the real API server; named after upstream's apps/disruption.go."""

import pytest

from steersman.api.errors import TooManyRequests
from steersman.controllers import deployment, disruptionbudget, replicaset, serviceaccount
from steersman.kinds.types.apps_v1 import DaemonSet, Deployment, ReplicaSet
from steersman.kinds.types.core_v1 import Pod, PodCondition
from steersman.kinds.types.policy_v1 import PodDisruptionBudget

TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}}
SELECTOR = {"matchLabels": {"app": "web"}}


@pytest.fixture
async def budgets(world, make):
    await world.start(serviceaccount, replicaset, deployment, disruptionbudget)
    world.make = make
    return world


async def budget(world, **spec):
    await world.client.create(world.make(PodDisruptionBudget, "b", spec={"selector": SELECTOR, **spec}))
    await world.settle()


async def pods(world, replicas=4, *, up=True):
    spec = {"replicas": replicas, "selector": SELECTOR, "template": TEMPLATE}
    await world.client.create(world.make(Deployment, "web", spec=spec))
    await world.settle()
    if up:
        await world.run_pods()


async def status(world):
    await world.settle()
    return (await world.client.get(PodDisruptionBudget, "b", "default")).status


def numbers(found):
    return (found.expectedPods, found.desiredHealthy, found.currentHealthy, found.disruptionsAllowed)


def condition(found):
    return next((c.status, c.reason) for c in found.conditions if c.type == "DisruptionAllowed")


async def evict(world, pod):
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod.metadata.name}}
    path = f"/api/v1/namespaces/default/pods/{pod.metadata.name}/eviction"
    await world.client.request("POST", path, body=body)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"minAvailable": 3}, (4, 3, 4, 1)),
        ({"minAvailable": 9}, (4, 9, 4, 0)),
        ({"minAvailable": "50%"}, (4, 2, 4, 2)),
        ({"minAvailable": "60%"}, (4, 3, 4, 1)),
        ({"maxUnavailable": 1}, (4, 3, 4, 1)),
        ({"maxUnavailable": "30%"}, (4, 2, 4, 2)),
        ({"maxUnavailable": 0}, (4, 4, 4, 0)),
    ],
)
async def test_the_status_is_filled(budgets, spec, expected):
    await pods(budgets)
    await budget(budgets, **spec)
    found = await status(budgets)
    assert numbers(found) == expected
    assert found.observedGeneration == 1
    allowed = expected[3] > 0
    assert condition(found) == (("True", "SufficientPods") if allowed else ("False", "InsufficientPods"))


async def test_it_follows_pods(budgets):
    await budget(budgets, minAvailable=1)
    assert numbers(await status(budgets)) == (0, 1, 0, 0)
    await pods(budgets, 2, up=False)
    assert numbers(await status(budgets)) == (2, 1, 0, 0)
    await budgets.run_pods()
    assert numbers(await status(budgets)) == (2, 1, 2, 1)
    await budgets.client.patch(Deployment, "web", {"spec": {"replicas": 1}}, "default")
    assert numbers(await status(budgets)) == (1, 1, 1, 0)


async def test_an_eviction_is_blocked_until_the_budget_is_updated_to_allow_it(budgets):
    await pods(budgets, 2)
    await budget(budgets, minAvailable=2)
    first = (await budgets.all(Pod))[0]
    with pytest.raises(TooManyRequests):
        await evict(budgets, first)
    await budgets.client.patch(PodDisruptionBudget, "b", {"spec": {"minAvailable": 1}}, "default")
    assert numbers(await status(budgets)) == (2, 1, 2, 1)
    await evict(budgets, first)
    names = {p.metadata.name for p in await budgets.all(Pod)}
    assert first.metadata.name not in names
    found = await status(budgets)
    # Its successor is not ready yet.
    assert numbers(found) == (2, 1, 1, 0)
    assert not found.disruptedPods


async def test_a_granted_eviction_that_does_not_happen_is_forgotten(budgets):
    await pods(budgets, 2)
    await budget(budgets, minAvailable=1)
    pod = (await budgets.all(Pod))[0]
    found = await budgets.client.get(PodDisruptionBudget, "b", "default")
    granted = budgets.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    found.status.disruptedPods = {pod.metadata.name: granted, "gone": granted}
    found.status.disruptionsAllowed = 0
    await budgets.client.update_status(found)
    found = await status(budgets)
    assert list(found.disruptedPods) == [pod.metadata.name]
    assert numbers(found) == (2, 1, 1, 0)
    await budgets.pass_time(125)
    found = await status(budgets)
    assert not found.disruptedPods
    assert numbers(found) == (2, 1, 2, 1)
    assert len(await budgets.events("NotDeleted")) == 1


async def test_pods_that_nobody_keeps(budgets):
    await budgets.client.create(budgets.make(Pod, "a", spec=TEMPLATE["spec"], meta={"labels": {"app": "web"}}))
    await budgets.run_pods()
    await budget(budgets, minAvailable="50%")
    assert numbers(await status(budgets)) == (0, 0, 1, 0)
    assert await budgets.events("UnmanagedPods")


async def test_an_owner_without_a_scale(budgets):
    spec = {"selector": SELECTOR, "template": TEMPLATE}
    owner = await budgets.client.create(budgets.make(DaemonSet, "d", spec=spec))
    ref = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": owner.metadata.uid, "controller": True}
    meta = {"labels": {"app": "web"}, "ownerReferences": [ref]}
    await budgets.client.create(budgets.make(Pod, "a", spec=TEMPLATE["spec"], meta=meta))
    await budgets.run_pods()
    await budget(budgets, maxUnavailable=1)
    found = await status(budgets)
    assert condition(found) == ("False", "SyncFailed")
    assert found.conditions[0].message == "daemonsets.apps does not implement the scale subresource"


async def test_a_replica_set_of_its_own(budgets):
    spec = {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE}
    await budgets.client.create(budgets.make(ReplicaSet, "rs", spec=spec))
    await budgets.settle()
    await budgets.run_pods()
    await budget(budgets, maxUnavailable="34%")
    assert numbers(await status(budgets)) == (3, 1, 3, 2)


async def test_an_announced_disruption_that_does_not_come_is_taken_back(budgets):
    await pods(budgets, 1)
    pod = (await budgets.all(Pod))[0]
    stamp = budgets.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    target = PodCondition(
        type="DisruptionTarget", status="True", reason="PreemptionByScheduler", lastTransitionTime=stamp
    )
    pod.status.conditions = [*pod.status.conditions, target]
    await budgets.client.update_status(pod)
    await budgets.pass_time(119)

    async def found():
        pod = (await budgets.all(Pod))[0]
        return next(c.status for c in pod.status.conditions if c.type == "DisruptionTarget")

    assert await found() == "True"
    await budgets.pass_time(5)
    assert await found() == "False"
