"""What the registry is told of a request that writes: create, update, patch, apply, and changes of a scale."""

from __future__ import annotations

from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.managedfields import Track
from steersman.apiserver.params import WriteOptions
from steersman.apiserver.registry import Write


def write_of(
    ctx: Context, endpoint: Endpoint, options: WriteOptions, subresource: str = "", track: Track | None = None
) -> Write:
    """The request's write. Its fields belong to the manager it names, or to its client, unless `track` knows better."""
    if track is None:
        track = endpoint.fields(subresource).tracker(ctx.manager(options.manager))
    return Write(ctx.user, options.dry_run, subresource, options, track, endpoint.served, annotations=ctx.annotations)
