"""Serves /openapi/v2 and /openapi/v3: documents are built when first asked for, and kept as compressed bytes with an ETag."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from steersman.api.errors import NotAcceptable, NotFound
from steersman.api.http import Response
from steersman.apiserver.openapi import custom, foreign, gnostic, v2, v3
from steersman.apiserver.openapi.descriptions import describe
from steersman.apiserver.openapi.model import Model, build
from steersman.kinds.catalog import Catalog
from steersman.kinds.kind import Served

_V2 = "/openapi/v2"
_V3 = "/openapi/v3"
# Where types that every kind uses are, such as ObjectMeta.
_MACHINERY = "io.k8s.apimachinery."
_JSON = "application/json"
_GZIP = 31
# The same document under the name it was registered by, and under its later one.
_PROTOBUF = (
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
)


class Described(Protocol):
    """How another server describes a group version of its own, which is found under `path` (apis/GROUP/VERSION)."""

    @property
    def path(self) -> str: ...
    @property
    def v3_url(self) -> str:
        """Where that server has the v3 document; empty when it has none."""
        ...

    @property
    def v2(self) -> dict[str, Any]:
        """Paths and definitions of the v2 document."""
        ...

    @property
    def digest(self) -> str:
        """Changes with the v2 document."""
        ...


@dataclass(frozen=True, slots=True)
class _Document:
    """`packed` is in gzip: documents are large, asked for rarely, and of much repetition."""

    content_type: str
    packed: bytes
    etag: str

    @classmethod
    def of(cls, content_type: str, body: bytes) -> _Document:
        return cls(content_type, zlib.compress(body, 6, _GZIP), f'"{hashlib.sha256(body).hexdigest().upper()}"')


class OpenAPIService:
    """Implements the server's OpenAPI hook over the catalogue; `serves` says which versions are described."""

    def __init__(
        self,
        catalog: Catalog,
        version: str,
        *,
        serves: Callable[[Served], bool] = lambda served: served.served_by_default,
    ) -> None:
        self._version = version
        self._served: Sequence[Served] = [s for s in catalog.served if serves(s)]
        self._documents: dict[str, _Document] = {}
        self._custom: Sequence[Served] = ()
        self._foreign: Sequence[Described] = ()
        # The parts of the v2 document that no custom resource changes, deflated: paths and definitions by representation.
        self._bases: dict[str, tuple[bytes, bytes]] = {}

    def customize(self, served: Sequence[Served]) -> None:
        """Describe these custom resources, and no others, besides the server's own."""
        names = {_group_version_path(s) for s in (*served, *self._custom)}
        self._custom = served
        for key in (_V3, "v2.json", "v2.pb", *(f"v3/{n}" for n in names)):
            self._documents.pop(key, None)

    def aggregate(self, described: Sequence[Described]) -> None:
        """Put these descriptions of other servers, and no others, beside one's own."""
        paths = {d.path for d in (*described, *self._foreign)}
        self._foreign = described
        for key in (_V3, "v2.json", "v2.pb", *(f"v3/{p}" for p in paths)):
            self._documents.pop(key, None)

    async def get(self, path: str, accept: str, if_none_match: str, *, gzip: bool = False) -> Response:
        path = path.rstrip("/")
        if path == _V2:
            return _answer(self._v2(accept), if_none_match, gzip)
        if path == _V3:
            return _answer(self._document(_V3, _JSON, self._index), if_none_match, gzip)
        if path.startswith(_V3 + "/"):
            return self._v3(path.removeprefix(_V3 + "/"), accept, if_none_match, gzip)
        raise NotFound.path()

    def _document(self, key: str, content_type: str, make: Callable[[], bytes]) -> _Document:
        found = self._documents.get(key)
        if found is None:
            found = self._documents[key] = _Document.of(content_type, make())
        return found

    def _v2(self, accept: str) -> _Document:
        """Protobuf when it is asked for by name, JSON when that or anything is welcome."""
        for wanted in (part.split(";")[0].strip() for part in accept.split(",")):
            if wanted in _PROTOBUF:
                return self._document("v2.pb", _PROTOBUF[1], self._v2_protobuf)
            if wanted in ("", "*/*", "application/*", _JSON):
                return self._document("v2.json", _JSON, self._v2_json)
        raise NotAcceptable(f"only the following media types are accepted: {_JSON}, {_PROTOBUF[1]}")

    def _v2_protobuf(self) -> bytes:
        paths, definitions = self._base("pb", gnostic.parts)
        found = self._customs()
        if self._custom or self._foreign:
            more = gnostic.parts(found)
            paths, definitions = paths + more[0], definitions + more[1]
        return gnostic.join(found, paths, definitions)

    def _v2_json(self) -> bytes:
        found = self._customs()
        parts = self._base("json", _members)
        joined = [b",".join(p for p in pair if p) for pair in zip(parts, _members(found), strict=True)]
        head = msgspec.json.encode({"swagger": found["swagger"], "info": found["info"]})[:-1]
        return b'%b,"paths":{%b},"definitions":{%b}}' % (head, *joined)

    def _base(self, key: str, parts: Callable[[dict[str, Any]], tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
        known = self._bases.get(key)
        if known is None:
            paths, definitions = parts(v2.document(build(self._served, v2.PREFIX), self._version))
            known = self._bases[key] = zlib.compress(paths, 6), zlib.compress(definitions, 6)
        return zlib.decompress(known[0]), zlib.decompress(known[1])

    def _customs(self) -> dict[str, Any]:
        """The document of what is not built in, without definitions that the server's own resources have, too."""
        model = Model()
        if self._custom:
            custom.add(model, self._custom, v2.PREFIX)
            model.definitions = {n: s for n, s in model.definitions.items() if not n.startswith(_MACHINERY)}
        document = v2.document(model, self._version)
        if self._foreign:
            own = msgspec.json.decode(b"{%b}" % self._base("json", _members)[1])
            foreign.merge(document, own, [d.v2 for d in self._foreign])
        return document

    def _v3(self, name: str, accept: str, if_none_match: str, gzip: bool) -> Response:
        other = next((d for d in self._foreign if d.path == name), None)
        if other is not None:
            return _answer(self._document(f"v3/{name}", _JSON, lambda: self._converted(other)), if_none_match, gzip)
        served = [s for s in self._served if _group_version_path(s) == name]
        customs = [s for s in self._custom if _group_version_path(s) == name]
        if not (served or customs):
            raise NotFound.path()
        if accept and not any(t in accept for t in (_JSON, "*/*", "application/*")):
            raise NotAcceptable(f"only the following media types are accepted: {_JSON}")
        document = self._document(
            f"v3/{name}",
            _JSON,
            lambda: self._v3_json(served, customs),
        )
        return _answer(document, if_none_match, gzip)

    def _converted(self, described: Described) -> bytes:
        """The v3 document of a group version whose server has none."""
        return msgspec.json.encode(foreign.to_v3(described.v2, self._version))

    def _v3_json(self, served: Sequence[Served], customs: Sequence[Served]) -> bytes:
        model = build(served, v3.PREFIX) if served else Model()
        if customs:
            custom.add(model, customs, v3.PREFIX)
            model.definitions = dict(sorted(model.definitions.items()))
            if not served:
                # What custom objects have in common with all others; the rest describes itself.
                describe({n: s for n, s in model.definitions.items() if n.startswith(_MACHINERY)})
        return msgspec.json.encode(v3.document(model, self._version))

    def _index(self) -> bytes:
        """Where each group version is described. The hash stands for this server's whole catalogue, and for the custom
        resources of the group version, so that no document has to be built for the index."""
        catalogue = "\n".join(f"{_group_version_path(s)}/{s.resource.plural}" for s in self._served)
        digest = hashlib.sha256(f"{self._version}\n{catalogue}".encode()).hexdigest().upper()
        hashes = {_group_version_path(s): digest for s in self._served}
        customs: dict[str, list[Served]] = {}
        for one in self._custom:
            customs.setdefault(_group_version_path(one), []).append(one)
        for name, found in customs.items():
            own = custom.digest(found)
            hashes[name] = hashlib.sha256((digest + own).encode()).hexdigest().upper() if name in hashes else own
        urls = {n: f"{_V3}/{n}?hash={h}" for n, h in hashes.items()}
        urls |= {d.path: d.v3_url or f"{_V3}/{d.path}?hash={d.digest}" for d in self._foreign}
        return msgspec.json.encode({"paths": {n: {"serverRelativeURL": url} for n, url in sorted(urls.items())}})


def _members(document: dict[str, Any]) -> tuple[bytes, bytes]:
    """The members of a v2 document's paths and definitions."""
    return msgspec.json.encode(document["paths"])[1:-1], msgspec.json.encode(document["definitions"])[1:-1]


def _group_version_path(served: Served) -> str:
    resource = served.resource
    return f"apis/{resource.group}/{resource.version}" if resource.group else f"api/{resource.version}"


def _answer(document: _Document, if_none_match: str, gzip: bool) -> Response:
    headers = {"Etag": document.etag, "Vary": "Accept-Encoding, Accept"}
    if document.etag in if_none_match:
        return Response(304, headers)
    headers["Content-Type"] = document.content_type
    if gzip:
        return Response(200, {**headers, "Content-Encoding": "gzip"}, document.packed)
    return Response(200, headers, zlib.decompress(document.packed, _GZIP))
