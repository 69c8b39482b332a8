"""What the log says of a request whose handler has failed: where, but nothing of what clients sent or keep secret."""

from __future__ import annotations

import logging
import traceback

from steersman.api.http import Request
from steersman.apiserver.requestinfo import RequestInfo

log = logging.getLogger(__name__)

_SECRET = frozenset({"secrets", "tokenreviews", "serviceaccounts"})


def note(request: Request, info: RequestInfo, error: Exception) -> None:
    """Log the failure. The words of an error may hold parts of an object; they are left out where there may be one."""
    # A path is what anybody has sent: as a literal it has no line ends.
    log.error("%s %r failed\n%s", request.method, request.path, told(error, words=not _private(request, info)))


def _private(request: Request, info: RequestInfo) -> bool:
    return bool(request.body) or info.verb in ("update", "patch") or info.resource in _SECRET


def told(error: BaseException, *, words: bool) -> str:
    """An error and what led to it, the last one last."""
    if words:
        return "".join(traceback.format_exception(error)).rstrip()
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.insert(0, cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n".join("".join(traceback.format_tb(e.__traceback__)) + type(e).__name__ for e in chain)
