"""An object as the client asked for it: whole, as a Table, or its metadata, in any encoding."""

from __future__ import annotations

from steersman.api.errors import NotAcceptable
from steersman.api.http import Response
from steersman.api.meta import parse_time
from steersman.apiserver import frames, respond, table
from steersman.apiserver.cached import Cached
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.negotiation import Accepted
from steersman.apiserver.splice import unsplice

METADATA, METADATA_LIST = "PartialObjectMetadata", "PartialObjectMetadataList"


async def written(ctx: Context, endpoint: Endpoint, status: int, body: bytes, accepted: Accepted) -> Response:
    """The answer to a write that left `body`, an object in the stored version."""
    check_single(endpoint, accepted)
    if accepted.kind == table.TABLE:
        item = Cached("", ctx.info.namespace, ctx.info.name, 0, unsplice(body), _undescribed)
        if not endpoint.plain:
            item = (await endpoint.seen([item]))[0]
        data = table.table(
            endpoint,
            [item],
            parse_time(endpoint.registry.now()),
            version=accepted.version,
            include=table.include_of(ctx),
            revision=0,
        )
    elif accepted.protobuf:
        return respond.encoded(status, _protobuf(ctx, endpoint, body, accepted), accepted, ctx.warnings)
    elif accepted.kind:
        data = table.metadata_only(body, accepted.version)
    else:
        data = body if endpoint.plain else await endpoint.told(body)
    return respond.body(status, data, accepted, ctx.warnings)


def _protobuf(ctx: Context, endpoint: Endpoint, body: bytes, accepted: Accepted) -> bytes:
    # Watchers may have been told already.
    stored = endpoint.registry.cache.get(ctx.info.namespace, ctx.info.name) if ctx.info.name else None
    if stored is not None and stored.body == body:
        return frames.one(endpoint, stored, accepted)
    return frames.transcode(endpoint, body, accepted)


def _undescribed(value: bytes) -> tuple[dict[str, str], dict[str, str]]:
    return {}, {}


def check_single(endpoint: Endpoint, accepted: Accepted) -> None:
    """Raises NotAcceptable for one object that is wanted as a list."""
    if accepted.kind == METADATA_LIST:
        name = _go_name(endpoint, endpoint.kind.name)
        raise NotAcceptable(f"you requested {METADATA_LIST}, but the requested object is not a list ({name})")


def check_list(endpoint: Endpoint, accepted: Accepted) -> None:
    """Raises NotAcceptable for a list that is wanted as one object."""
    if accepted.kind == METADATA:
        name = _go_name(endpoint, endpoint.kind.list_kind)
        raise NotAcceptable(f"you requested {METADATA}, but the requested object is a list ({name})")


def _go_name(endpoint: Endpoint, kind: str) -> str:
    return f"*{endpoint.kind.group.partition('.')[0] or 'core'}.{kind}"
