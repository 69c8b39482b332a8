"""What a webhook is shown of an object: its values in the version that the webhook knows, and the way back from there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from steersman.api import codec
from steersman.api.codec import DecodeError
from steersman.api.errors import InternalError
from steersman.api.meta import Resource
from steersman.apiserver.admission.framework import Review
from steersman.apiserver.subresources.scale_versions import Form
from steersman.kinds.kind import Served

if TYPE_CHECKING:
    from steersman.apiserver.crd.registry import CustomRegistry
    from steersman.apiserver.server import App

PARTS = frozenset({"binding", "eviction", "token"})
"""Subresources whose objects are requests of their own."""


class Shape(Protocol):
    """One way to write an object down."""

    @property
    def kind(self) -> Resource:
        """What its values call it."""
        ...

    async def plain(self, obj: Any) -> Any:
        """The values of an object, which is not changed."""
        ...

    async def restore(self, plain: Any, obj: Any) -> Any:
        """A new object with other values, defaulted; `obj` is what it was. Raises DecodeError."""
        ...


@dataclass(frozen=True, slots=True)
class _Typed:
    """A kind of the server's own, at one of its versions."""

    served: Served

    @property
    def kind(self) -> Resource:
        return self.served.resource

    async def plain(self, obj: Any) -> Any:
        return codec.to_builtins(self.served.from_stored(obj))

    async def restore(self, plain: Any, obj: Any) -> Any:
        return self.served.adopt(codec.from_builtins(self.served.type, plain)[0])


@dataclass(frozen=True, slots=True)
class _Custom:
    """A custom resource at one version; `own` is where its objects are judged."""

    served: Served
    there: CustomRegistry
    own: CustomRegistry

    @property
    def kind(self) -> Resource:
        return self.served.resource

    async def plain(self, obj: Any) -> Any:
        if self.there.resource != self.own.resource:
            obj = await self.there.view.convert(obj.clone())
        return codec.to_builtins(obj)

    async def restore(self, plain: Any, obj: Any) -> Any:
        new = self.served.kind.revive(plain)
        if self.there.resource == self.own.resource:
            return new
        new = await self.own.view.convert(new)
        self.own.kind.default(new)
        return new


@dataclass(frozen=True, slots=True)
class _Scale:
    """An object as its Scale."""

    served: Served
    kind: Resource

    async def plain(self, obj: Any) -> Any:
        from steersman.apiserver.subresources import scale

        return codec.to_builtins(Form(self.kind).told(scale.scale_of(obj, scale.paths_of(self.served.kind))))

    async def restore(self, plain: Any, obj: Any) -> Any:
        from steersman.apiserver.subresources import scale

        form = Form(self.kind)
        wanted = form.understood(codec.from_builtins(form.type, plain)[0])
        return scale.scaled(obj, scale.paths_of(self.served.kind), wanted.spec.replicas or 0)


@dataclass(frozen=True, slots=True)
class _Part:
    """The object of a subresource that is a request of its own."""

    kind: Resource

    async def plain(self, obj: Any) -> Any:
        return codec.to_builtins(obj)

    async def restore(self, plain: Any, obj: Any) -> Any:
        return codec.from_builtins(type(obj), plain)[0]


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of a connection: plain values already."""

    kind: Resource

    async def plain(self, obj: Any) -> Any:
        return dict(obj)

    async def restore(self, plain: Any, obj: Any) -> Any:
        if not isinstance(plain, dict):
            raise DecodeError("the options of a connection must be an object")
        return plain


def asked(app: App, review: Review) -> Served:
    """The version in which the client speaks."""
    if review.served is not None:
        return review.served
    resource = review.resource
    endpoint = app.endpoint(resource.group, resource.version, resource.plural)
    return endpoint.served if endpoint is not None else Served(review.kind, resource, True, None)


def equivalents(app: App, served: Served) -> Iterable[Resource]:
    """All versions in which the resource is served."""
    if not served.kind.custom:
        found = [s.resource for s in served.kind.served()]
        return [r for r in found if app.endpoint(r.group, r.version, r.plural) is not None]
    mine = (served.resource.group, served.resource.plural)
    return [s.resource for s in app.custom.served if (s.resource.group, s.resource.plural) == mine]


def shape_of(app: App, review: Review, resource: Resource) -> Shape:
    """How the objects of a review are shown as those of `resource`, one of the versions of its own. Raises InternalError."""
    given = review.object if review.object is not None else review.old
    if isinstance(given, dict):
        return _Options(_named(given["apiVersion"], given["kind"]))
    if review.subresource in PARTS:
        return _Part(_named(given.apiVersion, given.kind))
    endpoint = app.endpoint(resource.group, resource.version, resource.plural)
    if endpoint is None:
        raise InternalError.occurred(f"unable to convert to {resource.api_version} {resource.plural}: unknown kind")
    if review.subresource == "scale":
        return _Scale(endpoint.served, Form.of(resource).resource)
    if not endpoint.kind.custom:
        return _Typed(endpoint.served)
    return _custom(app, review, endpoint.served)


def _custom(app: App, review: Review, served: Served) -> Shape:
    from steersman.apiserver.crd.registry import CustomRegistry

    def registry(resource: Resource) -> CustomRegistry:
        endpoint = app.endpoint(resource.group, resource.version, resource.plural)
        if endpoint is None or not isinstance(endpoint.registry, CustomRegistry):
            raise InternalError.occurred(f"unable to convert to {resource.api_version} {resource.plural}: unknown kind")
        return endpoint.registry

    return _Custom(served, registry(served.resource), registry(review.resource))


def _named(api_version: str, kind: str) -> Resource:
    group, _, version = api_version.rpartition("/")
    return Resource(group, version, "", kind, False)
