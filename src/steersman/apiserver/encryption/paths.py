"""/encryption/status and /encryption/rewrite: what `steer encryption` asks for. Nobody but administrators is allowed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.errors import BadRequest, MethodNotAllowed, NotFound
from steersman.api.http import Response
from steersman.apiserver import respond
from steersman.apiserver.context import Context
from steersman.apiserver.negotiation import Accepted

if TYPE_CHECKING:
    from steersman.apiserver.encryption.service import Encryption

ROOT = "/encryption/"


async def answer(encryption: Encryption, ctx: Context) -> Response:
    """Raises NotFound, MethodNotAllowed, and BadRequest for a resource that there is not."""
    path, method = ctx.info.path.removeprefix(ROOT), ctx.request.method
    if path == "status":
        if method != "GET":
            raise MethodNotAllowed()
        await encryption.refresh()
        return respond.value(200, encryption.status(), Accepted(pretty=True))
    if path != "rewrite":
        raise NotFound.path()
    if method != "POST":
        raise MethodNotAllowed()
    names = [name for text in ctx.query.all("resources") for name in text.split(",") if name]
    # A plugin may have another key since it was last asked.
    await encryption.probe()
    try:
        number = encryption.rewrite(names)
    except KeyError as error:
        raise BadRequest(f"there is no resource {error.args[0]} that is stored") from error
    return respond.value(202, {"number": number}, Accepted(pretty=True))
