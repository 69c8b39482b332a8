"""ServiceCIDRs and the records of the addresses that Services have."""

import pytest

from steersman.controllers import ipaddress, servicecidr
from steersman.controllers.servicecidr import FINALIZER, is_needed
from steersman.kinds.types.core_v1 import Service
from steersman.kinds.types.networking_v1 import IPAddress, ServiceCIDR

SPEC = {"ports": [{"port": 80}]}


@pytest.fixture
async def net(world, make):
    await world.start(ipaddress, servicecidr)

    async def service(name, **spec):
        found = await world.client.create(make(Service, name, spec=SPEC | spec))
        await world.settle()
        return found

    async def cidr(name, *cidrs):
        await world.client.create(make(ServiceCIDR, name, namespace="", spec={"cidrs": list(cidrs)}))
        await world.settle()

    async def delete(type_, name, namespace=""):
        await world.client.delete(type_, name, namespace)
        await world.settle()

    async def pass_time(seconds):
        await world.clock.advance(seconds)
        await world.settle()

    async def state(name):
        found = {c.metadata.name: c for c in await world.all(ServiceCIDR)}.get(name)
        return None if found is None else [(c.status, c.reason) for c in found.status.conditions]

    world.service, world.cidr, world.delete, world.state, world.pass_time = service, cidr, delete, state, pass_time
    return world


async def test_addresses_are_recorded(net):
    made = await net.service("web")
    await net.service("headless", clusterIP="None")
    (found,) = await net.all(IPAddress)
    assert found.metadata.name == made.spec.clusterIP
    assert found.metadata.labels == {
        "ipaddress.kubernetes.io/ip-family": "IPv4",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }
    parent = found.spec.parentRef
    assert (parent.group, parent.resource, parent.namespace, parent.name) == ("", "services", "default", "web")
    await net.delete(IPAddress, found.metadata.name)
    assert [a.metadata.name for a in await net.all(IPAddress)] == [made.spec.clusterIP]
    await net.delete(Service, "web", "default")
    assert await net.all(IPAddress) == []


async def test_a_range_is_ready_and_goes_after_a_while(net):
    await net.cidr("extra", "203.0.113.0/24")
    assert await net.state("extra") == [("True", "")]
    assert (await net.client.get(ServiceCIDR, "extra")).metadata.finalizers == [FINALIZER]
    await net.delete(ServiceCIDR, "extra")
    await net.pass_time(9)
    assert await net.state("extra") is not None
    await net.pass_time(2)
    assert await net.state("extra") is None


async def test_a_range_in_use_stays_until_another_contains_it(net):
    await net.cidr("used", "10.96.0.0/12")
    await net.service("web")
    await net.delete(ServiceCIDR, "used")
    await net.pass_time(20)
    # The cluster's own range was made with it, of the same addresses.
    await net.pass_time(20)
    assert await net.state("used") is None


async def test_a_range_in_use_stays_until_its_addresses_are_free(net):
    await net.delete(ServiceCIDR, "kubernetes")
    await net.pass_time(20)
    assert await net.state("kubernetes") is None
    await net.cidr("used", "10.96.0.0/12")
    await net.service("web")
    await net.delete(ServiceCIDR, "used")
    await net.pass_time(20)
    assert await net.state("used") == [("False", "Terminating")]
    await net.delete(Service, "web", "default")
    await net.pass_time(20)
    assert await net.state("used") is None


@pytest.mark.parametrize(
    ("others", "addresses", "needed"),
    [
        ([], [], False),
        ([], ["10.0.0.1"], True),
        ([], ["10.1.0.1", "fd00::1"], False),
        (["10.0.0.0/8"], ["10.0.0.1"], False),
        (["10.0.0.0/25"], ["10.0.0.1", "10.0.0.200"], True),
    ],
)
def test_is_needed(make, others, addresses, needed):
    def cidr(*cidrs):
        return make(ServiceCIDR, "x", namespace="", spec={"cidrs": list(cidrs)})

    assert is_needed(cidr("10.0.0.0/24"), [cidr(other) for other in others], addresses) is needed
