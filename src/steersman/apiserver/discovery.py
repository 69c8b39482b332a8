"""What is served, told to clients: /api, /apis, group versions, and the aggregated form of all of it."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from steersman.api import codec
from steersman.api.http import Response
from steersman.apiserver import negotiation, respond
from steersman.apiserver.context import Context
from steersman.apiserver.negotiation import Accepted
from steersman.apiserver.subresources.scale_versions import scale_resource
from steersman.kinds.catalog import order
from steersman.kinds.kind import Served

if TYPE_CHECKING:
    from steersman.apiserver.server import App

# The group, version and kind of what a subresource takes, and its verbs; those not here take the object itself.
_KEYS_SECONDS = 3600
_GPU = ("get", "patch", "update")
_CONNECT = ("create", "get")
_PROXY = ("create", "delete", "get", "patch", "update")
_SUBRESOURCES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "attach": ("", "v1", "PodAttachOptions", _CONNECT),
    "binding": ("", "v1", "Binding", ("create",)),
    "eviction": ("policy", "v1", "Eviction", ("create",)),
    "exec": ("", "v1", "PodExecOptions", _CONNECT),
    "log": ("", "v1", "Pod", ("get",)),
    "portforward": ("", "v1", "PodPortForwardOptions", _CONNECT),
    "token": ("authentication.k8s.io", "v1", "TokenRequest", ("create",)),
    "finalize": ("", "v1", "Namespace", ("update",)),
}
_PROXIED = {"pods": "PodProxyOptions", "services": "ServiceProxyOptions", "nodes": "NodeProxyOptions"}


class _Encoded:
    """A document in its encodings."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self.json = codec.encode(document)
        self.etag = f'"{hashlib.sha512(self.json).hexdigest().upper()}"'

    @cached_property
    def protobuf(self) -> bytes:
        if self._document["kind"] != "APIGroupDiscoveryList":
            return respond.to_protobuf(self._document)
        from steersman.kinds.apidiscovery_v2 import APIGroupDiscoveryList

        return respond.to_protobuf(codec.decode(APIGroupDiscoveryList, self.json))


