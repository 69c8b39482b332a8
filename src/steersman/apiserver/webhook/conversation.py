"""What is said between the server and an admission webhook: the AdmissionReview that goes out, and the one that comes back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from steersman.api import codec, field, values
from steersman.api.errors import BadRequest, StatusError
from steersman.api.http import User
from steersman.api.meta import Resource
from steersman.apiserver.admission.framework import CREATE, DELETE, UPDATE, Review
from steersman.apiserver.params import DeleteOptions, WriteOptions

_GROUP = "admission.k8s.io"
_VERSIONS = ("v1", "v1beta1")
_OPTIONS = {CREATE: "CreateOptions", UPDATE: "UpdateOptions", DELETE: "DeleteOptions"}
_META = "meta.k8s.io/v1"
_REJECTED = 400


class BadAnswer(Exception):
    """An answer that is none; the text says why."""


class Response(msgspec.Struct):
    """What a webhook answers."""

    uid: str = ""
    allowed: bool = False
    status: dict[str, Any] | None = None
    patch: str | None = None
    patchType: str | None = None
    auditAnnotations: dict[str, str] | None = None
    warnings: list[str] | None = None


class _Answer(msgspec.Struct):
    kind: str = ""
    apiVersion: str = ""
    response: Response | None = None


def version_of(accepted: Sequence[str]) -> str:
    """The version of the review that a webhook is sent. Raises BadAnswer."""
    for version in accepted:
        if version in _VERSIONS:
            return version
    raise BadAnswer(
        "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)"
    )


def request(review: Review, asked: tuple[Resource, Resource], seen: tuple[Resource, Resource]) -> dict[str, Any]:
    """The request without its uid and its objects. `asked` and `seen` are resource and kind: the client's, the webhook's."""
    out: dict[str, Any] = {"kind": _kind(seen[1]), "resource": _resource(seen[0])}
    if review.subresource:
        out["subResource"] = review.subresource
    out["requestKind"], out["requestResource"] = _kind(asked[1]), _resource(asked[0])
    if review.subresource:
        out["requestSubResource"] = review.subresource
    if review.name and not review.generated:
        out["name"] = review.name
    if namespace := namespace_of(review):
        out["namespace"] = namespace
    out["operation"] = review.operation
    out["userInfo"] = _user(review.user)
    out["dryRun"] = review.dry_run
    out["options"] = options(review)
    return out


def namespace_of(review: Review) -> str:
    """Where the request is: a namespace's own requests are in it."""
    resource = review.resource
    return review.name if (resource.group, resource.plural) == ("", "namespaces") else review.namespace


def _kind(kind: Resource) -> dict[str, str]:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _resource(resource: Resource) -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, "resource": resource.plural}


def _user(user: User) -> dict[str, Any]:
    out: dict[str, Any] = {"username": user.name}
    if user.uid:
        out["uid"] = user.uid
    if user.groups:
        out["groups"] = list(user.groups)
    if user.extra:
        out["extra"] = {k: list(v) for k, v in user.extra.items()}
    return out


def options(review: Review) -> dict[str, Any] | None:
    """The options of the write, as the webhook reads them; None for connections."""
    kind = _OPTIONS.get(review.operation)
    if kind is None:
        return None
    given = review.options
    out: dict[str, Any] = {"kind": kind, "apiVersion": _META}
    if isinstance(given, DeleteOptions):
        out.update({k: v for k, v in codec.to_builtins(given).items() if k not in out})
    elif review.dry_run:
        out["dryRun"] = ["All"]
    if isinstance(given, WriteOptions):
        if given.manager:
            out["fieldManager"] = given.manager
        out["fieldValidation"] = given.validation
    return out


def encode(version: str, uid: str, about: Mapping[str, Any], new: Any, old: Any) -> bytes:
    whole = {"uid": uid, **about, "object": new, "oldObject": old}
    return codec.encode({"kind": "AdmissionReview", "apiVersion": f"{_GROUP}/{version}", "request": whole})


def decode(data: bytes, version: str, uid: str, *, mutating: bool) -> Response:
    """The answer, if it is one to this request. Raises BadAnswer."""
    if values.too_many(data):
        raise BadAnswer("failed to call webhook: the answer has too many values")
    try:
        answer = msgspec.json.decode(data, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadAnswer(f"failed to call webhook: {error}") from error
    response = answer.response
    start = "received invalid webhook response"
    if response is None:
        raise BadAnswer(f"{start}: webhook response was absent")
    if version != "v1":
        response.patchType = "JSONPatch" if mutating and response.patch else None
        return response
    if response.uid != uid:
        raise BadAnswer(f"{start}: expected response.uid={field.quote(uid)}, got {field.quote(response.uid)}")
    if (answer.kind, answer.apiVersion) != ("AdmissionReview", f"{_GROUP}/{version}"):
        got = f"{answer.apiVersion or '/'}, Kind={answer.kind}"
        raise BadAnswer(f"{start}: expected webhook response of {_GROUP}/{version}, Kind=AdmissionReview, got {got}")
    if problem := _patch_problem(response, mutating=mutating):
        raise BadAnswer(f"{start}: {problem}")
    return response


def _patch_problem(response: Response, *, mutating: bool) -> str:
    has_patch, has_type = bool(response.patch), response.patchType is not None
    if not mutating:
        if has_patch:
            return "validating webhook may not return response.patch"
        return "validating webhook may not return response.patchType" if has_type else ""
    if has_patch and not has_type:
        return "webhook returned response.patch but not response.patchType"
    if has_type and not has_patch:
        return "webhook returned response.patchType but not response.patch"
    return 'webhook returned invalid response.patchType of ""' if has_type and not response.patchType else ""


def patch_of(response: Response) -> list[Any]:
    """The operations of the JSON patch; empty for none. Raises BadAnswer."""
    if not response.patch:
        return []
    try:
        text = base64.b64decode(response.patch, validate=True)
        if values.too_many(text):
            raise BadAnswer("received undecodable patch in webhook response: it has too many values")
        operations = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, ValueError) as error:
        raise BadAnswer(f"received undecodable patch in webhook response: {error}") from error
    if operations is None:
        return []
    if not isinstance(operations, list):
        raise BadAnswer("received undecodable patch in webhook response: it is no list of operations")
    return operations


class Denied(StatusError):
    """A webhook does not allow a request."""


def rejection(name: str, status: Mapping[str, Any] | None) -> StatusError:
    """The error of a request that the webhook `name` has refused."""
    given = status or {}
    code, reason, message = given.get("code"), str(given.get("reason") or ""), str(given.get("message") or "")
    start = f"admission webhook {field.quote(name)} denied the request"
    why = message or reason
    details = given.get("details")
    return Denied(
        f"{start}: {why}" if why else f"{start} without explanation",
        code=code if isinstance(code, int) and code >= _REJECTED else _REJECTED,
        reason=reason,
        details=details if isinstance(details, dict) else None,
    )


def no_dry_run(name: str) -> BadRequest:
    return BadRequest(f"admission webhook {field.quote(name)} does not support dry run")
