"""Objects whose type is known by a schema only: typed metadata, and plain values for everything else."""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from steersman.api.copies import copy

_encoder = msgspec.json.Encoder(order="deterministic")


class Untyped:
    """An object as handlers need it. `content` holds every member but kind, apiVersion and metadata (an ObjectMeta)."""

    __slots__ = ("apiVersion", "content", "kind", "metadata")

    def __init__(self, kind: str, apiVersion: str, metadata: Any, content: dict[str, Any]) -> None:
        self.kind = kind
        self.apiVersion = apiVersion
        self.metadata = metadata
        self.content = content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Untyped) and self.plain() == other.plain()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Untyped({self.apiVersion} {self.kind} {self.metadata.namespace}/{self.metadata.name})"

    def plain(self) -> dict[str, Any]:
        """All members, in the order in which they are written. Shares them with the object."""
        return {"kind": self.kind, "apiVersion": self.apiVersion, "metadata": self.metadata, **self.content}

    def clone(self) -> Untyped:
        """A deep copy."""
        return Untyped(self.kind, self.apiVersion, copy(self.metadata), msgspec.to_builtins(self.content))

    def encode(self) -> bytes:
        """JSON; equal objects give equal bytes, whatever the order of their members was."""
        head = b'{"kind":%b,"apiVersion":%b,"metadata":%b' % (
            _encoder.encode(self.kind),
            _encoder.encode(self.apiVersion),
            _encoder.encode(self.metadata),
        )
        if not self.content:
            return head + b"}"
        return head + b"," + _encoder.encode(self.content)[1:]


def encoding_hook(value: Any) -> Any:
    """What msgspec asks of values that it does not know: untyped objects are the mapping of their members."""
    if isinstance(value, Untyped):
        return value.plain()
    return _unknown(value)


def _unknown(value: Any) -> NoReturn:
    raise TypeError(f"{type(value).__name__} cannot be encoded")
