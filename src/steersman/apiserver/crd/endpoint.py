"""What a path to custom objects leads to: one version of a definition, with what its answers are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from steersman.api import codec
from steersman.api.apply import Versions
from steersman.api.codec import DecodeError
from steersman.apiserver import negotiation
from steersman.apiserver.cached import BOOKMARK, Cached
from steersman.apiserver.context import Context, Endpoint, heading
from steersman.apiserver.crd.fieldschema import CustomFieldManager
from steersman.apiserver.crd.kind import CustomKind
from steersman.apiserver.crd.version import Version
from steersman.apiserver.crd.view import View
from steersman.apiserver.frames import Frames
from steersman.apiserver.managedfields import FieldManager
from steersman.apiserver.registry import Registry
from steersman.apiserver.watchstream import Encoder
from steersman.kinds.kind import Served


class Pending(bytes):
    """The line of a watch event that is not made yet, because its object must be converted by somebody else."""

    type: str
    item: Cached
    encode: Encoder


@dataclass(frozen=True, slots=True)
class CustomEndpoint(Endpoint):
    view: View = field(kw_only=True)
    versions: Versions = field(kw_only=True)
    """The schemas of all versions, for the owners of fields."""

    @classmethod
    def make(
        cls,
        served: Served,
        registry: Registry,
        warnings: tuple[str, ...],
        *,
        view: View,
        versions: Versions,
        frames: Frames,
    ) -> CustomEndpoint:
        head, columns = heading(served)
        return cls(served, registry, head, columns, False, warnings, frames, view=view, versions=versions)

    @property
    def protobuf(self) -> bool:
        return False

    @property
    def rules(self) -> Version:
        return cast(CustomKind, self.served.kind).rules

    def fields(self, subresource: str = "") -> FieldManager:
        found = self._managers.get(subresource)
        if found is None:
            found = self._managers[subresource] = CustomFieldManager(self.served, subresource, self.versions)
        return found

    def decode(self, ctx: Context, *, strict: bool) -> tuple[Any, list[str]]:
        media = negotiation.body_media(ctx.request.headers.get("content-type", ""))
        if media == "protobuf":
            raise DecodeError(
                "object *unstructured.Unstructured does not implement the protobuf marshalling interface and cannot be "
                "encoded to a protobuf message"
            )
        plain, repeated = codec.decode_plain(ctx.request.body, media=media, strict=strict)
        obj, unknown = self.rules.build(plain)
        if ctx.trail is not None:
            ctx.trail.decoded(obj)
        return obj, repeated + unknown

    def build(self, plain: Any) -> tuple[Any, list[str]]:
        return self.rules.build(plain)

    def outgoing(self, body: bytes) -> bytes:
        """What was seen is in this version already."""
        return body

    async def told(self, body: bytes) -> bytes:
        return await self.view.told(body)

    async def seen(self, items: list[Cached]) -> list[Cached]:
        return await self.view.items(items)

    def transform(self, encode: Encoder) -> Encoder:
        view = self.view
        if view.immediate:

            def shown(type_: str, item: Cached) -> bytes:
                return encode(type_, view.bookmark(item) if type_ == BOOKMARK else view.now(item))

            return shown

        def later(type_: str, item: Cached) -> bytes:
            if type_ == BOOKMARK:
                return encode(type_, view.bookmark(item))
            line = Pending(b"?")
            line.type, line.item, line.encode = type_, item, encode
            return line

        return later

    async def finish(self, batch: list[bytes]) -> bytes:
        waiting = [line for line in batch if isinstance(line, Pending)]
        if not waiting:
            return b"".join(batch)
        seen = iter(await self.view.items([line.item for line in waiting]))
        return b"".join(line.encode(line.type, next(seen)) if isinstance(line, Pending) else line for line in batch)
