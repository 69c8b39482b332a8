"""Admission by webhooks: which of them a write concerns, what they are asked, and what becomes of their answers.

Mutating ones are asked one after another in the order of their names, validating ones all at once.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steersman.api import patch
from steersman.api.codec import DecodeError
from steersman.api.errors import Forbidden, InternalError, StatusError
from steersman.api.field import quote
from steersman.api.meta import Resource, new_uid
from steersman.apiserver.admission.counting import NOT_CALLED, OWN_ERROR, REFUSED
from steersman.apiserver.admission.framework import Review
from steersman.apiserver.admission.rounds import Rounds
from steersman.apiserver.webhook import conversation, notes, objects, scope, shapes
from steersman.apiserver.webhook.client import Caller, WebhookClient, WebhookFailure
from steersman.apiserver.webhook.conversation import BadAnswer, Response
from steersman.apiserver.webhook.hooks import Configured, Hook, Place, is_exempt
from steersman.apiserver.webhook.shapes import Shape

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_log = logging.getLogger(__name__)
_SECONDS = 10
_NOTES = "webhooks"


class _Uncallable(Exception):
    """A webhook could not be asked, or what it said is no answer; the text says why. It is counted as a status of `code`."""

    def __init__(self, text: str, code: int = 503) -> None:
        super().__init__(text)
        self.code = code


_Identity = tuple[str, str, int]


class AdmissionWebhooks:
    """All admission webhooks of one server."""

    def __init__(self, app: App, caller: Caller | None = None) -> None:
        self._app = app
        self._caller = caller or WebhookClient(app.registries, app.backends, app.aggregator.ask)
        mutating, validating = map(app.chain.settings, ("MutatingAdmissionWebhook", "ValidatingAdmissionWebhook"))
        self._mutating = Configured(app, "mutatingwebhookconfigurations", mutating)
        self._validating = Configured(app, "validatingwebhookconfigurations", validating)

    def close(self) -> None:
        self._mutating.close()
        self._validating.close()

    async def mutate(self, review: Review) -> None:
        """Let webhooks change the object. Raises whatever error they refuse it with; InternalError for their failures."""
        hooks = self._mutating.hooks()
        if not hooks or self._passes(review):
            return
        rounds: Rounds[_Identity] = review.notes.setdefault(_NOTES, Rounds())
        again = review.round > 0
        if again and objects.encoded(review.object) != rounds.last:
            rounds.changed()
        for index, hook in enumerate(hooks):
            if again and hook.identity not in rounds.due:
                continue
            await self._ask_mutating(hook, review, rounds, index)
        rounds.last = objects.encoded(review.object)

    async def _ask_mutating(self, hook: Hook, review: Review, rounds: Rounds[_Identity], index: int) -> None:
        call = await self._matched(hook, review, "admit")
        if call is None:
            return
        try:
            response, changed = await self._ask(call, "admit")
            notes.changed(review, hook.identity, index, response if changed else None)
        except _Uncallable as error:
            _give_up(hook, error)
            notes.failed_open(review, hook.identity, index, mutating=True)
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
        calls = [
            (i, call)
            for i, hook in enumerate(hooks)
            if (call := await self._matched(hook, review, "validating")) is not None
        ]
        if not calls:
            return
        since = self._app.clock.monotonic()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._ask_validating(call, index)) for index, call in calls]
        self._app.metrics.excuse(self._app.clock.monotonic() - since)
        for task in tasks:
            if (refused := task.result()) is not None:
                raise refused

    async def _ask_validating(self, call: _Call, index: int) -> StatusError | None:
        """The error of the request, as a value: the other webhooks are heard out."""
        try:
            await self._ask(call, "validating")
        except StatusError as error:
            return error
        except _Uncallable as error:
            try:
                _give_up(call.hook, error)
            except StatusError as failure:
                return failure
            notes.failed_open(call.review, call.hook.identity, index, mutating=False)
        return None

    async def _ask(self, call: _Call, step: str) -> tuple[Response | None, bool]:
        """The answer of a webhook that allows the write, and whether it has changed the object. Raises as `_Call.ask`."""
        counts, clock, hook = self._app.admitted, self._app.clock, call.hook
        named = hook.name, step, call.review.operation
        since = clock.monotonic()
        code, why = 200, ""
        try:
            response = await call.ask(self._caller, mutating=step == "admit")
            return response, step == "admit" and response is not None and await call.apply(response)
        except _Uncallable as error:
            code = error.code
            if hook.ignores_failures:
                counts.failed_open.add(hook.name, step)
            else:
                why = NOT_CALLED
            raise
        except conversation.Denied as error:
            code, why = error.code, REFUSED
            raise
        except StatusError:
            code, why = 0, OWN_ERROR
            raise
        finally:
            seconds = clock.monotonic() - since
            counts.answered(named, seconds, code, why)
            if step == "admit":
                self._app.metrics.excuse(seconds)

    # Which

    def _passes(self, review: Review) -> bool:
        """Whether no webhook has a say."""
        return review.admitted or is_exempt(review.resource)

    async def _matched(self, hook: Hook, review: Review, step: str) -> _Call | None:
        """The call to a webhook, if the write concerns it."""
        in_namespace, missing = scope.namespace_matches(self._app, hook.namespaces, review)
        if not in_namespace or not scope.object_matches(hook.objects, review):
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
        if hook.spec.matchConditions and not await self._conditions_hold(call, step):
            return None
        return call

    def _kind_of(self, review: Review, resource: Resource) -> Resource:
        return shapes.shape_of(self._app, review, resource).kind

    async def _conditions_hold(self, call: _Call, step: str) -> bool:
        # CEL is loaded with the first expression.
        from steersman.apiserver.webhook import conditions

        review, counts, clock = call.review, self._app.admitted, self._app.clock
        new, old = await objects.shown(review, call.shape)
        values = conditions.variables(call.about(), new, old, review.user, self._app.authorizer)
        labels, since = (call.hook.name, "webhook", step, review.operation), clock.monotonic()
        try:
            holds = await conditions.answered(lambda: conditions.hold(call.hook.spec.matchConditions or (), values))
        except conditions.Undecided as error:
            counts.condition_errors.add(*labels)
            if call.hook.ignores_failures:
                return False
            _log.warning("webhook %s: match conditions: %s", call.hook.name, error)
            raise Forbidden.of(review.resource, review.name, str(error)) from error
        finally:
            counts.conditions.observe(clock.monotonic() - since, *labels)
        if not holds:
            counts.exclusions.add(*labels)
        return holds


def _give_up(hook: Hook, error: _Uncallable) -> None:
    """Raise InternalError, unless the webhook may be done without."""
    text = f"failed calling webhook {quote(hook.name)}: {error}"
    _log.warning("%s: %s", "failing open" if hook.ignores_failures else "failing closed", text)
    if not hook.ignores_failures:
        raise InternalError.occurred(text) from error


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

    async def ask(self, caller: Caller, *, mutating: bool) -> Response | None:
        """The answer of a webhook that allows the write. Raises the error it refuses with, or _Uncallable."""
        hook, review = self.hook, self.review
        if review.dry_run and not hook.may_run_dry:
            raise conversation.no_dry_run(hook.name)
        if isinstance(hook.address, str):
            raise _Uncallable(f"could not get REST client: {hook.address}", 500)
        uid = new_uid()
        try:
            version = conversation.version_of(hook.spec.admissionReviewVersions)
            body = conversation.encode(version, uid, self.about(), *await objects.shown(review, self.shape))
            answer = await caller.call(hook.address, body, float(hook.spec.timeoutSeconds or _SECONDS))
            response = conversation.decode(answer, version, uid, mutating=mutating)
        except WebhookFailure as error:
            why = f"failed to call webhook: {str(error).removeprefix('failed: ')}"
            raise _Uncallable(why, error.status) from error
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
        before, _ = await objects.shown(review, self.shape)
        try:
            after = patch.json_patch(before, operations)
            if patch.equal_json(before, after):
                return False
            new = await self.shape.restore(after, review.object)
        except (StatusError, DecodeError) as error:
            raise InternalError.occurred(str(error)) from error
        objects.replace(review, new)
        return True
