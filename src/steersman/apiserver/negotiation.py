"""Which representation a client wants: JSON, YAML or protobuf, the object itself, a Table, or only its metadata."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple

from steersman.api.errors import NotAcceptable, UnsupportedMediaType

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
Media = Literal["json", "yaml", "protobuf"]
_TYPES: dict[str, Media] = {JSON: "json", YAML: "yaml", PROTOBUF: "protobuf"}
CONTENT_TYPES: dict[Media, str] = {media: name for name, media in _TYPES.items()}
_OFFERED = ", ".join(_TYPES)
_STREAMED = f"{JSON};stream=watch, {PROTOBUF};stream=watch"

Kinds = frozenset[tuple[str, str, str]]
META_KINDS: Kinds = frozenset(
    ("meta.k8s.io", version, kind)
    for version in ("v1", "v1beta1")
    for kind in ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")
)
DISCOVERY_KINDS: Kinds = frozenset(
    ("apidiscovery.k8s.io", version, "APIGroupDiscoveryList") for version in ("v2", "v2beta1")
)
NO_KINDS: Kinds = frozenset()
# People read what these ask for.
_HUMAN = ("curl", "Wget", "Mozilla/5.0")
# So many clauses are put in order one by one.
_FEW = 12
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})


@dataclass(frozen=True, slots=True)
class Accepted:
    """The chosen representation; `kind` is empty when the object itself is wanted."""

    media: Media = "json"
    group: str = ""
    version: str = ""
    kind: str = ""
    pretty: bool = False
    """Whether JSON is to be indented."""

    @property
    def yaml(self) -> bool:
        return self.media == "yaml"

    @property
    def protobuf(self) -> bool:
        return self.media == "protobuf"

    @property
    def content_type(self) -> str:
        base = CONTENT_TYPES[self.media]
        return f"{base};g={self.group};v={self.version};as={self.kind}" if self.kind else base


_PLAIN = Accepted()


def find(header: str, kinds: Kinds = NO_KINDS, *, plain: bool = True, protobuf: bool = True) -> Accepted | None:
    """The best of what an Accept header asks for, or None.

    `kinds` are the (group, version, kind) transformations on offer, `plain` says whether the object itself is, and
    `protobuf` whether it is in that encoding, too.
    """
    if len(header) > _LONGEST:
        return _find(header, kinds, plain, protobuf)
    return _known(header, kinds, plain, protobuf)


def _find(header: str, kinds: Kinds, plain: bool, protobuf: bool) -> Accepted | None:
    if not header:
        return _PLAIN if plain else None
    for media_type, _, parameters in _clauses(header):
        for offered, media in _TYPES.items():
            if _matches(media_type, offered):
                found = _fit(media, parameters, kinds, plain and (protobuf or media != "protobuf"))
                if found is not None:
                    return found
    return None


# What most clients send is short.
_LONGEST = 1024
_known = lru_cache(maxsize=512)(_find)


def accept(header: str, kinds: Kinds = NO_KINDS, *, protobuf: bool = True) -> Accepted:
    """As `find`. Raises NotAcceptable."""
    found = find(header, kinds, protobuf=protobuf)
    if found is None:
        raise NotAcceptable(f"only the following media types are accepted: {_OFFERED}")
    return found


def streamed(accepted: Accepted) -> str:
    """The content type of a watch in this representation. Raises NotAcceptable."""
    if accepted.yaml:
        raise NotAcceptable(f"only the following media types are accepted: {_STREAMED}")
    return f"{PROTOBUF};stream=watch" if accepted.protobuf else JSON


def readable(accepted: Accepted, pretty: str, user_agent: str) -> Accepted:
    """The same, with JSON indented for people: by the value of the parameter `pretty`, or else by their client."""
    if not (pretty or user_agent.startswith(_HUMAN)) or accepted.media != "json":
        return accepted
    if pretty and pretty not in _TRUE:
        return accepted
    return replace(accepted, pretty=True)


class _Clause(NamedTuple):
    media: str
    quality: float
    parameters: dict[str, str]


def _clauses(header: str) -> list[_Clause]:
    """The clauses of an Accept header, most wanted first.

    Upstream's order is no order: what is precise goes before a wildcard of higher quality that stands before it, and after
    one that stands behind it. Clients have come to depend on what its sort makes of that, which for a few clauses is this.
    """
    clauses = [clause for text in header.split(",") if (clause := _clause(text)) is not None]
    if len(clauses) > _FEW:
        return sorted(clauses, key=lambda c: (-c.quality, c.media.count("*")))
    found: list[_Clause] = []
    for clause in clauses:
        at = len(found)
        while at > 0 and _precedes(clause, found[at - 1]):
            at -= 1
        found.insert(at, clause)
    return found


def _clause(text: str) -> _Clause | None:
    media, *rest = (part.strip(" ") for part in text.split(";"))
    if media == "*":
        media = "*/*"
    if media.count("/") != 1:
        return None
    parameters = {k.strip(" "): v.strip(" ") for k, _, v in (p.partition("=") for p in rest) if v}
    try:
        quality = float(parameters.pop("q", "1"))
    except ValueError:
        quality = 0.0
    return _Clause(media, quality, parameters)


def _precedes(one: _Clause, other: _Clause) -> bool:
    (type_, _, subtype), (other_type, _, other_subtype) = one.media.partition("/"), other.media.partition("/")
    return (
        one.quality > other.quality or (type_ != "*" and other_type == "*") or (subtype != "*" and other_subtype == "*")
    )


def _matches(wanted: str, offered: str) -> bool:
    return wanted in (offered, "application/*", "*/*")


def _fit(media: Media, parameters: dict[str, str], kinds: Kinds, plain: bool) -> Accepted | None:
    """The representation that a clause asks for, if it is on offer."""
    stream = parameters.get("stream", "")
    if (stream and (stream != "watch" or media == "yaml")) or parameters.get("sv", "v1") != "v1":
        return None
    indented = media == "json" and parameters.get("pretty") == "1"
    wanted = tuple(parameters.get(name, "") for name in ("g", "v", "as"))
    if not any(wanted):
        return Accepted(media, pretty=indented) if plain else None
    group, version, kind = wanted
    # Tables have no protobuf.
    if (group, version, kind) not in kinds or (kind == "Table" and media == "protobuf"):
        return None
    return Accepted(media, group, version, kind, indented)


def body_media(content_type: str) -> Media:
    """How a request body is written; an absent type means JSON. Raises UnsupportedMediaType."""
    name, *parameters = content_type.split(";")
    media = _TYPES.get(name.strip().lower()) if content_type else "json"
    if media is None or any(p.strip() and "=" not in p for p in parameters):
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: {_OFFERED}"
        )
    return media
