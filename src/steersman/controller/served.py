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
    """A resource in the most preferred version of its group that has it, and what can be done with it."""

    resource: Resource
    verbs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Discovered:
    """Everything that is served, each stored resource once; `failures` tells the group versions that could not be asked, with
    the reason.

    `others` are resources that are served by another group as well, and which of `resources` they are.
    """

    resources: list[Served] = field(default_factory=list)
    others: list[tuple[Resource, Resource]] = field(default_factory=list)
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
    storageVersionHash: str = ""


class _Resources(msgspec.Struct):
    groupVersion: str
    resources: list[_Resource] | None = None


async def discover(client: Client) -> Discovered:
    """Ask for all resources (without subresources), each in the best version that has it.

    Raises StatusError when not even the list of groups is to be had.
    """
    groups = msgspec.json.decode(await client.answer("GET", "/apis"), type=_Groups).groups
    versions = ["v1"]
    for group in groups:
        preferred = [group.preferredVersion] if group.preferredVersion is not None else []
        names = (v.groupVersion for v in (*preferred, *group.versions))
        versions += dict.fromkeys(names)
    found = Discovered()
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(_ask(client, version, found)) for version in versions]
    best: dict[tuple[str, str], Served] = {}
    stored: dict[str, Resource] = {}
    for task in asked:
        for served, storage in task.result():
            resource = served.resource
            first = stored.setdefault(storage, resource) if storage else resource
            if first.group != resource.group:
                found.others.append((resource, first))
            else:
                best.setdefault((resource.group, resource.plural), served)
    found.resources.extend(best[key] for key in sorted(best))
    return found


async def _ask(client: Client, version: str, found: Discovered) -> list[tuple[Served, str]]:
    """What a group version holds, each with the mark of what is stored of it: the same for whatever is the same."""
    path = f"/apis/{version}" if "/" in version else f"/api/{version}"
    try:
        answer = await client.answer("GET", path)
    except StatusError as e:
        found.failures[version] = str(e)
        return []
    listed = msgspec.json.decode(answer, type=_Resources)
    group, _, number = version.rpartition("/")
    return [
        (Served(Resource(group, number, r.name, r.kind, r.namespaced), frozenset(r.verbs or ())), r.storageVersionHash)
        for r in listed.resources or ()
        if "/" not in r.name
    ]
