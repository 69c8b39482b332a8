"""EndpointSlices and Endpoints over the real API server."""

import pytest

from steersman.controllers import endpoints, endpointslice
from steersman.controllers.endpointslice import plan, wanted
from steersman.controllers.slice_plan import MAX_ENDPOINTS
from steersman.kinds.types.core_v1 import Endpoints, Node, Pod, Service, ServiceAccount
from steersman.kinds.types.discovery_v1 import EndpointSlice

PORTS = [{"name": "http", "port": 80, "targetPort": "web"}]
SERVICE = {"selector": {"app": "web"}, "ports": PORTS}


def pod_spec(port=8080, **more):
    container = {"name": "c", "image": "web:1", "ports": [{"name": "web", "containerPort": port}]}
    return {"containers": [container], **more}


@pytest.fixture
async def net(world, make):
    await world.start(endpoints, endpointslice)
    await world.client.create(make(ServiceAccount, "default"))

    async def pod(name, **options):
        spec = pod_spec(**options.pop("spec", {}))
        found = await world.client.create(make(Pod, name, meta={"labels": {"app": "web"}}, spec=spec))
        found = await world.run_pod(found, **options)
        await world.settle()
        return found

    async def service(**spec):
        found = await world.client.create(make(Service, "web", spec=SERVICE | spec))
        await world.settle()
        return found

    world.pod, world.service = pod, service
    return world


async def slices(world):
    return await world.all(EndpointSlice)


def conditions(endpoint):
    c = endpoint.conditions
    return (c.ready, c.serving, c.terminating)


async def test_a_service_without_pods_has_an_empty_slice(net):
    await net.service()
    (found,) = await slices(net)
    assert found.metadata.name.startswith("web-")
    assert found.metadata.labels["kubernetes.io/service-name"] == "web"
    assert found.metadata.ownerReferences[0].kind == "Service"
    assert not found.endpoints
    assert (await net.client.get(Endpoints, "web", "default")).subsets in (None, [])


async def test_pods_come_become_ready_and_go(net, make):
    await net.client.create(make(Node, "n1", meta={"labels": {"topology.kubernetes.io/zone": "z1"}}))
    await net.service()
    pod = await net.pod("a", ready=False, node="n1")
    (found,) = await slices(net)
    assert [(p.name, p.port, p.protocol) for p in found.ports] == [("http", 8080, "TCP")]
    assert conditions(found.endpoints[0]) == (False, False, False)
    assert (found.endpoints[0].nodeName, found.endpoints[0].zone) == ("n1", "z1")
    (subset,) = (await net.client.get(Endpoints, "web", "default")).subsets
    assert (subset.addresses, [a.ip for a in subset.notReadyAddresses]) == (None, [pod.status.podIP])
    await net.run_pod(pod)
    await net.settle()
    assert conditions((await slices(net))[0].endpoints[0]) == (True, True, False)
    (subset,) = (await net.client.get(Endpoints, "web", "default")).subsets
    assert subset.addresses[0].targetRef.name == "a"
    await net.client.delete(Pod, "a", "default")
    await net.settle()
    assert conditions((await slices(net))[0].endpoints[0]) == (False, True, True)
    assert not (await net.client.get(Endpoints, "web", "default")).subsets
    await net.end_pods()
    assert not (await slices(net))[0].endpoints


async def test_finished_pods_and_other_pods_do_not_count(net):
    await net.service()
    await net.pod("done", phase="Succeeded")
    other = await net.pod("other")
    await net.client.patch(Pod, "other", {"metadata": {"labels": {"app": "else"}}}, other.metadata.namespace)
    await net.settle()
    assert not (await slices(net))[0].endpoints


async def test_publish_not_ready(net):
    await net.service(publishNotReadyAddresses=True, clusterIP="None")
    await net.pod("a", ready=False, spec={"hostname": "one", "subdomain": "web"})
    (found,) = await slices(net)
    assert found.endpoints[0].conditions.ready is True
    assert found.endpoints[0].hostname == "one"
    assert found.metadata.labels["service.kubernetes.io/headless"] == ""


async def test_pods_with_other_port_numbers_get_their_own_slice(net):
    await net.service()
    await net.pod("a")
    await net.pod("b", spec={"port": 9090})
    assert sorted(s.ports[0].port for s in await slices(net)) == [8080, 9090]
    assert sorted(s.ports[0].port for s in (await net.client.get(Endpoints, "web", "default")).subsets) == [8080, 9090]


async def test_a_service_without_selector_is_left_alone(net):
    await net.service(selector=None)
    assert await slices(net) == []


async def test_endpoints_go_with_their_service(net):
    await net.service()
    await net.client.delete(Service, "web", "default")
    await net.settle()
    assert await net.all(Endpoints) == []


@pytest.fixture
def service(make):
    return make(Service, "web", meta={"uid": "s"}, spec=SERVICE)


def many(make, count, first=0):
    return [
        make(
            Pod,
            f"p{i}",
            meta={"uid": f"u{i}", "labels": {"app": "web"}},
            spec=pod_spec(),
            status={"podIP": f"10.1.{i // 250}.{i % 250 + 1}"},
        )
        for i in range(first, first + count)
    ]


def filled(todo):
    for number, new in enumerate(todo.create):
        new.metadata.name = f"web-{number}"
    return todo.create


def test_a_hundred_per_slice(make, service):
    todo = plan(service, wanted(service, many(make, 250), {}), [])
    assert [len(s.endpoints) for s in todo.create] == [MAX_ENDPOINTS, MAX_ENDPOINTS, 50]


def test_one_more_pod_changes_one_slice(make, service):
    present = filled(plan(service, wanted(service, many(make, 250), {}), []))
    todo = plan(service, wanted(service, many(make, 251), {}), present)
    assert (todo.create, todo.delete) == ([], [])
    assert [(s.metadata.name, len(s.endpoints)) for s in todo.update] == [("web-2", 51)]
    assert plan(service, wanted(service, many(make, 250), {}), present) == type(todo)()


def test_slices_left_empty_are_deleted_but_one(make, service):
    present = filled(plan(service, wanted(service, many(make, 150), {}), []))
    todo = plan(service, wanted(service, many(make, 100), {}), present)
    assert [s.metadata.name for s in todo.delete] == ["web-1"]
    todo = plan(service, wanted(service, [], {}), present)
    assert len(todo.create) == 1
    assert len(todo.delete) == 2
