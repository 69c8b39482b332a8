"""Admission by webhooks: which of them a write concerns, what they are asked, and what becomes of their answers.

Mutating ones are asked one after another in the order of their names, validating ones all at once.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from steersman.api import codec, patch
from steersman.api.codec import DecodeError
from steersman.api.errors import Forbidden, InternalError, NotFound, StatusError
from steersman.api.field import quote
from steersman.api.fieldset import FieldSetError
from steersman.api.meta import Resource, new_uid
from steersman.apiserver import managedfields
from steersman.apiserver.admission.framework import CREATE, UPDATE, Review
from steersman.apiserver.webhook import conversation, shapes
from steersman.apiserver.webhook.client import Caller, WebhookClient, WebhookFailure
from steersman.apiserver.webhook.conversation import BadAnswer, Response
from steersman.apiserver.webhook.hooks import Configured, Hook, Place, is_exempt
from steersman.apiserver.webhook.shapes import Shape
from steersman.kinds.types.core_v1 import Namespace

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_log = logging.getLogger(__name__)
_SECONDS = 10
_NOTES = "webhooks"
_STALE = (
    ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating "
    "admission controller; please fix your requests: "
)


class _Uncallable(Exception):
    """A webhook could not be asked, or what it said is no answer; the text says why."""


@dataclass(slots=True)
class _Rounds:
    """Who has been asked, and who must be asked once more because of what others have changed since."""

    done: set[tuple[str, str, int]] = field(default_factory=set)
    due: set[tuple[str, str, int]] = field(default_factory=set)
    last: bytes = b""

    def changed(self) -> None:
        self.due |= self.done
        self.done = set()


class AdmissionWebhooks:
    """All admission webhooks of one server."""

    def __init__(self, app: App, caller: Caller | None = None) -> None:
        self._app = app
        self._caller = caller or WebhookClient(app.registries, app.backends)
        self._mutating = Configured(app, "mutatingwebhookconfigurations")
        self._validating = Configured(app, "validatingwebhookconfigurations")

    def close(self) -> None:
        self._mutating.close()
        self._validating.close()

    async def mutate(self, review: Review) -> None:
        """Let webhooks change the object. Raises whatever error they refuse it with; InternalError for their failures."""
        hooks = self._mutating.hooks()
        if not hooks or self._passes(review):
            return
        rounds: _Rounds = review.notes.setdefault(_NOTES, _Rounds())
        again = review.round > 0
        if again and _encoded(review.object) != rounds.last:
            rounds.changed()
        for hook in hooks:
            if again and hook.identity not in rounds.due:
                continue
            await self._ask_mutating(hook, review, rounds)
        rounds.last = _encoded(review.object)

    async def _ask_mutating(self, hook: Hook, review: Review, rounds: _Rounds) -> None:
        call = await self._matched(hook, review)
        if call is None:
            return
        try:
            response = await call.ask(self._caller, mutating=True)
            changed = response is not None and await call.apply(response)
        except _Uncallable as error:
            _give_up(hook, error)
            changed = False
        if changed:
            rounds.changed()
            review.again = True
        if hook.reinvoked:
            rounds.done.add(hook.identity)

    async def validate(self, review: Review) -> None:
        """Let webhooks refuse the object. Raises as `mutate`."""
        hooks = self._validating.hooks()
        if not hooks or self._passes(review):
            return
        calls = [call for hook in hooks if (call := await self._matched(hook, review)) is not None]
        if not calls:
            return
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._ask_validating(call)) for call in calls]
        for task in tasks:
            if (refused := task.result()) is not None:
                raise refused

    async def _ask_validating(self, call: _Call) -> StatusError | None:
        """The error of the request, as a value: the other webhooks are heard out."""
        try:
            await call.ask(self._caller, mutating=False)
        except StatusError as error:
            return error
        except _Uncallable as error:
            try:
                _give_up(call.hook, error)
            except StatusError as failure:
                return failure
        return None

    # Which

    def _passes(self, review: Review) -> bool:
        """Whether no webhook has a say."""
        return review.admitted or is_exempt(review.resource)

    async def _matched(self, hook: Hook, review: Review) -> _Call | None:
        """The call to a webhook, if the write concerns it."""
        in_namespace, missing = self._namespace_matches(hook, review)
        if not in_namespace or not _object_matches(hook, review):
            return None
        served = shapes.asked(self._app, review)
        place = Place(review.operation, served.resource, review.subresource, review.namespace)
        resource = hook.matching(place, lambda: shapes.equivalents(self._app, served))
        if resource is None:
            return None
        if missing is not None:
            raise missing
        call = _Call(hook, review, served.resource, self._kind_of(review, served.resource), resource,
                     shapes.shape_of(self._app, review, resource))  # fmt: skip
        if hook.spec.matchConditions and not await self._conditions_hold(call):
            return None
        return call

    def _kind_of(self, review: Review, resource: Resource) -> Resource:
        return shapes.shape_of(self._app, review, resource).kind

    def _namespace_matches(self, hook: Hook, review: Review) -> tuple[bool, NotFound | None]:
        """Whether the namespace is one of the webhook's; an error to be raised if there is no such namespace."""
        if hook.namespaces.empty:
            return True, None
        name = conversation.namespace_of(review)
        is_namespace = (review.resource.group, review.resource.plural) == ("", "namespaces")
        if not name and not is_namespace:
            return True, None
        if is_namespace and not review.subresource and review.object is not None:
            return hook.namespaces.matches(review.object.metadata.labels), None
        namespace: Namespace | None = self._app.registries.get(Namespace, "", name)
        if namespace is None:
            return True, NotFound.of(Namespace.__resource__, name)
        return hook.namespaces.matches(namespace.metadata.labels), None

    async def _conditions_hold(self, call: _Call) -> bool:
        # CEL is loaded with the first expression.
        from steersman.apiserver.webhook import conditions

        review = call.review
        new, old = await call.objects()
        values = conditions.variables(call.about(), new, old, review.user, self._app.authorizer)
        try:
            return conditions.hold(call.hook.spec.matchConditions or (), values)
        except conditions.Undecided as error:
            if call.hook.ignores_failures:
                return False
            _log.warning("webhook %s: match conditions: %s", call.hook.name, error)
            raise Forbidden.of(review.resource, review.name, str(error)) from error


