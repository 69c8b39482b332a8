"""Mutating admission policies: the changes that they make to an object, one after another in the order of their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steersman.api import codec, patch
from steersman.api.codec import DecodeError
from steersman.api.errors import Forbidden, InternalError, NotFound, ServiceUnavailable, StatusError
from steersman.api.field import quote
from steersman.api.meta import Resource
from steersman.api.typed import Node, schema_of
from steersman.apiserver.admission.framework import DELETE, Review
from steersman.apiserver.admission.rounds import Rounds
from steersman.apiserver.policies import evaluation, params, patches, values
from steersman.apiserver.policies.evaluation import Definitions, Evaluation, Expression, Failed
from steersman.apiserver.policies.matching import Asked
from steersman.apiserver.policies.params import Misconfigured, Param
from steersman.apiserver.policies.patches import Unpatchable
from steersman.apiserver.policies.source import Bound, Hook, Source, is_exempt
from steersman.apiserver.policies.validating import name_of
from steersman.apiserver.policies.values import EarlySight
from steersman.apiserver.webhook import objects
from steersman.apiserver.webhook.shapes import PARTS
from steersman.cel import list_of
from steersman.cel.admission import JSON_PATCH, OBJECT
from steersman.kinds.admissionregistration.expressions import Composition
from steersman.kinds.types.autoscaling_v1 import Scale

if TYPE_CHECKING:
    from steersman.apiserver.server import App
    from steersman.kinds.types.admissionregistration_v1 import MatchCondition, MutatingAdmissionPolicy, Mutation

_NOTES = "policies"
_Key = tuple[str, str, str, str]
_LATE = "There can be a delay between when CustomResourceDefinitions are created and when they are available."


@dataclass(frozen=True, slots=True)
class _Change:
    """One mutation."""

    merges: bool
    expression: Expression


class Mutator:
    """The expressions of one policy."""

    def __init__(self, policy: MutatingAdmissionPolicy) -> None:
        spec = policy.spec
        self.has_params = spec.paramKind is not None
        self.conditions: Sequence[MatchCondition] = spec.matchConditions or ()
        self.reinvoked = spec.reinvocationPolicy == "IfNeeded"
        composition = Composition(params=self.has_params)
        self.definitions: Definitions = evaluation.define(composition, spec.variables)
        self.changes = [self._change(composition, m) for m in spec.mutations or ()]

    @staticmethod
    def _change(composition: Composition, given: Mutation) -> _Change:
        merges = given.applyConfiguration is not None
        source = given.applyConfiguration or given.jsonPatch
        text = source.expression if source is not None else ""
        returns = OBJECT if merges else list_of(JSON_PATCH)
        return _Change(merges, Expression.made(text, lambda: composition.compile(text, returns, mutation=True)))


@dataclass(frozen=True, slots=True)
class _Invocation:
    """One policy with a binding and a parameter, for one request."""

    hook: Hook[Mutator]
    bound: Bound
    param: Param
    resource: Resource

    @property
    def key(self) -> _Key:
        return (self.hook.name, self.bound.name, self.param.namespace, self.param.name)


@dataclass(frozen=True, slots=True)
class _Problem:
    """What keeps a policy from doing its work."""

    hook: Hook[Mutator]
    bound: Bound | None
    message: str
    reason: str = ""

    def __str__(self) -> str:
        name = self.hook.name
        if self.bound is None:
            return f"policy {quote(name)} denied request: {self.message}"
        return f"policy '{name}' with binding '{self.bound.name}' denied request: {self.message}"


class _Case:
    """One request before all policies."""

    def __init__(self, app: App, review: Review, rounds: Rounds[_Key]) -> None:
        self._app, self._review, self._rounds = app, review, rounds
        self._asked = Asked(app, review)
        self._problems: list[_Problem] = []

    async def invocations(self, hooks: Sequence[Hook[Mutator]]) -> list[_Invocation]:
        """All that concern the request, as it came."""
        found: list[_Invocation] = []
        for hook in hooks:
            try:
                resource = hook.constraints.matching(self._asked)
                if resource is None:
                    continue
                endpoint = params.endpoint_of(self._app, hook.spec.paramKind)
            except (NotFound, Misconfigured) as error:
                self._problems.append(_Problem(hook, None, f"failed to configure policy: {error}"))
                continue
            for bound in hook.bindings:
                try:
                    if bound.constraints is not None and bound.constraints.matching(self._asked) is None:
                        continue
                    collected = await params.collect(endpoint, bound.spec.paramRef, self._asked.namespace)
                except (NotFound, Misconfigured) as error:
                    self._problems.append(_Problem(hook, bound, f"failed to configure binding: {error}"))
                    continue
                found += [_Invocation(hook, bound, param, resource) for param in collected]
        return found

    async def invoke(self, invocation: _Invocation) -> None:
        """Let one policy change the object."""
        from steersman.apiserver.webhook import conditions

        mutator = invocation.hook.evaluator
        if mutator.conditions:
            sight = EarlySight(self._app, self._asked, invocation.resource)
            try:
                seen = await sight.values(invocation.param)
                if not await conditions.answered(
                    lambda: conditions.hold(mutator.conditions, seen, params=mutator.has_params)
                ):
                    return
            except conditions.Undecided as error:
                self._fail(invocation, str(error))
                return
        if self._review.round > 0 and invocation.key not in self._rounds.due:
            return
        changed = False
        for change in mutator.changes:
            since = self._app.clock.monotonic()
            why = ""
            try:
                changed = await self._change(invocation, change) or changed
            except (Failed, Unpatchable) as error:
                why = str(error)
                self._fail(invocation, why)
            except StatusError as error:
                why = error.message
                raise
            finally:
                what = evaluation.error_type(why) if why else "no_error"
                named = invocation.hook.name, invocation.bound.name, what
                self._app.admitted.checked("mutating", named, self._app.clock.monotonic() - since)
        if changed:
            self._rounds.changed()
            self._review.again = True
        if mutator.reinvoked:
            self._rounds.done.add(invocation.key)

    def _fail(self, invocation: _Invocation, message: str) -> None:
        self._problems.append(_Problem(invocation.hook, invocation.bound, message, "Invalid"))

    async def _change(self, invocation: _Invocation, change: _Change) -> bool:
        """Whether the object is another one now. Raises Failed, Unpatchable, StatusError."""
        from steersman.apiserver.webhook import conditions

        review = self._review
        if review.object is None:
            return False
        # Every mutation sees what those before it have done.
        sight = EarlySight(self._app, self._asked, invocation.resource)
        node = _schema(self._app, review, invocation.resource, sight.shape.kind)
        seen = await sight.values(invocation.param, values.namespace_object(self._app, self._asked))
        definitions = invocation.hook.evaluator.definitions
        value = await conditions.answered(lambda: Evaluation(seen, definitions).value(change.expression))
        before = seen["object"]
        after = patches.apply_configuration(node, before, value) if change.merges else patches.json_patch(before, value)
        if patch.equal_json(before, after):
            return False
        try:
            if not change.merges:
                _check_fields(self._app, review, invocation.resource, after)
            new = await sight.shape.restore(after, review.object)
        except DecodeError as error:
            raise InternalError.occurred(str(error)) from error
        objects.replace(review, new)
        return True

    def finish(self) -> None:
        """Raise what kept policies from their work, unless they may fail."""
        problems = [p for p in self._problems if not p.hook.ignores_failures]
        if not problems:
            return
        error = Forbidden.of(self._review.resource, name_of(self._review), "")
        raise StatusError(
            str(problems[0]),
            code=error.code,
            reason=problems[0].reason or error.reason,
            details={**error.details, "causes": [{"message": str(p)} for p in problems]},
        )


def _schema(app: App, review: Review, resource: Resource, kind: Resource) -> Node:
    """How the object merges. Raises ServiceUnavailable for what has no schema, such as the options of a connection."""
    if review.subresource == "scale":
        return schema_of(Scale)
    if review.subresource in PARTS:
        return schema_of(type(review.object))
    endpoint = app.endpoint(resource.group, resource.version, resource.plural)
    if endpoint is None or isinstance(review.object, dict):
        raise ServiceUnavailable(f"Resource kind {kind.group}/{kind.version}, Kind={kind.kind} not found. {_LATE}")
    return endpoint.fields().schema


def _check_fields(app: App, review: Review, resource: Resource, plain: Any) -> None:
    """Raise InternalError for fields that the server's own kinds do not have; a merge has been checked already."""
    endpoint = app.endpoint(resource.group, resource.version, resource.plural)
    if endpoint is None or endpoint.kind.custom:
        return
    cls = Scale if review.subresource == "scale" else endpoint.served.type
    cls = type(review.object) if review.subresource in PARTS else cls
    if problems := codec.from_builtins(cls, plain)[1]:
        raise InternalError.occurred(f"strict decoding error: {', '.join(problems)}")


class MutatingPolicies:
    """All mutating admission policies of one server."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._source = Source(app, "mutatingadmissionpolicies", "mutatingadmissionpolicybindings", Mutator)

    async def mutate(self, review: Review) -> None:
        """Change the object. Raises a StatusError when a policy that must not fail does."""
        if review.admitted or review.operation == DELETE or is_exempt(review.resource):
            return
        hooks = self._source.hooks()
        if not hooks:
            return
        rounds: Rounds[_Key] = review.notes.setdefault(_NOTES, Rounds())
        case = _Case(self._app, review, rounds)
        invocations = await case.invocations(hooks)
        if invocations:
            if review.round > 0 and objects.encoded(review.object) != rounds.last:
                rounds.changed()
            for invocation in invocations:
                await case.invoke(invocation)
            rounds.last = objects.encoded(review.object)
        case.finish()

    def close(self) -> None:
        self._source.close()
