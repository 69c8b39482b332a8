"""DELETE of an object that cannot be decrypted, by who is allowed to and says so (ignoreStoreReadErrorWithClusterBreakingPotential).

No admission, precondition or finalizer counts: nobody knows what the object says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from steersman.api.errors import Conflict, Forbidden, NotFound
from steersman.api.http import Response
from steersman.apiserver import authz, respond
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.negotiation import Accepted
from steersman.apiserver.registry import Registry
from steersman.store.errors import RevisionMismatch

if TYPE_CHECKING:
    from steersman.apiserver.server import App

VERB = "unsafe-delete-ignore-read-errors"
ANNOTATION = "apiserver.k8s.io/unsafe-delete-ignore-read-error"
_INVALID_OBJECT = 4


async def handle(app: App, ctx: Context, endpoint: Endpoint, accepted: Accepted, *, dry_run: bool) -> Response:
    """Raises Forbidden, NotFound, and Conflict for an object that can be read."""
    info, registry = ctx.info, endpoint.registry
    ctx.note(ANNOTATION, "")
    resource = endpoint.served.resource
    decision = await app.authorizer.authorize(replace(authz.attributes_of(info, ctx.user), verb=VERB))
    if not decision.allowed:
        why = f'not permitted to do "{VERB}", reason: {decision.reason}'
        raise Forbidden.of(resource, info.name, why)
    await _remove(registry, info.namespace, info.name, dry_run)
    details = {"name": info.name, "kind": resource.kind}
    status: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }
    return respond.value(200, {**status, "code": 200}, accepted, ctx.warnings)


async def _remove(registry: Registry, namespace: str, name: str, dry_run: bool) -> None:
    key = registry.key(namespace, name)
    revision = registry.cache.unreadable.revision(key)
    if not revision:
        if registry.cache.get(namespace, name) is None:
            raise NotFound.of(registry.resource, name)
        why = (
            f"StorageError: invalid object, Code: {_INVALID_OBJECT}, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
            "unsafe deletion is not allowed because the object is decodable from storage"
        )
        raise Conflict.of(registry.resource, name, why)
    if dry_run:
        return
    try:
        await registry.store.delete(key, revision)
    except RevisionMismatch:
        raise NotFound.of(registry.resource, name) from None
