"""One request on its way through the handlers, and the endpoint that it reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from steersman.api import codec
from steersman.api.http import Request, User
from steersman.apiserver import negotiation
from steersman.apiserver.cached import Cached
from steersman.apiserver.frames import Frames
from steersman.apiserver.managedfields import FieldManager, manager_name
from steersman.apiserver.negotiation import Accepted
from steersman.apiserver.requestinfo import Query, RequestInfo
from steersman.apiserver.watchstream import Encoder
from steersman.kinds import wire_fields
from steersman.kinds.kind import Kind, Served

if TYPE_CHECKING:
    from steersman.apiserver.audit.trail import Trail
    from steersman.apiserver.authz import Decision
    from steersman.apiserver.registry import Registry

S = TypeVar("S", bound=Struct)


@dataclass(slots=True)
class Context:
    """A request, what it means and who asks. `warnings` become Warning headers of whatever is answered."""

    request: Request
    info: RequestInfo
    query: Query
    user: User
    warnings: list[str] = field(default_factory=list)
    endpoint: Endpoint | None = None
    """What the path leads to, if that is stored."""
    decision: Decision | None = None
    """What the authorizer has said to it."""
    trail: Trail | None = None
    """Where the audit notes down what happens."""

    @property
    def annotations(self) -> dict[str, str]:
        """What is noted down for the audit, by names that are the noters' own."""
        return {} if self.trail is None else self.trail.annotations

    def note(self, name: str, value: str) -> None:
        """Note something down for the audit; what is there already stays."""
        if self.trail is not None:
            self.trail.annotations.setdefault(name, value)

    def accept(self) -> Accepted:
        """The representation of the object itself; no transformations. Raises NotAcceptable."""
        return self._accept(negotiation.NO_KINDS)

    def accept_meta(self) -> Accepted:
        """The representation, with Tables and bare metadata on offer. Raises NotAcceptable."""
        return self._accept(negotiation.META_KINDS)

    def _accept(self, kinds: negotiation.Kinds) -> Accepted:
        headers = self.request.headers
        header = headers.get("accept", "")
        # Nobody gets it who does not name it.
        protobuf = negotiation.PROTOBUF in header and (self.endpoint is None or self.endpoint.protobuf)
        accepted = negotiation.accept(header, kinds, protobuf=protobuf)
        return negotiation.readable(accepted, self.query.get("pretty"), headers.get("user-agent", ""))

    def manager(self, field_manager: str) -> str:
        """Who writes, in terms of metadata.managedFields."""
        return manager_name(field_manager, self.request.headers.get("user-agent", ""))

    def decode(self, cls: type[S], *, strict: bool = True) -> tuple[S, list[str]]:
        """The body as an object of this type, and the problems that strict decoding objects to.

        Raises UnsupportedMediaType, DecodeError.
        """
        media = negotiation.body_media(self.request.headers.get("content-type", ""))
        if media == "protobuf":
            from steersman.kinds import wire

            if not wire_fields.known(cls):
                raise codec.DecodeError(
                    f"object *{cls.__name__} does not implement the protobuf marshalling interface and cannot be "
                    f"encoded to a protobuf message"
                )
            found = codec.from_builtins(cls, wire.decode(cls, self.request.body))
        else:
            found = codec.decode_lenient(cls, self.request.body, media=media, strict=strict)
        if self.trail is not None:
            self.trail.decoded(found[0])
        return found


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A kind at one version, with what answers are made of."""

    served: Served
    registry: Registry
    list_head: bytes
    columns: bytes
    """The column definitions of its Tables."""
    plain: bool = True
    """Whether clients are told stored bytes as they are."""
    warnings: tuple[str, ...] = ()
    """What whoever uses this version is told."""
    frames: Frames = field(default_factory=Frames, compare=False, repr=False)
    """Its objects in protobuf; shared with other endpoints."""
    encoders: dict[tuple[Accepted, str], Encoder] = field(default_factory=dict, compare=False, repr=False)
    """The encoders of its watches, by representation and by what rows of Tables include."""
    _managers: dict[str, FieldManager] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, served: Served, registry: Registry, frames: Frames) -> Endpoint:
        head, columns = heading(served)
        warnings = (served.deprecation,) if served.deprecation else ()
        return cls(served, registry, head, columns, served.version is None, warnings, frames)

    @property
    def kind(self) -> Kind[Any]:
        return self.served.kind

    def fields(self, subresource: str = "") -> FieldManager:
        """Who keeps track of the owners of fields in writes to a subresource, or to the object itself."""
        found = self._managers.get(subresource)
        if found is None:
            found = self._managers[subresource] = FieldManager(self.served, subresource)
        return found

    @property
    def protobuf(self) -> bool:
        """Whether its objects have that encoding."""
        return wire_fields.known(self.served.type)

    @property
    def converts(self) -> bool:
        """Whether stored objects must be converted to be served here."""
        return self.served.version is not None

    def encode(self, obj: Any) -> bytes:
        """A stored object in this version."""
        return codec.encode(self.served.from_stored(obj))

    def decode(self, ctx: Context, *, strict: bool) -> tuple[Any, list[str]]:
        """The request's body in this version, and the problems that strict decoding objects to.

        Raises UnsupportedMediaType, DecodeError.
        """
        return ctx.decode(self.served.type, strict=strict)

    def build(self, plain: Any) -> tuple[Any, list[str]]:
        """As `decode`, from plain values."""
        return codec.from_builtins(self.served.type, plain)

    async def told(self, body: bytes) -> bytes:
        """The stored bytes of one object as clients of this version are told them."""
        return self.outgoing(body)

    async def seen(self, items: list[Cached]) -> list[Cached]:
        """Stored objects as they are to be worked with in this version, where that takes more than `outgoing`."""
        return items

    def transform(self, encode: Encoder) -> Encoder:
        """An encoder of watch events, before it is used: for versions that must work on what is encoded."""
        return encode

    async def finish(self, batch: list[bytes]) -> bytes:
        """The lines of a watch as they are sent."""
        return b"".join(batch)

    def outgoing(self, body: bytes) -> bytes:
        """The stored object's bytes in this version."""
        if self.served.version is None:
            return body
        return self.encode(self.registry.decode(body))


def heading(served: Served) -> tuple[bytes, bytes]:
    """How lists begin, up to the value of their resourceVersion; and the column definitions of Tables."""
    head = f'{{"kind":"{served.kind.list_kind}","apiVersion":"{served.resource.api_version}","metadata":{{"resourceVersion":"'
    columns = [
        {"name": c.name, "type": c.type, "format": c.format, "description": c.description, "priority": c.priority}
        for c in served.kind.columns
    ]
    return head.encode(), codec.encode(columns)