class Discovery:
    """Answers GET of the discovery paths. Documents are made at the first request and kept."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._encoded: dict[tuple[str, str], _Encoded] = {}

    @cached_property
    def _groups(self) -> dict[str, dict[str, list[Served]]]:
        """group → version → what is served, in discovery's order."""
        groups: dict[str, dict[str, list[Served]]] = {}
        own = (s for s in self._app.catalog.served if self._app.config.runtime.serves(s))
        for served in sorted((*own, *self._app.custom.served), key=lambda s: order(s.resource)):
            if served.kind.verbs or served.kind.stored:
                versions = groups.setdefault(served.resource.group, {})
                versions.setdefault(served.resource.version, []).append(served)
        return self._app.aggregator.arrange(groups)

    def forget(self) -> None:
        """Make the documents anew: something else is served."""
        self.__dict__.pop("_groups", None)
        self._encoded.clear()

    def get(self, ctx: Context) -> Response | None:
        """The answer, or None for a path that is none of discovery's."""
        parts = ctx.info.path.strip("/").split("/")
        header = ctx.request.headers.get("accept", "")
        match parts:
            case [""]:
                return respond.value(200, {"paths": self._paths()}, Accepted(pretty=True))
            case ["api"] | ["apis"]:
                # Wherever it stands among what the client takes, the aggregated form is preferred.
                accepted = negotiation.find(header, negotiation.DISCOVERY_KINDS, plain=False) or ctx.accept()
                return self._answer(ctx, accepted, "/" + parts[0])
            case ["api", "v1"] | ["apis", _] | ["apis", _, _]:
                return self._answer(ctx, ctx.accept(), "/" + "/".join(parts))
            case [".well-known", "openid-configuration"] | ["openid", "v1", "jwks"]:
                return self._openid(parts[-1])
        return None

    def _answer(self, ctx: Context, accepted: Accepted, path: str) -> Response | None:
        known = self._known(path, accepted)
        if known is None:
            return None
        if not accepted.kind:
            if accepted.protobuf:
                return respond.encoded(200, known.protobuf, accepted)
            return respond.body(200, known.json, accepted)
        headers = {
            "Content-Type": accepted.content_type,
            "ETag": known.etag,
            "Vary": "Accept",
            "Cache-Control": "public",
        }
        if ctx.request.headers.get("if-none-match") == known.etag:
            return Response(304, headers)
        if accepted.protobuf:
            return Response(200, headers, known.protobuf, shrinks=True)
        return Response(200, headers, respond.to_yaml(known.json) if accepted.yaml else known.json, shrinks=True)

    def _known(self, path: str, accepted: Accepted) -> _Encoded | None:
        key = path, accepted.version
        known = self._encoded.get(key)
        if known is None:
            document = self._document(path, accepted)
            if document is not None:
                known = self._encoded[key] = _Encoded(document)
        return known

    def _document(self, path: str, accepted: Accepted) -> dict[str, Any] | None:
        _, root, *rest = path.split("/")
        if accepted.kind:
            groups = [""] if root == "api" else [g for g in self._groups if g]
            return {
                "kind": "APIGroupDiscoveryList",
                "apiVersion": f"apidiscovery.k8s.io/{accepted.version}",
                "metadata": {},
                "items": [self._aggregated(g) for g in groups if g in self._groups],
            }
        if root == "api":
            return self._resources("", rest[0]) if rest else self._core()
        if not rest:
            items = [self._group(g) for g in self._groups if g]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": items}
        if rest[0] not in self._groups or not rest[0]:
            return None
        if len(rest) == 1:
            return {"kind": "APIGroup", "apiVersion": "v1", **self._group(rest[0])}
        return self._resources(rest[0], rest[1])

    def _core(self) -> dict[str, Any]:
        config = self._app.config
        address = f"{config.advertise_address or '127.0.0.1'}:{config.advertise_port}"
        return {
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
        }

    def _group(self, group: str) -> dict[str, Any]:
        versions = [{"groupVersion": f"{group}/{v}", "version": v} for v in self._groups[group]]
        return {"name": group, "versions": versions, "preferredVersion": versions[0]}

    def _resources(self, group: str, version: str) -> dict[str, Any] | None:
        found = self._groups.get(group, {}).get(version)
        if found is None:
            return None
        resources = []
        for served in found:
            resources.append(self._resource(served))
            resources.extend(self._subresource(served, name) for name in sorted(served.kind.subresources))
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": f"{group}/{version}" if group else version,
            "resources": resources,
        }

    def _resource(self, served: Served) -> dict[str, Any]:
        kind, resource = served.kind, served.resource
        out: dict[str, Any] = {
            "name": resource.plural,
            "singularName": kind.singular_name,
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": list(kind.discovered_verbs),
        }
        out |= _other_names(served)
        if kind.stored:
            out["storageVersionHash"] = _storage_hash(served)
        return out

    def _subresource(self, served: Served, name: str) -> dict[str, Any]:
        resource = served.resource
        group, version, kind, verbs = _subresource(served, name)
        out = {
            "name": f"{resource.plural}/{name}",
            "singularName": "",
            "namespaced": resource.namespaced,
        }
        if (group, version) != (resource.group, resource.version):
            out |= {"group": group, "version": version}
        return {**out, "kind": kind, "verbs": list(verbs)}

    def _aggregated(self, group: str) -> dict[str, Any]:
        elsewhere = self._app.aggregator.discovered
        return {
            "metadata": {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None},
            "versions": [
                elsewhere(group, version)
                or {"version": version, "resources": [_aggregated(s) for s in found], "freshness": "Current"}
                for version, found in self._groups[group].items()
            ],
        }

    def _paths(self) -> list[str]:
        paths = ["/.well-known/openid-configuration", "/api", "/api/v1", "/apis"]
        for group, versions in self._groups.items():
            if group:
                paths.append(f"/apis/{group}")
                paths.extend(f"/apis/{group}/{v}" for v in versions)
        paths += [
            "/healthz",
            "/livez",
            "/metrics",
            "/metrics/slis",
            "/openapi/v2",
            "/openapi/v3",
            "/openid/v1/jwks",
            "/readyz",
            "/version",
        ]
        return sorted(paths)

    def _openid(self, name: str) -> Response | None:
        """What verifiers of service account tokens need (OpenID Connect discovery)."""
        from steersman.pki import tokens

        settings = self._app.service_accounts
        # An issuer that is no such URL is none by that standard.
        if settings is None or not settings.issuer.startswith("https://"):
            return None
        keys = settings.published
        if not keys:
            return None
        age = _KEYS_SECONDS if settings.external is None else settings.external.max_age
        headers = {"Cache-Control": f"public, max-age={age}"}
        if name == "jwks":
            headers["Content-Type"] = "application/jwk-set+json"
            return Response(200, headers, codec.encode(tokens.jwks(keys)))
        config = self._app.config
        host = config.advertise_address or "127.0.0.1"
        address = f"{f'[{host}]' if ':' in host else host}:{config.advertise_port}"
        document = {
            "issuer": settings.issuer,
            "jwks_uri": settings.jwks_uri or f"https://{address}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": sorted({key.algorithm for key in keys}),
        }
        return Response(200, {**headers, "Content-Type": "application/json"}, codec.encode(document))


def _subresource(served: Served, name: str) -> tuple[str, str, str, tuple[str, ...]]:
    """Group, version and kind of what the subresource takes, and its verbs."""
    resource = served.resource
    if name == "proxy":
        return "", "v1", _PROXIED.get(resource.plural, resource.kind), _PROXY
    if name == "scale":
        scale = scale_resource(resource)
        return scale.group, scale.version, scale.kind, _GPU
    known = _SUBRESOURCES.get(name)
    return known or (resource.group, resource.version, resource.kind, _GPU)


def _other_names(served: Served) -> dict[str, list[str]]:
    """Short names and categories; not of versions of old, lest clients find everything twice."""
    kind = served.kind
    names = {} if served.is_legacy else {"shortNames": kind.short_names, "categories": kind.categories}
    return {key: list(found) for key, found in names.items() if found}


def _aggregated(served: Served) -> dict[str, Any]:
    kind, resource = served.kind, served.resource
    out: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": kind.singular_name,
        "verbs": list(kind.discovered_verbs),
    }
    out |= _other_names(served)
    subresources = []
    for name in sorted(kind.subresources):
        group, version, response, verbs = _subresource(served, name)
        subresources.append(
            {
                "subresource": name,
                "responseKind": {"group": group, "version": version, "kind": response},
                "verbs": list(verbs),
            }
        )
    if subresources:
        out["subresources"] = subresources
    return out


def _storage_hash(served: Served) -> str:
    import base64

    resource = served.kind.storage_resource
    digest = hashlib.sha256(f"{resource.group}/{resource.version}/{resource.kind}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()
