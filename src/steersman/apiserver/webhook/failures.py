"""Why a server outside gave no good answer, in the words that operators search for: those of Kubernetes and of Go."""

from __future__ import annotations

import errno
import ssl

from steersman.api.field import quote

_REFUSALS = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    409: "the server reported a conflict",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}


def refusal(code: int, text: str) -> str:
    """What an answer means that is none; `text` is its body."""
    if code in _REFUSALS:
        return _REFUSALS[code]
    if code == 403 and text:
        return text
    if code >= 500:
        return f"an error on the server ({quote(text or 'unknown')}) has prevented the request from succeeding"
    return f"the server responded with the status code {code} but did not return more information"


_NOT_TRUSTED = frozenset({2, 18, 19, 20, 21, 27})
_EXPIRED = frozenset({9, 10})
_OTHER_NAME = frozenset({62, 64})


def reason_of(error: BaseException) -> str:
    """Why a server could not be talked to."""
    # aiohttp's own error claims to be one, too, but does not know what was wrong.
    wrong = next(
        (e for e in _causes(error) if isinstance(e, ssl.SSLCertVerificationError) and hasattr(e, "verify_code")), None
    )
    if wrong is None:
        text = str(error).removeprefix("Internal error occurred: ").removeprefix("error dialing backend: ")
        return "EOF" if was_idle(error) else text or type(error).__name__
    why = "tls: failed to verify certificate: x509: "
    if wrong.verify_code in _NOT_TRUSTED:
        return why + "certificate signed by unknown authority"
    if wrong.verify_code in _EXPIRED:
        return why + "certificate has expired or is not yet valid"
    if wrong.verify_code in _OTHER_NAME:
        return why + f"certificate is not valid for this name: {wrong.verify_message}"
    return why + wrong.verify_message


def was_idle(error: BaseException) -> bool:
    """Whether the connection ended before there was an answer."""
    import aiohttp

    return isinstance(error.__cause__, aiohttp.ServerDisconnectedError | ConnectionResetError)


def was_reset(error: BaseException) -> bool:
    """Whether the other side, or somebody between, has broken the connection off."""
    return any(isinstance(e, OSError) and (e.errno == errno.ECONNRESET or isinstance(e, ConnectionResetError))
               for e in _causes(error))  # fmt: skip


def _causes(error: BaseException | None) -> list[BaseException]:
    """An error and everything that led to it."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