def _object_matches(hook: Hook, review: Review) -> bool:
    """Whether the new object or the old one is one of the webhook's."""
    if hook.objects.empty:
        return True
    found = [getattr(o, "metadata", None) for o in (review.object, review.old)]
    return any(meta is not None and hook.objects.matches(meta.labels) for meta in found)


def _give_up(hook: Hook, error: _Uncallable) -> None:
    """Raise InternalError, unless the webhook may be done without."""
    text = f"failed calling webhook {quote(hook.name)}: {error}"
    _log.warning("%s: %s", "failing open" if hook.ignores_failures else "failing closed", text)
    if not hook.ignores_failures:
        raise InternalError.occurred(text) from error


def _encoded(obj: Any) -> bytes:
    return b"" if obj is None else codec.encode(obj)


@dataclass(slots=True)
class _Call:
    """One webhook and one write: as which resource the client wrote, as which the webhook sees it."""

    hook: Hook
    review: Review
    asked: Resource
    asked_kind: Resource
    seen: Resource
    shape: Shape

    def about(self) -> dict[str, Any]:
        return conversation.request(self.review, (self.asked, self.asked_kind), (self.seen, self.shape.kind))

    async def objects(self) -> tuple[Any, Any]:
        """The values of the new object and of the old one; None for none."""
        new, old = self.review.object, self.review.old
        new = None if new is None else await self.shape.plain(new)
        if new is not None and self.review.operation == CREATE and "metadata" in new:
            # These are given to what is stored, after everybody has been asked.
            new["metadata"] = {**new["metadata"], "creationTimestamp": None}
            new["metadata"].pop("uid", None)
        return new, None if old is None else await self.shape.plain(old)

    async def ask(self, caller: Caller, *, mutating: bool) -> Response | None:
        """The answer of a webhook that allows the write. Raises the error it refuses with, or _Uncallable."""
        hook, review = self.hook, self.review
        if review.dry_run and not hook.may_run_dry:
            raise conversation.no_dry_run(hook.name)
        if isinstance(hook.address, str):
            raise _Uncallable(f"could not get REST client: {hook.address}")
        uid = new_uid()
        try:
            version = conversation.version_of(hook.spec.admissionReviewVersions)
            body = conversation.encode(version, uid, self.about(), *await self.objects())
            answer = await caller.call(hook.address, body, float(hook.spec.timeoutSeconds or _SECONDS))
            response = conversation.decode(answer, version, uid, mutating=mutating)
        except WebhookFailure as error:
            raise _Uncallable(f"failed to call webhook: {str(error).removeprefix('failed: ')}") from error
        except BadAnswer as error:
            raise _Uncallable(str(error)) from error
        review.annotations.update({f"{hook.name}/{k}": v for k, v in (response.auditAnnotations or {}).items()})
        review.warnings.extend(response.warnings or ())
        if not response.allowed:
            raise conversation.rejection(hook.name, response.status)
        return response

    async def apply(self, response: Response) -> bool:
        """Change the object as the webhook wishes; whether that was a change."""
        try:
            operations = conversation.patch_of(response)
        except BadAnswer as error:
            raise _Uncallable(str(error)) from error
        if not operations:
            return False
        hook, review = self.hook, self.review
        if review.object is None:
            what = "attempted to modify the object, which is not supported for this operation"
            raise InternalError.occurred(f"admission webhook {quote(hook.name)} {what}")
        if response.patchType != "JSONPatch":
            kind = quote(response.patchType or "")
            raise _Uncallable(f"unsupported patch type {kind}")
        before, _ = await self.objects()
        try:
            after = patch.json_patch(before, operations)
            if patch.equal_json(before, after):
                return False
            new = await self.shape.restore(after, review.object)
        except (StatusError, DecodeError) as error:
            raise InternalError.occurred(str(error)) from error
        self._keep(new)
        review.object = new
        return True

    def _keep(self, new: Any) -> None:
        """What only the server gives to an object stays as it was."""
        review = self.review
        meta, old = getattr(new, "metadata", None), getattr(review.object, "metadata", None)
        if meta is None or old is None or review.operation not in (CREATE, UPDATE):
            return
        meta.uid, meta.creationTimestamp = old.uid, old.creationTimestamp
        meta.deletionTimestamp, meta.generation = old.deletionTimestamp, old.generation
        if meta.managedFields == old.managedFields:
            return
        try:
            meta.managedFields = managedfields.checked(meta.managedFields or ()) or None
        except FieldSetError as error:
            meta.managedFields = old.managedFields
            review.warnings.append(f"{_STALE}{error}")
