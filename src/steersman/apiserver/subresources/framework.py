"""How a subresource declares itself, and how a request finds it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steersman.api.errors import MethodNotAllowed, NotFound
from steersman.api.http import Response
from steersman.apiserver.context import Context, Endpoint

if TYPE_CHECKING:
    from steersman.apiserver.server import App

Handler = Callable[["App", Context, Endpoint], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Subresource:
    """One subresource: its handlers by verb (as in RequestInfo). `plural` limits it to one resource of the core group."""

    name: str
    handlers: Mapping[str, Handler]
    plural: str = ""


class Subresources:
    """All of them, by name and resource."""

    def __init__(self, found: Mapping[tuple[str, str], Subresource]) -> None:
        self._found = dict(found)

    @classmethod
    def discover(cls) -> Subresources:
        """Every SUBRESOURCES of the modules in this package."""
        found: dict[tuple[str, str], Subresource] = {}
        package = importlib.import_module("steersman.apiserver.subresources")
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            for subresource in getattr(importlib.import_module(module.name), "SUBRESOURCES", ()):
                found[(subresource.name, subresource.plural)] = subresource
        return cls(found)

    async def handle(self, app: App, ctx: Context, endpoint: Endpoint) -> Response:
        """Answer a request for a subresource. Raises NotFound, MethodNotAllowed."""
        name = ctx.info.subresource
        if name not in endpoint.kind.subresources or (ctx.info.rest and name != "proxy"):
            raise NotFound.path()
        plural = endpoint.kind.resource.plural
        subresource = self._found.get((name, plural)) or self._found.get((name, ""))
        if subresource is None:
            raise NotFound.path()
        handler = subresource.handlers.get(ctx.info.verb)
        if handler is None:
            raise MethodNotAllowed()
        return await handler(app, ctx, endpoint)
