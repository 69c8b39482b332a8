"""DELETE of one object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.api import codec
from steersman.api.codec import DecodeError
from steersman.api.errors import BadRequest
from steersman.api.http import Response
from steersman.apiserver import answer, encoding, respond
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.handlers import unsafe_delete
from steersman.apiserver.params import DeleteOptions, delete_options
from steersman.apiserver.registry import Outcome, Write
from steersman.kinds.types import meta_v1

if TYPE_CHECKING:
    from steersman.apiserver.server import App

# Kinds whose deletion answers with the object as it was, as upstream; the others answer with a Status.
_RETURNED = frozenset({
    ("", "pods"), ("", "persistentvolumes"), ("", "persistentvolumeclaims"), ("", "podtemplates"),
    ("", "resourcequotas"), ("", "serviceaccounts"), ("", "services"), ("storage.k8s.io", "storageclasses"),
    ("storage.k8s.io", "volumeattachments"), ("storage.k8s.io", "csidrivers"), ("storage.k8s.io", "csinodes"),
})  # fmt: skip


async def handle(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    accepted = ctx.accept_meta()
    options = parse_options(ctx)
    if options.ignoreStoreReadErrorWithClusterBreakingPotential:
        return await unsafe_delete.handle(app, ctx, endpoint, accepted, dry_run=options.dry_run)
    info, registry = ctx.info, endpoint.registry
    write = Write(ctx.user, options.dry_run, served=endpoint.served, annotations=ctx.annotations)
    outcome = await registry.delete(info.namespace, info.name, options, write, ctx.warnings)
    status = 202 if not outcome.deleted and options.orphanDependents is False else 200
    if not outcome.deleted or (endpoint.kind.group, endpoint.kind.resource.plural) in _RETURNED:
        return await answer.written(ctx, endpoint, status, outcome.body, accepted)
    return respond.value(status, _removed(endpoint, outcome), accepted, ctx.warnings)


def parse_options(ctx: Context) -> DeleteOptions:
    """From the body, or the query when there is none."""
    if not ctx.request.body:
        return delete_options(None, ctx.query)
    try:
        options, _ = ctx.decode(meta_v1.DeleteOptions)
    except DecodeError as error:
        raise BadRequest(encoding.worded(ctx, error)) from error
    return delete_options(codec.to_builtins(options), ctx.query)


def _removed(endpoint: Endpoint, outcome: Outcome) -> dict[str, Any]:
    resource, meta = endpoint.served.resource, outcome.obj.metadata
    details = {"name": meta.name, "kind": resource.plural, "uid": meta.uid}
    if resource.group:
        details["group"] = resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
