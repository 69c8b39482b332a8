"""Which representation a client wants: JSON or YAML, the object itself, a Table, or only its metadata."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from steersman.api.errors import NotAcceptable, UnsupportedMediaType

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
BodyMedia = Literal["json", "yaml", "protobuf"]
_OFFERED = f"{JSON}, {YAML}, {PROTOBUF}"

META_KINDS = frozenset(
    ("meta.k8s.io", version, kind)
    for version in ("v1", "v1beta1")
    for kind in ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")
)
DISCOVERY_KINDS = frozenset(("apidiscovery.k8s.io", version, "APIGroupDiscoveryList") for version in ("v2", "v2beta1"))
NO_KINDS: frozenset[tuple[str, str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The chosen representation; `kind` is empty when the object itself is wanted."""

    yaml: bool = False
    group: str = ""
    version: str = ""
    kind: str = ""

    @property
    def content_type(self) -> str:
        base = YAML if self.yaml else JSON
        return f"{base};g={self.group};v={self.version};as={self.kind}" if self.kind else base


_PLAIN = Accepted()


@lru_cache(maxsize=512)
def accept(header: str, kinds: frozenset[tuple[str, str, str]] = NO_KINDS) -> Accepted:
    """The best of what an Accept header asks for; `kinds` are the (group, version, kind) transformations on offer."""
    if not header:
        return _PLAIN
    for media, parameters in _clauses(header):
        wanted = _match(media, parameters, kinds)
        if wanted is not None:
            return wanted
    raise NotAcceptable(f"only the following media types are accepted: {_OFFERED}")


def _clauses(header: str) -> list[tuple[str, dict[str, str]]]:
    """The clauses of an Accept header, most wanted first."""
    weighed = []
    for position, clause in enumerate(header.split(",")):
        media, *rest = (p.strip() for p in clause.split(";"))
        parameters = dict(p.split("=", 1) for p in rest if "=" in p)
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 1.0
        if quality > 0:
            weighed.append((-quality, position, media.lower(), parameters))
    weighed.sort(key=lambda w: w[:2])
    return [(media, parameters) for _, _, media, parameters in weighed]


def _match(media: str, parameters: dict[str, str], kinds: frozenset[tuple[str, str, str]]) -> Accepted | None:
    if media in (JSON, "*/*", "application/*", "text/json"):
        yaml = False
    elif media == YAML:
        yaml = True
    else:
        return None
    kind = parameters.get("as", "")
    if not kind:
        return Accepted(yaml)
    group, version = parameters.get("g", ""), parameters.get("v", "")
    return Accepted(yaml, group, version, kind) if (group, version, kind) in kinds else None


def body_media(content_type: str) -> BodyMedia:
    """How a request body is written; an absent type means JSON. Raises UnsupportedMediaType."""
    media = content_type.partition(";")[0].strip().lower()
    if media in ("", JSON):
        return "json"
    if media in (YAML, "text/yaml", "application/x-yaml"):
        return "yaml"
    if media == PROTOBUF:
        return "protobuf"
    raise UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {_OFFERED}"
    )
