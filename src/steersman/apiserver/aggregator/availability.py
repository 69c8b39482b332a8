"""Is an aggregated server there? First what its service says, then what it answers itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from steersman.apiserver.aggregator.remote import Place, Remote
from steersman.apiserver.aggregator.transport import Connector, Failed, Untrusted
from steersman.apiserver.backend import Target
from steersman.apiserver.serviceendpoints import Unresolved
from steersman.kinds.apiregistration.apiservice_rules import Availability
from steersman.kinds.discovery.service_slices import ready_ports
from steersman.kinds.types.core_v1 import Service
from steersman.kinds.types.discovery_v1 import EndpointSlice

PASSED = Availability("True", "Passed", "all checks passed")
SECONDS = 5.0
_ATTEMPTS = 5


def look(place: Place, service: Service | None, slices: Sequence[EndpointSlice]) -> Availability | None:
    """What is wrong already without asking the server; `slices` are those of the service."""
    where = f'service/{place.service} in "{place.namespace}"'
    if service is None:
        return Availability("False", "ServiceNotFound", f"{where} is not present")
    if service.spec.type != "ClusterIP":
        return None
    port = next((p for p in service.spec.ports or () if p.port == place.port), None)
    if port is None:
        return Availability("False", "ServicePortError", f"{where} is not listening on port {place.port}")
    if not slices:
        return Availability("False", "EndpointsNotFound", f"cannot find endpointslices for {where}")
    if not any(_has_endpoint(s, port.name) for s in slices):
        text = f'endpointslices for {where} have no addresses with port name "{port.name}"'
        return Availability("False", "MissingEndpoints", text)
    return None


def _has_endpoint(piece: EndpointSlice, port: str) -> bool:
    return any(True for _ in ready_ports(piece, port))


async def probe(connector: Connector, remote: Remote) -> Availability:
    """Ask several endpoints at once for what they must have; one good answer is enough."""
    try:
        targets = connector.targets(remote.place)
    except (Unresolved, Untrusted) as error:
        return _failed(str(error))
    tried = targets[:_ATTEMPTS]
    found: list[str] = []
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_try(connector, target, remote.path)) for target in tried]
        for task in asyncio.as_completed(tasks):
            problem = await task
            if not problem:
                for other in tasks:
                    other.cancel()
                return PASSED
            found.append(problem)
    # The same one each time, or else the condition would change with every look.
    return _failed(min(found))


async def _try(connector: Connector, target: Target, path: str) -> str:
    """What is wrong with the answer, or nothing."""
    url = f"https://{target.authority}{path}"
    try:
        answer, _ = await connector.ask(target, path, SECONDS)
    except Failed as error:
        return f'failing or missing response from {url}: Get "{url}": {error}'
    if 200 <= answer.status < 300:
        return ""
    return f"failing or missing response from {url}: bad status from {url}: {answer.status}"


def _failed(text: str) -> Availability:
    return Availability("False", "FailedDiscoveryCheck", text)
