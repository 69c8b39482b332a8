"""Whether an aggregated server is there: what its service says, what it answers, and what is written down."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.aggregator.conftest import GROUP, HOST, NAME, PORT, SERVICES, Outer, Told, api_service, until

from steersman.api import codec
from steersman.apiserver.aggregator import availability
from steersman.apiserver.aggregator.remote import Place
from steersman.kinds.types.core_v1 import Service
from steersman.kinds.types.discovery_v1 import EndpointSlice
from steersman.store.protocol import Event

PLACE = Place("n", "s", 443)
DISCOVERY = f"/apis/{GROUP}/v1alpha1"


def service(port: int = 443, type: str = "ClusterIP") -> Service:
    return codec.from_builtins(Service, {"spec": {"type": type, "ports": [{"name": "https", "port": port}]}})[0]


def piece(port: str = "https", **conditions: bool) -> EndpointSlice:
    endpoint = {"addresses": ["10.0.0.1"], "conditions": conditions}
    return codec.from_builtins(EndpointSlice, {"endpoints": [endpoint], "ports": [{"name": port, "port": 1}]})[0]


NO_ADDRESS = 'endpointslices for service/s in "n" have no addresses with port name "https"'


@pytest.mark.parametrize(
    ("found", "slices", "reason", "message"),
    [
        (None, [], "ServiceNotFound", 'service/s in "n" is not present'),
        (service(80), [], "ServicePortError", 'service/s in "n" is not listening on port 443'),
        (service(), [], "EndpointsNotFound", 'cannot find endpointslices for service/s in "n"'),
        (service(), [piece("other")], "MissingEndpoints", NO_ADDRESS),
        (service(), [piece(ready=False)], "MissingEndpoints", NO_ADDRESS),
        (service(), [piece("other"), piece(ready=True)], "", ""),
        (service(), [piece()], "", ""),
        (service(80, "ExternalName"), [], "", ""),
    ],
)
def test_look(found: Service | None, slices: list[EndpointSlice], reason: str, message: str) -> None:
    said = availability.look(PLACE, found, slices)
    assert said == (("False", reason, message) if reason else None)


async def test_from_nothing_to_available(outer: Outer, told: Told) -> None:
    await outer.post(SERVICES, api_service())
    assert await outer.wait("ServiceNotFound") == ("False", "ServiceNotFound", 'service/api in "wardle" is not present')
    answer = await outer.raw("GET", DISCOVERY)
    assert (answer.status, answer.body) == (503, b"service unavailable\n")
    metrics = (await outer.raw("GET", "/metrics")).body
    assert isinstance(metrics, bytes)
    assert f'aggregator_unavailable_apiservice{{name="{NAME}"}} 1\n'.encode() in metrics
    await outer.serve()
    await outer.wait("EndpointsNotFound")
    await outer.endpoint(told.port, ready=False)
    await outer.wait("MissingEndpoints")
    await outer.no_endpoint()
    await outer.endpoint(told.port)
    await outer.wait("Passed")
    await outer.delete("/api/v1/namespaces/wardle/services/api")
    await outer.wait("ServiceNotFound")


async def test_a_server_that_does_not_know_its_group(outer: Outer, told: Told) -> None:
    told.answer(DISCOVERY, {}, 404)
    await outer.serve(told.port)
    await outer.post(SERVICES, api_service())
    url = f"https://{HOST}:{told.port}{DISCOVERY}"
    message = f"failing or missing response from {url}: bad status from {url}: 404"
    assert await outer.wait("FailedDiscoveryCheck") == ("False", "FailedDiscoveryCheck", message)


async def test_one_good_endpoint_is_enough(outer: Outer, told: Told) -> None:
    await outer.serve(1, told.port)
    await outer.post(SERVICES, api_service())
    await outer.wait("Passed")


async def test_it_is_asked_again_in_a_while(outer: Outer, told: Told) -> None:
    told.answer(DISCOVERY, {}, 500)
    await outer.serve(told.port)
    await outer.post(SERVICES, api_service())
    await outer.wait("FailedDiscoveryCheck")
    told.answers.clear()
    told.answer(DISCOVERY, {"resources": []})

    async def look() -> Any:
        await outer.clock.advance(1)
        return (await outer.condition())[1] == "Passed"

    await until(look)


async def test_a_condition_that_holds_is_not_written_again(outer: Outer, told: Told) -> None:
    await outer.serve(told.port)
    await outer.post(SERVICES, api_service())
    await outer.wait("Passed")
    before = (await outer.get(f"{SERVICES}/{NAME}"))["metadata"]["resourceVersion"]
    asked = len(told.asked)

    async def look() -> Any:
        await outer.clock.advance(10)
        return len(told.asked) > asked + 8

    await until(look)
    assert (await outer.get(f"{SERVICES}/{NAME}"))["metadata"]["resourceVersion"] == before


async def test_changes_do_not_make_it_be_asked_more_often_later(outer: Outer, told: Told) -> None:
    await outer.serve(told.port)
    await outer.post(SERVICES, api_service())
    await outer.wait("Passed")
    await outer.wait_fresh()
    for number in range(5):
        asked = len(told.asked)
        await outer.patch("/api/v1/namespaces/wardle/services/api", {"metadata": {"labels": {"n": f"{number}"}}})
        # One look is five questions: is it there, both forms of discovery, both versions of OpenAPI.
        await until(lambda asked=asked: len(told.asked) == asked + 5)  # type: ignore[misc]
        for _ in range(4):
            await outer.clock.advance(1)
    asked = len(told.asked)
    for _ in range(24):
        await outer.clock.advance(1, 200)
    assert len(told.asked) == asked


@pytest.mark.parametrize(
    ("key", "value", "previous", "expected"),
    [
        ("core/services/n/s", b"x", None, True),
        ("core/services/m/s", b"x", None, False),
        ("core/services/n/t", b'{"name":"t"}', None, False),
        ("discovery.k8s.io/endpointslices/n/s-1", b'{"kubernetes.io/service-name":"s"}', None, True),
        ("discovery.k8s.io/endpointslices/n/s-1", b'{"kubernetes.io/service-name":"s-1"}', None, False),
        ("discovery.k8s.io/endpointslices/n/s-1", b"", b'{"kubernetes.io/service-name":"s"}', True),
    ],
)
def test_what_is_behind_it(key: str, value: bytes, previous: bytes | None, expected: bool) -> None:
    assert PLACE.is_behind(Event(f"/registry/{key}", 2, value, previous, 1)) is expected


async def test_an_apiservice_that_is_made_anew(outer: Outer, told: Told) -> None:
    await outer.serve(told.port)
    await outer.post(SERVICES, api_service())
    await outer.wait("Passed")
    await outer.delete(f"{SERVICES}/{NAME}")
    await outer.post(SERVICES, api_service(service={"namespace": "wardle", "name": "other", "port": PORT}))
    await outer.wait("ServiceNotFound")
    await outer.patch(f"{SERVICES}/{NAME}", {"spec": {"service": {"name": "api"}}})
    await outer.wait("Passed")
