"""Conversion of custom objects between the versions of their definition: in name only, or by a webhook."""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from steersman.api import codec, field
from steersman.api.codec import DecodeError
from steersman.api.errors import InternalError, StatusError
from steersman.api.field import Path
from steersman.api.meta import new_uid
from steersman.api.untyped import Untyped
from steersman.apiserver.webhook.client import Caller, WebhookFailure, address_of
from steersman.kinds import metadata
from steersman.kinds.apiextensions.structural import embedded
from steersman.kinds.apiextensions.structural.embedded import CoerceError
from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinition, WebhookConversion

_log = logging.getLogger(__name__)
_SECONDS = 30.0
_REVIEWS = ("v1", "v1beta1")


class Converter(Protocol):
    """Converts whole objects, which become its own."""

    immediate: bool
    """Whether a conversion is only another name."""

    async def convert(self, objects: Sequence[Untyped], api_version: str) -> list[Untyped]:
        """The objects in another version, in their order. Raises InternalError."""
        ...


class NameConverter:
    """The versions have the same fields."""

    immediate = True

    async def convert(self, objects: Sequence[Untyped], api_version: str) -> list[Untyped]:
        for obj in objects:
            obj.apiVersion = api_version
        return list(objects)


class _Result(msgspec.Struct):
    status: str = ""
    message: str = ""


class _Response(msgspec.Struct):
    uid: str = ""
    convertedObjects: list[Any] | None = None
    result: _Result = msgspec.field(default_factory=_Result)


class _Review(msgspec.Struct):
    kind: str = ""
    apiVersion: str = ""
    response: _Response | None = None


class WebhookConverter:
    """Asks a webhook, once for all objects that must be converted together."""

    immediate = False

    def __init__(self, webhook: WebhookConversion, caller: Caller) -> None:
        self._caller = caller
        config = webhook.clientConfig
        service = None if config is None else config.service
        self._address = address_of(
            "" if config is None else config.url or "",
            None if service is None else (service.namespace, service.name, service.path or "", service.port or 443),
            base64.b64decode(config.caBundle) if config is not None else b"",
        )
        known = [v for v in webhook.conversionReviewVersions if v in _REVIEWS]
        self._review = f"apiextensions.k8s.io/{known[0] if known else 'v1'}"

    async def convert(self, objects: Sequence[Untyped], api_version: str) -> list[Untyped]:
        wanted = [o for o in objects if o.apiVersion != api_version]
        if not wanted:
            return list(objects)
        try:
            answers = iter(await self._ask(wanted, api_version))
            return [o if o.apiVersion == api_version else _checked(o, next(answers), api_version) for o in objects]
        except (WebhookFailure, _Malformed) as error:
            group, _, version = wanted[0].apiVersion.rpartition("/")
            what = f"conversion webhook for {group}/{version}, Kind={wanted[0].kind} {error}"
            _log.warning("%s", what)
            raise InternalError(what, reason="InternalError") from error

    async def _ask(self, objects: Sequence[Untyped], api_version: str) -> list[Any]:
        uid = new_uid()
        request = {"uid": uid, "desiredAPIVersion": api_version, "objects": [o.plain() for o in objects]}
        body = codec.encode({"kind": "ConversionReview", "apiVersion": self._review, "request": request})
        answer = await self._caller.call(self._address, body, _SECONDS)
        try:
            review = msgspec.json.decode(answer, type=_Review)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _Malformed(f"failed: {error}") from error
        found = self._accepted(review, uid)
        if len(found) != len(objects):
            raise _Malformed(f"returned {len(found)} objects, expected {len(objects)}")
        return found

    def _accepted(self, review: _Review, uid: str) -> list[Any]:
        strict = self._review.endswith("/v1")
        if strict and (review.kind, review.apiVersion) != ("ConversionReview", self._review):
            expected, got = f"{self._review}, Kind=ConversionReview", f"{review.apiVersion}, Kind={review.kind}"
            raise _Malformed(f"failed: expected webhook response of {expected}, got {got}")
        response = review.response
        if response is None:
            raise _Malformed("failed: no response provided")
        if strict and response.uid != uid:
            raise _Malformed(f'failed: expected response.uid="{uid}", got "{response.uid}"')
        if response.result.status != "Success":
            why = response.result.message or f"response.result.status was '{response.result.status}', not 'Success'"
            raise _Malformed(f"failed: {why}")
        return response.convertedObjects or []


class _Malformed(Exception):
    """An answer that is no conversion of what was sent."""


def _checked(obj: Untyped, answer: Any, api_version: str) -> Untyped:
    """The converted object: all but labels and annotations of its metadata stay what they were."""
    start = "returned invalid object"
    if not isinstance(answer, dict):
        raise _Malformed(f"{start}: not an object")
    plain = dict(answer)
    kind, found = plain.pop("kind", ""), plain.pop("apiVersion", "")
    if found != api_version:
        raise _Malformed(f"{start}: invalid groupVersion (expected {api_version}, received {found})")
    if kind != obj.kind:
        raise _Malformed(f"{start}: invalid kind (expected {obj.kind}, received {kind})")
    if not isinstance(plain.get("metadata"), dict):
        raise _Malformed("returned invalid metadata: missing metadata in converted object")
    try:
        meta, _ = embedded.decode_metadata(plain.pop("metadata"), lenient=False, path="metadata")
    except CoerceError as error:
        raise _Malformed(f"returned invalid metadata: {error.error.detail}") from error
    before = obj.metadata
    for name, word in (("name", "name"), ("namespace", "namespace"), ("uid", "UID")):
        expected, got = getattr(before, name), getattr(meta, name)
        if expected != got:
            raise _Malformed(f"{start}: must have the same {word}: {expected} != {got}")
    _check_maps(meta, before)
    before.labels, before.annotations = meta.labels, meta.annotations
    return Untyped(kind, found, before, plain)


def _check_maps(meta: Any, before: Any) -> None:
    path, errors = Path("metadata"), []
    if meta.labels != before.labels:
        errors += metadata.validate_labels(meta.labels, path.child("labels"))
    if meta.annotations != before.annotations:
        errors += metadata.validate_annotations(meta.annotations, path.child("annotation"))
    if errors:
        raise _Malformed(f"returned invalid metadata: {field.aggregate(errors)}")


def converter_of(crd: CustomResourceDefinition, caller: Caller) -> Converter:
    conversion = crd.spec.conversion
    if conversion is None or conversion.strategy != "Webhook" or conversion.webhook is None:
        return NameConverter()
    return WebhookConverter(conversion.webhook, caller)


__all__ = ["Converter", "DecodeError", "NameConverter", "StatusError", "WebhookConverter", "converter_of"]
