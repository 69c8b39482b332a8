"""What an aggregated server says that it serves: by aggregated discovery, or by the older form, turned into the newer one."""

from __future__ import annotations

from typing import Any

from steersman.apiserver.aggregator.remote import Remote
from steersman.apiserver.aggregator.transport import Connector, Failed, decoded
from steersman.apiserver.backend import Target
from steersman.apiserver.negotiation import JSON

_SECONDS = 5.0
_KIND = ("apidiscovery.k8s.io", "v2", "APIGroupDiscoveryList")
_ACCEPT = f"{JSON};g={_KIND[0]};v={_KIND[1]};as={_KIND[2]},{JSON}"
_UNNAMED = {"group": "", "version": "", "kind": ""}


async def learn(connector: Connector, target: Target, remote: Remote) -> dict[str, Any]:
    """The group version as aggregated discovery tells it, without its freshness. Sets the remote's etag. Raises Failed."""
    headers = [("Accept", _ACCEPT)]
    if remote.etag and remote.entry:
        headers.append(("If-None-Match", remote.etag))
    answer, body = await connector.ask(target, "/apis", _SECONDS, headers)
    found = {name.lower(): value for name, value in answer.headers.items()}
    if answer.status == 304:
        return remote.entry
    if answer.status == 503:
        raise Failed(f"non-success response code: {answer.status}")
    if answer.status == 200 and is_aggregated(found.get("content-type", "")):
        entry = version_in(decoded(body, "discovery"), *remote.key)
        remote.etag = found.get("etag", "")
        return entry
    remote.etag = ""
    return await _learn_legacy(connector, target, remote)


async def _learn_legacy(connector: Connector, target: Target, remote: Remote) -> dict[str, Any]:
    answer, body = await connector.ask(target, remote.path, _SECONDS, [("Accept", JSON)])
    if answer.status != 200:
        raise Failed(f"failed to download legacy discovery for {remote.path}: {answer.status}")
    return from_legacy(decoded(body, "discovery"), *remote.key)


def is_aggregated(content_type: str) -> bool:
    """Whether an answer is aggregated discovery in the version that was asked for."""
    media, *rest = (part.strip() for part in content_type.split(";"))
    parameters = dict(p.split("=", 1) for p in rest if "=" in p)
    return media == JSON and tuple(parameters.get(k) for k in ("g", "v", "as")) == _KIND


def version_in(document: dict[str, Any], group: str, version: str) -> dict[str, Any]:
    """The resources of one group version in a document of aggregated discovery; nothing when it does not have it."""
    try:
        for item in document.get("items") or ():
            if item["metadata"].get("name", "") != group:
                continue
            for found in item.get("versions") or ():
                if found["version"] == version:
                    return {"resources": [_with_kinds(r) for r in found.get("resources") or ()]}
    except (KeyError, TypeError, AttributeError) as error:
        raise Failed(f"unreadable discovery: {error}") from error
    return {}


def _with_kinds(resource: dict[str, Any]) -> dict[str, Any]:
    """There are clients that rely on every resource to have a kind."""
    out = {**resource, "responseKind": resource.get("responseKind") or _UNNAMED}
    if resource.get("subresources"):
        out["subresources"] = [
            {**s, "responseKind": s.get("responseKind") or _UNNAMED} for s in resource["subresources"]
        ]
    return out


def from_legacy(document: dict[str, Any], group: str, version: str) -> dict[str, Any]:
    """An APIResourceList as the version of a group in aggregated discovery."""
    found: dict[str, dict[str, Any]] = {}
    subresources: dict[str, list[dict[str, Any]]] = {}
    try:
        for item in document.get("resources") or ():
            kind = {
                "group": item.get("group") or group,
                "version": item.get("version") or version,
                "kind": item["kind"],
            }
            verbs = list(item.get("verbs") or ())
            name, separator, subresource = item["name"].partition("/")
            if separator:
                one = {"subresource": subresource, "responseKind": kind, "verbs": verbs}
                subresources.setdefault(name, []).append(one)
                # A subresource may be all there is of a resource.
                found.setdefault(name, {"resource": name, "responseKind": _UNNAMED, "scope": _scope(item), "verbs": []})
            else:
                found[name] = _resource(item, kind, verbs)
    except (KeyError, TypeError, AttributeError) as error:
        raise Failed(f"unreadable discovery: {error}") from error
    for name, parts in subresources.items():
        found[name]["subresources"] = parts
    return {"resources": list(found.values())}


def _scope(item: dict[str, Any]) -> str:
    return "Namespaced" if item.get("namespaced") else "Cluster"


def _resource(item: dict[str, Any], kind: dict[str, str], verbs: list[str]) -> dict[str, Any]:
    out: dict[str, Any] = {
        "resource": item["name"],
        "responseKind": kind,
        "scope": _scope(item),
        "singularResource": item.get("singularName") or "",
        "verbs": verbs,
    }
    out |= {k: list(item[k]) for k in ("shortNames", "categories") if item.get(k)}
    return out
