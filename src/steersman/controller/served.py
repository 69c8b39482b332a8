"""What the API server serves: every resource by discovery, for controllers that act on objects of any kind."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import msgspec

from steersman.api.errors import StatusError
from steersman.api.meta import Resource
from steersman.client.rest import Client


@dataclass(frozen=True, slots=True)
class Served:
    """A resource in its group's preferred version, and what can be done with it."""

    resource: Resource
    verbs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Discovered:
    """Everything that is served; `failures` tells the group versions that could not be asked, with the reason."""

    resources: list[Served] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


class _Version(msgspec.Struct):
    groupVersion: str = ""


class _Group(msgspec.Struct):
    preferredVersion: _Version | None = None
    versions: list[_Version] = []


class _Groups(msgspec.Struct):
    groups: list[_Group] = []


class _Resource(msgspec.Struct):
    name: str
    kind: str
    namespaced: bool
    verbs: list[str] | None = None


class _Resources(msgspec.Struct):
    groupVersion: str
    resources: list[_Resource] | None = None


async def discover(client: Client) -> Discovered:
    """Ask for all resources (without subresources). Raises StatusError when not even the list of groups is to be had."""
    response = await client.request("GET", "/apis")
    groups = msgspec.json.decode(_bytes(response.body), type=_Groups).groups
    versions = ["v1"]
    for group in groups:
        preferred = group.preferredVersion or (group.versions[0] if group.versions else None)
        if preferred is not None:
            versions.append(preferred.groupVersion)
    found = Discovered()
    async with asyncio.TaskGroup() as tasks:
        for version in versions:
            tasks.create_task(_ask(client, version, found))
    found.resources.sort(key=lambda s: (s.resource.group, s.resource.plural))
    return found


async def _ask(client: Client, version: str, found: Discovered) -> None:
    path = f"/apis/{version}" if "/" in version else f"/api/{version}"
    try:
        response = await client.request("GET", path)
    except StatusError as e:
        found.failures[version] = str(e)
        return
    listed = msgspec.json.decode(_bytes(response.body), type=_Resources)
    group, _, number = version.rpartition("/")
    for resource in listed.resources or ():
        if "/" not in resource.name:
            identity = Resource(group, number, resource.name, resource.kind, resource.namespaced)
            found.resources.append(Served(identity, frozenset(resource.verbs or ())))


def _bytes(body: object) -> bytes:
    if not isinstance(body, bytes):
        raise TypeError("discovery answered with a stream")
    return body
