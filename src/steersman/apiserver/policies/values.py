"""What the expressions of policies see of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.api import codec
from steersman.api.errors import NotFound
from steersman.api.meta import Resource
from steersman.apiserver.policies.matching import Asked
from steersman.apiserver.policies.params import Param
from steersman.apiserver.webhook import conditions, conversation, objects, shapes
from steersman.apiserver.webhook.shapes import Shape
from steersman.kinds.types.core_v1 import Namespace

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_HIDDEN = ("managedFields", "ownerReferences", "selfLink")


class Sight:
    """A request as one of its resources: its object there, and the values of the variables."""

    def __init__(self, app: App, asked: Asked, resource: Resource) -> None:
        self._app, self._asked, self.resource = app, asked, resource
        self.shape: Shape = shapes.shape_of(app, asked.review, resource)
        self._values: dict[str, Any] | None = None

    async def values(self, param: Param, namespace: dict[str, Any] | None = None) -> dict[str, Any]:
        """The values for one parameter."""
        if self._values is None:
            self._values = await self._load()
        return {**self._values, "params": param.value, "namespaceObject": namespace}

    async def _load(self) -> dict[str, Any]:
        review, app = self._asked.review, self._app
        asked_kind = shapes.shape_of(app, review, self._asked.resource).kind
        about = conversation.request(review, (self._asked.resource, asked_kind), (self.resource, self.shape.kind))
        new, old = await self._objects()
        return conditions.variables(about, new, old, review.user, app.authorizer)

    async def _objects(self) -> tuple[Any, Any]:
        review = self._asked.review
        return await self.shape.plain(review.object) if review.object is not None else None, (
            await self.shape.plain(review.old) if review.old is not None else None
        )


class EarlySight(Sight):
    """As above, before the object has what only the server gives it."""

    async def _objects(self) -> tuple[Any, Any]:
        return await objects.shown(self._asked.review, self.shape)


def namespace_object(app: App, asked: Asked) -> dict[str, Any] | None:
    """The namespace of the request; None for what lies in none. Raises NotFound."""
    name = asked.review.namespace
    if not name:
        return None
    found: Namespace | None = app.registries.get(Namespace, "", name)
    if found is None:
        raise NotFound.of(Namespace.__resource__, name)
    plain: dict[str, Any] = codec.to_builtins(found)
    plain["metadata"] = {k: v for k, v in plain["metadata"].items() if k not in _HIDDEN}
    return plain
