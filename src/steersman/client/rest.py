"""The typed client: every verb of the API by an object's type, over any transport."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec

from steersman.api.errors import NotFound, StatusError, from_status
from steersman.api.http import Request, Response
from steersman.api.meta import Resource
from steersman.client import decode
from steersman.client.transport import Transport, close_body


class ApiObject(Protocol):
    """What the client needs of an object: kinds.types' objects and metadata.PartialObject are such."""

    __resource__: ClassVar[Resource]

    @property
    def metadata(self) -> Any: ...


T = TypeVar("T", bound=ApiObject)
PatchKind = Literal["merge", "strategic", "json"]
Propagation = Literal["Background", "Foreground", "Orphan"]
Query = Mapping[str, str | int | bool | None]

_PATCH_TYPES: dict[str, str] = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
}
_JSON = "application/json"
# These ask for the objects' metadata alone.
METADATA_ACCEPT = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"
METADATA_LIST_ACCEPT = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list: its objects, the revision they were read at, and the token of the next page (empty at the end)."""

    items: list[T]
    resource_version: str
    next: str = ""


@dataclass(frozen=True, slots=True)
class WatchEvent(Generic[T]):
    """ADDED, MODIFIED or DELETED with the object, or BOOKMARK with an object of which only the resourceVersion counts."""

    type: str
    object: T


class Client:
    """Typed access to one API server.

    Methods take the object's type (`Pod`) and answer with fresh objects of it that the caller owns; objects passed in are
    not changed. Every failure is a StatusError: the server's own, or transport.Unreachable when none came. Types whose
    resource is not known by the class (metadata.PartialObject) need `resource`.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    async def close(self) -> None:
        await self.transport.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> Response:
        """One raw request; `body` is bytes, or anything msgspec encodes. Raises StatusError for statuses from 400."""
        sent = {"accept": _JSON, **(headers or {})}
        content = b""
        if body is not None:
            content = body if isinstance(body, bytes) else msgspec.json.encode(body)
            sent.setdefault("content-type", _JSON)
        response = await self.transport.send(Request(method, path, _encode_query(query), sent, content), stream=stream)
        if response.status >= 400:
            raise await _error(response)
        return response

    async def answer(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """A `request` and the whole body of its response."""
        response = await self.request(method, path, query=query, body=body, headers=headers)
        if not isinstance(response.body, bytes):
            raise TypeError(f"a streamed answer to {method} {path}")
        return response.body

    async def get(self, type_: type[T], name: str, namespace: str = "", *, resource: Resource | None = None) -> T:
        return await self._object(type_, "GET", _resource(type_, resource).path(namespace, name))

    async def list(
        self,
        type_: type[T],
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        *,
        limit: int = 0,
        after: str = "",
        resource_version: str = "",
        resource: Resource | None = None,
    ) -> Page[T]:
        """One page of a collection (all of it without `limit`); `after` is the `next` of the page before."""
        query: Query = {
            "labelSelector": labels,
            "fieldSelector": fields,
            "limit": limit,
            "continue": after,
            "resourceVersion": resource_version,
        }
        answer = await self.answer(
            "GET",
            _resource(type_, resource).path(namespace),
            query=query,
            headers=_accept(type_, METADATA_LIST_ACCEPT),
        )
        found = decode.list_of(type_, answer)
        return Page(found.items or [], found.metadata.resourceVersion, found.metadata.continue_)

    async def create(self, obj: T) -> T:
        """Store a new object in its metadata's namespace; its name may be left to `generateName`."""
        path = obj.__resource__.path(obj.metadata.namespace)
        return await self._object(type(obj), "POST", path, body=obj)

    async def update(self, obj: T, subresource: str = "") -> T:
        """Replace the object; its resourceVersion, when set, must be the stored one (Conflict otherwise)."""
        path = obj.__resource__.path(obj.metadata.namespace, obj.metadata.name, subresource)
        return await self._object(type(obj), "PUT", path, body=obj)

    async def update_status(self, obj: T) -> T:
        return await self.update(obj, "status")

    async def patch(
        self,
        type_: type[T],
        name: str,
        body: Any,
        namespace: str = "",
        kind: PatchKind = "merge",
        subresource: str = "",
        *,
        resource: Resource | None = None,
    ) -> T:
        path = _resource(type_, resource).path(namespace, name, subresource)
        return await self._object(type_, "PATCH", path, body=body, headers={"content-type": _PATCH_TYPES[kind]})

    async def delete(
        self,
        type_: type[T],
        name: str,
        namespace: str = "",
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        grace: int | None = None,
        propagation: Propagation | None = None,
        resource: Resource | None = None,
    ) -> str:
        """Delete the object if it still has that uid and resourceVersion (Conflict otherwise); `grace` is in seconds.

        Answers with the resourceVersion of the change when the server tells it: of an object that is now terminating.
        """
        path = _resource(type_, resource).path(namespace, name)
        options = _delete_options(uid, resource_version, grace, propagation)
        return decode.version(await self.answer("DELETE", path, body=options))

    async def delete_seen(
        self,
        obj: ApiObject,
        *,
        unchanged: bool = False,
        grace: int | None = None,
        propagation: Propagation | None = None,
        resource: Resource | None = None,
    ) -> str | None:
        """Delete this very object (Conflict if another has its name) and no newer state of it if it must be `unchanged`.

        Answers as `delete` does, and with None when it is gone already: somebody was faster, which is as good.
        """
        meta = obj.metadata
        version = meta.resourceVersion if unchanged else None
        try:
            return await self.delete(
                type(obj),
                meta.name,
                meta.namespace,
                uid=meta.uid,
                resource_version=version,
                grace=grace,
                propagation=propagation,
                resource=resource,
            )
        except NotFound:
            return None

    async def delete_collection(
        self,
        type_: type[T],
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        *,
        grace: int | None = None,
        propagation: Propagation | None = None,
        resource: Resource | None = None,
    ) -> None:
        path = _resource(type_, resource).path(namespace)
        query = {"labelSelector": labels, "fieldSelector": fields}
        await self.request("DELETE", path, query=query, body=_delete_options(None, None, grace, propagation))

    async def watch(
        self,
        type_: type[T],
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        *,
        resource_version: str = "",
        timeout: int = 0,
        resource: Resource | None = None,
    ) -> AsyncGenerator[WatchEvent[T]]:
        """The changes after `resource_version`, in order, with bookmarks, until the server ends it (`timeout` in seconds).

        An ERROR event is raised as its StatusError (Expired when the revision is gone). Close the iterator when leaving it
        early (`contextlib.aclosing`).
        """
        query: Query = {
            "watch": True,
            "labelSelector": labels,
            "fieldSelector": fields,
            "resourceVersion": resource_version,
            "allowWatchBookmarks": True,
            "timeoutSeconds": timeout,
        }
        path = _resource(type_, resource).path(namespace)
        response = await self.request("GET", path, query=query, headers=_accept(type_, METADATA_ACCEPT), stream=True)
        decode_event = decode.event_decoder(type_)
        async with aclosing(lines(response)) as found:
            async for line in found:
                yield WatchEvent(*decode_event(line))

    async def bind(self, namespace: str, pod: str, node: str, *, uid: str = "") -> None:
        """Assign a pod to a node, as the scheduler does; Conflict when it has a node already or the uid differs."""
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod, "namespace": namespace, **({"uid": uid} if uid else {})},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        await self.request("POST", f"/api/v1/namespaces/{namespace}/pods/{pod}/binding", body=body)

    async def _object(
        self, type_: type[T], method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> T:
        sent = {**_accept(type_, METADATA_ACCEPT), **(headers or {})}
        return decode.one(type_, await self.answer(method, path, body=body, headers=sent))


async def lines(response: Response) -> AsyncGenerator[bytes]:
    """The lines of a streamed body, which is closed at the end whatever the end is."""
    body = response.body
    if isinstance(body, bytes):
        for line in body.splitlines():
            yield line
        return
    rest = b""
    try:
        async for chunk in body:
            *whole, rest = (rest + chunk).split(b"\n") if rest else chunk.split(b"\n")
            for line in whole:
                if line:
                    yield line
    finally:
        await close_body(body)


def _resource(type_: type[ApiObject], resource: Resource | None) -> Resource:
    return resource if resource is not None else type_.__resource__


def _accept(type_: type[ApiObject], metadata: str) -> Mapping[str, str]:
    return {"accept": metadata} if getattr(type_, "__metadata_only__", False) else {}


def _encode_query(query: Query | None) -> str:
    """Parameters that are empty, zero, false or None are left out: all of them mean the same as absence."""
    if not query:
        return ""
    return urlencode({k: "true" if v is True else v for k, v in query.items() if v})


def _delete_options(
    uid: str | None, resource_version: str | None, grace: int | None, propagation: str | None
) -> dict[str, Any] | None:
    preconditions = {k: v for k, v in (("uid", uid), ("resourceVersion", resource_version)) if v is not None}
    options: dict[str, Any] = {}
    if preconditions:
        options["preconditions"] = preconditions
    if grace is not None:
        options["gracePeriodSeconds"] = grace
    if propagation is not None:
        options["propagationPolicy"] = propagation
    return {"kind": "DeleteOptions", "apiVersion": "v1", **options} if options else None


async def _error(response: Response) -> StatusError:
    """The error an answer tells of, also when a proxy or a dying server wrote something that is no Status."""
    body = response.body
    if not isinstance(body, bytes):
        body = b"".join([line async for line in lines(response)])
    try:
        status = msgspec.json.decode(body)
    except msgspec.DecodeError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return from_status({"code": response.status, **status})
    text = body[:512].decode(errors="replace").strip()
    return from_status({"code": response.status, "message": text or f"the server answered {response.status}"})
