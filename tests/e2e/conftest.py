"""What the end-to-end tests have in common: manifests, and a cluster of three simulated nodes."""

import copy

import pytest

from steersman.api.clock import FakeClock
from steersman.kinds.types.core_v1 import Event, Node
from steersman.testing import Cluster

CONTAINER = {"name": "c", "image": "web:1"}


def pod(name, container=None, labels=None, **spec):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"containers": [{**CONTAINER, **(container or {})}], **spec},
    }


def workload(kind, name, replicas=3, container=None, **spec):
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{**CONTAINER, **(container or {})}]}},
            **copy.deepcopy(spec),
        },
    }


def deployment(name="web", replicas=3, container=None, **spec):
    return workload("Deployment", name, replicas, container, **spec)


@pytest.fixture
async def cluster():
    async with Cluster(nodes=3, clock=FakeClock()) as running:
        yield running


@pytest.fixture
def cordon(cluster):
    """Make nodes unschedulable, or schedulable again."""

    async def set_unschedulable(*names, value=True):
        for name in names:
            await cluster.client.patch(Node, name, {"spec": {"unschedulable": value}})
        # The scheduler, which hears of nodes and of pods by different ways, knows it now.
        await cluster.settle()

    return set_unschedulable


@pytest.fixture
def events(cluster):
    async def of(name, reason, namespace="default"):
        found = (await cluster.client.list(Event, namespace)).items
        return [e for e in found if e.involvedObject.name == name and e.reason == reason]

    return of
