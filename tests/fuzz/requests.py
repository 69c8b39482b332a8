"""Requests made of mutated samples: any verb on any kind, in any encoding, with any question."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import yaml
from tests.fuzz import mutation, samples

from steersman.api import codec
from steersman.api.codec import DecodeError
from steersman.api.http import Request, User
from steersman.kinds import catalog, wire_encode

ADMIN = User("admin", ("system:masters", "system:authenticated"))
NAMES = ("a", "b", "c")
_METHODS = ("GET", "GET", "POST", "POST", "POST", "PUT", "PATCH", "PATCH", "PATCH", "DELETE", "HEAD", "OPTIONS")
_PATCHES = ("application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml")
_JSON_PATCH = "application/json-patch+json"
_CATALOG = catalog.load()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _yaml(value: Any) -> bytes:
    text: str = yaml.safe_dump(value)
    return text.encode()


def _protobuf(group: str, version: str, plural: str) -> Callable[[Any], bytes]:
    def write(value: Any) -> bytes:
        served = _CATALOG.find(group, version, plural)
        if served is None:
            return _json(value)
        try:
            return wire_encode.encode(codec.from_builtins(served.type, value)[0])
        except (DecodeError, AttributeError, KeyError):
            # The changed value is no object of the type: so the good one, whose bytes are damaged in turn.
            return _json(value)

    return write


def make(random: Random) -> Request:
    """One request."""
    if random.random() < 0.05:
        return _elsewhere(random)
    (group, plural), (api_version, rest) = random.choice(list(samples.OBJECTS.items()))
    version = api_version.rpartition("/")[2]
    prefix = f"/apis/{api_version}" if group else f"/api/{version}"
    if plural not in samples.CLUSTER_WIDE:
        prefix += "/namespaces/default"
    name, method = random.choice(NAMES), random.choice(_METHODS)
    path = f"{prefix}/{plural}"
    if method not in ("POST", "GET", "DELETE") or (random.random() < 0.6 and method != "POST"):
        path += f"/{name}"
        if random.random() < 0.15:
            path += f"/{random.choice(samples.SUBRESOURCES)}"
    kind = _kind(group, version, plural)
    meta = {**samples.METADATA, "name": f"{name}.fuzz.example.com" if plural == "customresourcedefinitions" else name}
    good = {"apiVersion": api_version, "kind": kind, "metadata": meta, **rest}
    headers, body = _content(random, method, good, (group, version, plural))
    return Request(method, path, _query(random, plural), headers, body, user=ADMIN)


def _kind(group: str, version: str, plural: str) -> str:
    served = _CATALOG.find(group, version, plural)
    return "Widget" if served is None else served.resource.kind


def _elsewhere(random: Random) -> Request:
    path = random.choice(samples.PATHS)
    if random.random() < 0.5:
        path = "/" + mutation.text(random, path).lstrip("/").replace("\ud800", "").replace("?", "")
    body = mutation.encoded(random, {"spec": {"token": "x", "audiences": ["a"]}}, (_json,))
    return Request(
        random.choice(_METHODS), path, _query(random, ""), {"content-type": "application/json"}, body, user=ADMIN
    )


def _query(random: Random, plural: str) -> str:
    query = random.choice(samples.QUERIES)
    if query and random.random() < 0.3:
        query = mutation.text(random, query)
    if plural in samples.NEVER_STORED:
        query = f"dryRun=All&{query}"
    return query.encode(errors="replace").decode()


def _content(
    random: Random, method: str, good: dict[str, Any], of: tuple[str, str, str]
) -> tuple[dict[str, str], bytes]:
    headers = {"accept": random.choice(samples.ACCEPTS) if random.random() < 0.4 else "", "user-agent": "fuzz/1"}
    if random.random() < 0.03:
        headers["accept"] = mutation.text(random, headers["accept"]).encode(errors="replace").decode()
    if method == "PATCH":
        if random.random() < 0.3:
            headers["content-type"] = _JSON_PATCH
            return headers, mutation.encoded(random, samples.JSON_PATCH, (_json,))
        headers["content-type"] = random.choice(_PATCHES)
        part = good if random.random() < 0.5 else {k: v for k, v in good.items() if random.random() < 0.7}
        return headers, mutation.encoded(random, part, (_json,))
    if method in ("POST", "PUT"):
        media, write = random.choice(
            (("json", _json), ("json", _json), ("yaml", _yaml), ("vnd.kubernetes.protobuf", _protobuf(*of)))
        )
        headers["content-type"] = f"application/{media}"
        return headers, mutation.encoded(random, good, (write,))
    if method == "DELETE":
        headers["content-type"] = "application/json"
        options = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": {"uid": "x"},
            "propagationPolicy": "Orphan",
        }
        return headers, mutation.encoded(random, options, (_json,)) if random.random() < 0.5 else b""
    return headers, b""
