"""Between bodies and objects: decoding what a client sends with its strictness, and joining stored bytes into lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from steersman.api.codec import DecodeError, warnings
from steersman.api.errors import BadRequest
from steersman.api.meta import Resource
from steersman.api.untyped import Untyped
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.negotiation import body_media
from steersman.apiserver.params import WriteOptions

_SHOWN = 30


def decode_object(ctx: Context, endpoint: Endpoint, options: WriteOptions) -> Any:
    """The request body as an object of the stored type, with defaults. Raises BadRequest with upstream's words."""
    served = endpoint.served
    try:
        obj, problems = endpoint.decode(ctx, strict=options.validation != "Ignore")
    except DecodeError as error:
        raise undecoded(ctx, served.resource, error) from error
    check_type(endpoint, obj)
    report(ctx, endpoint, options, problems)
    return served.adopt(obj)


def from_plain(ctx: Context, endpoint: Endpoint, options: WriteOptions, plain: Any) -> Any:
    """As `decode_object`, from plain values of the endpoint's version (after a patch)."""
    served = endpoint.served
    try:
        obj, problems = endpoint.build(plain)
    except DecodeError as error:
        raise _unfit(served.resource, str(error)) from error
    check_type(endpoint, obj)
    report(ctx, endpoint, options, problems)
    return served.adopt(obj)


def report(ctx: Context, endpoint: Endpoint, options: WriteOptions, problems: list[str]) -> None:
    """Unknown and repeated fields are an error, warnings, or nothing, as the client wishes."""
    if not problems or options.validation == "Ignore":
        return
    if options.validation == "Strict":
        raise _unfit(endpoint.served.resource, f"strict decoding error: {', '.join(problems)}")
    ctx.warnings.extend(warnings(problems))


def check_type(endpoint: Endpoint, obj: Any) -> None:
    """The body must be of the kind and version that the path names."""
    # Of untyped objects the kind is a finding of their validation.
    check_kind(obj, endpoint.served.resource, any_kind=isinstance(obj, Untyped))


def check_kind(obj: Any, resource: Resource, *older: str, any_kind: bool = False) -> None:
    """A body must be of the kind and version that are asked for, or of one of the `older` API versions."""
    if obj.apiVersion != resource.api_version and obj.apiVersion not in older:
        raise BadRequest(
            f"the API version in the data ({obj.apiVersion}) does not match the expected API version "
            f"({resource.api_version})"
        )
    if obj.kind != resource.kind and not any_kind:
        raise BadRequest(
            f'{obj.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
            f"the kind in the data does not match the expected kind"
        )


def undecoded(ctx: Context, resource: Resource, error: DecodeError) -> BadRequest:
    """What is no object at all is shown to its sender; of others it is said what they are."""
    if not error.syntax:
        return _unfit(resource, str(error))
    why, shown = worded(ctx, error), _summary(ctx.request.body)
    return BadRequest(f"the object provided is unrecognized (must be of type {resource.kind}): {why} ({shown})")


def worded(ctx: Context, error: DecodeError) -> str:
    """What is wrong with the body: broken JSON fails where its kind is looked for."""
    if error.syntax and body_media(ctx.request.headers.get("content-type", "")) == "json":
        return f"couldn't get version/kind; json parse error: {error}"
    return str(error)


def _summary(body: bytes) -> str:
    """How a body begins: as text where it looks like JSON."""
    if not body:
        return "<empty>"
    begin = body[:_SHOWN]
    shown = begin.decode(errors="replace") if body.startswith(b"{") else begin.hex()
    return shown if len(body) <= _SHOWN else f"{shown} ..."


def _unfit(resource: Resource, why: str) -> BadRequest:
    return BadRequest(f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {why}')


def join_list(
    head: bytes, revision: int, bodies: Iterable[bytes], continue_: str = "", remaining: int | None = None
) -> bytes:
    """A list object from encoded items. `head` ends inside the quotes of the list's resourceVersion."""
    return wrap_list(head, revision, b",".join(bodies), continue_, remaining)


def wrap_list(head: bytes, revision: int, items: bytes, continue_: str = "", remaining: int | None = None) -> bytes:
    """As `join_list`, from items that are joined already."""
    begin, end = list_frame(head, revision, continue_, remaining)
    return b"".join((begin, items, end))


def list_frame(head: bytes, revision: int, continue_: str, remaining: int | None) -> tuple[bytes, bytes]:
    """What stands before a list's joined items, and behind them."""
    more = b'","continue":"' + continue_.encode() if continue_ else b""
    left = b'","remainingItemCount":%d},"items":[' % remaining if remaining else b'"},"items":['
    return b"".join((head, b"%d" % revision, more, left)), b"]}"
