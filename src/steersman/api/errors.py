"""The tree of API errors: one class per Status reason, each with the code, message and details that clients rely on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from steersman.api.meta import Resource

Details = dict[str, Any]


class StatusError(Exception):
    """An error that the API answers with a Status object.

    `message` is what the user reads, `details` the Status' details (name, group, kind, uid, causes, retryAfterSeconds).
    """

    code: int = 500
    reason: str = "InternalError"

    def __init__(
        self,
        message: str,
        *,
        details: Details | None = None,
        code: int | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}
        if code is not None:
            self.code = code
        if reason is not None:
            self.reason = reason

    def status(self) -> dict[str, Any]:
        """The Status object, ready to be encoded."""
        out: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            out["reason"] = self.reason
        if self.details:
            out["details"] = self.details
        out["code"] = self.code
        return out

    @property
    def headers(self) -> Mapping[str, str]:
        """Response headers that belong to this error."""
        seconds = self.details.get("retryAfterSeconds")
        return {"Retry-After": str(seconds)} if seconds else {}


class BadRequest(StatusError):
    code, reason = 400, "BadRequest"


class Unauthorized(StatusError):
    code, reason = 401, "Unauthorized"

    def __init__(self, message: str = "Unauthorized", **kwargs: Any) -> None:
        super().__init__(message, **kwargs)


class Forbidden(StatusError):
    code, reason = 403, "Forbidden"

    @classmethod
    def of(cls, resource: Resource, name: str, why: str) -> Forbidden:
        subject = f'{resource.group_resource} "{name}"' if name else resource.group_resource
        return cls(f"{subject} is forbidden: {why}", details=_details(resource, name))


class NotFound(StatusError):
    code, reason = 404, "NotFound"

    @classmethod
    def of(cls, resource: Resource, name: str) -> NotFound:
        return cls(f'{resource.group_resource} "{name}" not found', details=_details(resource, name))

    @classmethod
    def path(cls) -> NotFound:
        """No such path is served."""
        return cls("the server could not find the requested resource")


class MethodNotAllowed(StatusError):
    code, reason = 405, "MethodNotAllowed"

    def __init__(
        self, message: str = "the server does not allow this method on the requested resource", **kwargs: Any
    ) -> None:
        super().__init__(message, **kwargs)


class NotAcceptable(StatusError):
    code, reason = 406, "NotAcceptable"


class AlreadyExists(StatusError):
    code, reason = 409, "AlreadyExists"

    @classmethod
    def of(cls, resource: Resource, name: str) -> AlreadyExists:
        return cls(f'{resource.group_resource} "{name}" already exists', details=_details(resource, name))


class Conflict(StatusError):
    code, reason = 409, "Conflict"

    MODIFIED: ClassVar[str] = (
        "the object has been modified; please apply your changes to the latest version and try again"
    )

    @classmethod
    def of(cls, resource: Resource, name: str, why: str = MODIFIED) -> Conflict:
        return cls(
            f'Operation cannot be fulfilled on {resource.group_resource} "{name}": {why}',
            details=_details(resource, name),
        )


class Expired(StatusError):
    """A resourceVersion or continue token that compaction has passed."""

    code, reason = 410, "Expired"


class RequestEntityTooLarge(StatusError):
    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(StatusError):
    code, reason = 415, "UnsupportedMediaType"


class Cause(Protocol):
    """What Invalid needs of a field error (api.field.FieldError is one)."""

    def cause(self) -> dict[str, str]: ...

    def __str__(self) -> str: ...


# Errors that an answer names; nobody reads more, and who sends a hundred thousand mistakes is not to be answered with 50 MB.
MOST_CAUSES = 1000
# Their characters in all: errors show what is wrong, which may be a list that is as long as the request, and each may show all of it.
MOST_SHOWN = 1 << 22


class Invalid(StatusError):
    code, reason = 422, "Invalid"

    @classmethod
    def of(cls, resource: Resource, name: str, errors: Sequence[Cause]) -> Invalid:
        """Every field error in one message: `Pod "x" is invalid: spec.a: …`, in brackets when there are several."""
        kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
        texts, causes = _shown(errors)
        if len(causes) < len(errors):
            texts.append(f"and {len(errors) - len(causes)} more")
        what = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        details: Details = {"name": name} if name else {}
        if resource.group:
            details["group"] = resource.group
        details["kind"] = resource.kind
        details["causes"] = causes
        return cls(f'{kind} "{name}" is invalid: {what}', details=details)


def _shown(errors: Sequence[Cause]) -> tuple[list[str], list[dict[str, str]]]:
    """The distinct texts, and the causes, of as many errors as an answer names: of the first at least."""
    texts: dict[str, None] = {}
    causes: list[dict[str, str]] = []
    size = 0
    for error in errors[:MOST_CAUSES]:
        text = str(error)
        size += len(text)
        if causes and size > MOST_SHOWN:
            break
        texts[text] = None
        causes.append(error.cause())
    return list(texts), causes


class TooManyRequests(StatusError):
    code, reason = 429, "TooManyRequests"


class InternalError(StatusError):
    code, reason = 500, "InternalError"

    @classmethod
    def occurred(cls, what: str) -> InternalError:
        return cls(f"Internal error occurred: {what}", details={"causes": [{"message": what}]})


class ServiceUnavailable(StatusError):
    code, reason = 503, "ServiceUnavailable"


class Timeout(StatusError):
    code, reason = 504, "Timeout"


def _details(resource: Resource, name: str) -> Details:
    details: Details = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    details["kind"] = resource.plural
    return details


_BY_REASON: dict[str, type[StatusError]] = {
    c.reason: c
    for c in (
        BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, AlreadyExists, Conflict, Expired,
        RequestEntityTooLarge, UnsupportedMediaType, Invalid, TooManyRequests, InternalError, ServiceUnavailable, Timeout,
    )
}  # fmt: skip
_BY_CODE: dict[int, type[StatusError]] = {c.code: c for c in reversed(_BY_REASON.values())}


def from_status(status: Mapping[str, Any]) -> StatusError:
    """The error that a Status object (as a plain mapping) tells of."""
    reason, code = str(status.get("reason") or ""), int(status.get("code") or 500)
    cls = _BY_REASON.get(reason) or _BY_CODE.get(code) or StatusError
    return cls(
        str(status.get("message") or reason or "unknown"),
        details=dict(status.get("details") or {}),
        code=code,
        reason=reason or cls.reason,
    )
