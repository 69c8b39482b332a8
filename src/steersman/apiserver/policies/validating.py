"""Validating admission policies: what they say about a request, and what their bindings make of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from steersman.api.errors import Forbidden, NotFound, StatusError
from steersman.apiserver.admission.framework import Review
from steersman.apiserver.policies import evaluation, params, values
from steersman.apiserver.policies.evaluation import Definitions, Evaluation, Expression, Failed, OutOfBudget
from steersman.apiserver.policies.matching import Asked
from steersman.apiserver.policies.params import Misconfigured, Param
from steersman.apiserver.policies.source import Bound, Hook, Source, is_exempt
from steersman.apiserver.policies.values import Sight
from steersman.cel import BOOL, NULL, STRING
from steersman.kinds.admissionregistration.expressions import Composition

if TYPE_CHECKING:
    from steersman.apiserver.server import App
    from steersman.kinds.types.admissionregistration_v1 import (
        AuditAnnotation,
        MatchCondition,
        ValidatingAdmissionPolicy,
        Validation,
    )

_log = logging.getLogger(__name__)
_CODES = {"Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413}
_INVALID = 422
_FAILURES = "validation.policy.admission.k8s.io/validation_failure"
_MOST_FAILURES = 50
_LONGEST_MESSAGE = 5 * 1024
_LONGEST_ANNOTATION = 10 * 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    """A denial; `index` is that of the validation. `ignored`: a failure that is passed over."""

    message: str
    reason: str = ""
    index: int = 0
    ignored: bool = False


@dataclass(slots=True)
class _Findings:
    """What a policy says about a request with one parameter: denials, and annotations that are published."""

    verdicts: list[Verdict] = field(default_factory=list)
    annotations: list[tuple[str, str]] = field(default_factory=list)
    broken: list[Verdict] = field(default_factory=list)
    """Annotations without a value: these deny whatever the actions of the binding are."""


@dataclass(frozen=True, slots=True)
class _Check:
    """One validation."""

    spec: Validation
    expression: Expression
    message: Expression | None


class Validator:
    """The expressions of one policy."""

    def __init__(self, policy: ValidatingAdmissionPolicy) -> None:
        spec = policy.spec
        self._has_params = spec.paramKind is not None
        self._fails = spec.failurePolicy != "Ignore"
        self._conditions: Sequence[MatchCondition] = spec.matchConditions or ()
        composition = Composition(params=self._has_params)
        self._definitions: Definitions = evaluation.define(composition, spec.variables)
        self._checks = [self._check(composition, v) for v in spec.validations or ()]
        self._annotations = [(a.key, self._annotation(composition, a)) for a in spec.auditAnnotations or ()]

    @staticmethod
    def _check(composition: Composition, given: Validation) -> _Check:
        said = given.messageExpression
        message = None
        if said:
            message = Expression.made(said, lambda: composition.compile(said, STRING, authorizer=False))
        expression = Expression.made(given.expression, lambda: composition.compile(given.expression, BOOL))
        return _Check(given, expression, message)

    @staticmethod
    def _annotation(composition: Composition, given: AuditAnnotation) -> Expression:
        text = given.valueExpression
        return Expression.made(text, lambda: composition.compile(text, STRING, NULL))

    @property
    def size(self) -> int:
        """How many expressions there are at least: one."""
        return max(len(self._checks) + len(self._annotations), 1)

    async def judge(self, sight: Sight, param: Param, namespace: dict[str, Any] | None) -> _Findings:
        from steersman.apiserver.webhook import conditions

        findings = _Findings()
        if self._conditions:
            try:
                seen = await sight.values(param)
                if not await conditions.answered(
                    lambda: conditions.hold(self._conditions, seen, params=self._has_params)
                ):
                    return findings
            except conditions.Undecided as error:
                self._fail(findings.verdicts, str(error))
                return findings
        shown = await sight.values(param, namespace)
        return await conditions.answered(lambda: self._findings(shown))

    def _findings(self, shown: dict[str, Any]) -> _Findings:
        findings = _Findings()
        run = Evaluation(shown, self._definitions)
        try:
            findings.verdicts = self._verdicts(run)
            run.renew()
            self._annotate(run, findings)
        except OutOfBudget as error:
            # As if nothing had been evaluated.
            findings = _Findings()
            self._fail(findings.verdicts, str(error))
        return findings

    def _fail(self, verdicts: list[Verdict], message: str, index: int = 0) -> None:
        verdicts.append(Verdict(message, index=index, ignored=not self._fails))

    def _verdicts(self, run: Evaluation) -> list[Verdict]:
        verdicts: list[Verdict] = []
        refused: list[tuple[int, _Check]] = []
        for index, check in enumerate(self._checks):
            try:
                if run.value(check.expression) is not True:
                    refused.append((index, check))
            except OutOfBudget:
                raise
            except Failed as error:
                self._fail(verdicts, str(error), index)
        for index, check in refused:
            try:
                message = _message(run, check)
            except OutOfBudget as error:
                self._fail(verdicts, f"failed messageExpression: {error}", index)
                continue
            verdicts.append(Verdict(message, check.spec.reason or "Invalid", index))
        return sorted(verdicts, key=lambda v: v.index)

    def _annotate(self, run: Evaluation, findings: _Findings) -> None:
        for key, expression in self._annotations:
            try:
                value = run.value(expression)
            except OutOfBudget:
                raise
            except Failed as error:
                self._fail(findings.broken, str(error))
                continue
            if isinstance(value, str) and (text := value.strip()):
                findings.annotations.append((key, text))


def _message(run: Evaluation, check: _Check) -> str:
    """Why a validation refuses: what its expression says, or its message, or the validation itself."""
    if check.message is not None:
        try:
            text = run.value(check.message).strip()
        except OutOfBudget:
            raise
        except Failed as error:
            _log.debug("message expression: %s", error)
            text = ""
        if text and "\n" not in text and len(text.encode()) <= _LONGEST_MESSAGE:
            return str(text)
    return check.spec.message.strip() or f"failed expression: {check.spec.expression.strip()}"


class _Case:
    """One request before all policies."""

    def __init__(self, app: App, review: Review) -> None:
        self._app, self._review = app, review
        self.asked = Asked(app, review)
        self._sights: dict[Any, Sight] = {}
        self.denials: list[tuple[str, Verdict]] = []
        self.failures: list[dict[str, Any]] = []

    def misconfigured(self, hook: Hook[Validator], bound: Bound | None, error: Exception) -> None:
        if hook.ignores_failures:
            return
        what = "policy" if bound is None else "binding"
        self._deny(hook, bound, Verdict(f"failed to configure {what}: {error}"))

    def _deny(self, hook: Hook[Validator], bound: Bound | None, verdict: Verdict) -> None:
        binding = "" if bound is None else f" with binding '{bound.name}'"
        text = f"ValidatingAdmissionPolicy '{hook.name}'{binding} denied request: {verdict.message}"
        self.denials.append((text, verdict))

    async def ask(self, hook: Hook[Validator]) -> None:
        """Hear one policy with all its bindings."""
        try:
            resource = hook.constraints.matching(self.asked)
            if resource is None:
                return
            endpoint = params.endpoint_of(self._app, hook.spec.paramKind)
        except (NotFound, Misconfigured) as error:
            self.misconfigured(hook, None, error)
            return
        published: dict[str, list[str]] = {}
        for bound in hook.bindings:
            try:
                if bound.constraints is not None and bound.constraints.matching(self.asked) is None:
                    continue
                found = await params.collect(endpoint, bound.spec.paramRef, self.asked.namespace)
            except (NotFound, Misconfigured) as error:
                self.misconfigured(hook, bound, error)
                continue
            sight = self._sights.get(resource)
            if sight is None:
                sight = self._sights[resource] = Sight(self._app, self.asked, resource)
            namespace = values.namespace_object(self._app, self.asked)
            for param in found:
                since = self._app.clock.monotonic()
                findings = await hook.evaluator.judge(sight, param, namespace)
                self._count(hook, bound, findings, self._app.clock.monotonic() - since)
                self._take(hook, bound, findings, published)
        for key, texts in published.items():
            self._review.annotations[f"{hook.name}/{key}"] = ", ".join(texts)

    def _count(self, hook: Hook[Validator], bound: Bound, findings: _Findings, seconds: float) -> None:
        """What has come of the expressions, each of which has its share of the time; what they allow is not counted."""
        share = seconds / hook.evaluator.size
        for verdict in findings.verdicts:
            actions = ("allow",) if verdict.ignored else bound.spec.validationActions or ()
            for action in actions:
                what = evaluation.error_type(verdict.message)
                self._app.admitted.checked("validating", (hook.name, bound.name, what, action.lower()), share)
        for verdict in findings.broken:
            if not verdict.ignored:
                what = evaluation.error_type(verdict.message)
                self._app.admitted.checked("validating", (hook.name, bound.name, what, "deny"), share)

    def _take(self, hook: Hook[Validator], bound: Bound, findings: _Findings, published: dict[str, list[str]]) -> None:
        """Do what the binding wants to be done about the findings."""
        actions = bound.spec.validationActions
        for verdict in findings.verdicts:
            if verdict.ignored:
                continue
            if "Deny" in actions:
                self._deny(hook, bound, verdict)
            if "Audit" in actions:
                self.failures.append({
                    "message": verdict.message,
                    "policy": bound.spec.policyName,
                    "binding": bound.name,
                    "expressionIndex": verdict.index,
                    "validationActions": actions,
                })  # fmt: skip
            if "Warn" in actions:
                start = f"Validation failed for ValidatingAdmissionPolicy '{hook.name}' with binding '{bound.name}'"
                self._warn(f"{start}: {verdict.message}")
        for verdict in findings.broken:
            if not verdict.ignored:
                self._deny(hook, bound, verdict)
        for key, text in findings.annotations:
            texts = published.setdefault(key, [])
            text = text.encode()[:_LONGEST_ANNOTATION].decode(errors="ignore")
            if text not in texts:
                texts.append(text)

    def _warn(self, text: str) -> None:
        if text not in self._review.warnings:
            self._review.warnings.append(text)

    def finish(self) -> None:
        """Raise the first denial."""
        if self.failures:
            self._review.annotations[_FAILURES] = json.dumps(self.failures[:_MOST_FAILURES], separators=(",", ":"))
        if not self.denials:
            return
        text, verdict = self.denials[0]
        error = Forbidden.of(self._review.resource, name_of(self._review), text)
        reason = verdict.reason or "Invalid"
        raise StatusError(
            error.message,
            code=_CODES.get(reason, _INVALID),
            reason=reason,
            details={**error.details, "causes": [{"message": text}]},
        )


def name_of(review: Review) -> str:
    """What an error calls the object."""
    meta = getattr(review.object, "metadata", None)
    return review.name or (meta is not None and (meta.name or meta.generateName)) or "Unknown"


class ValidatingPolicies:
    """All validating admission policies of one server."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._source = Source(app, "validatingadmissionpolicies", "validatingadmissionpolicybindings", Validator)

    async def validate(self, review: Review) -> None:
        """Raises a StatusError for a request that a policy denies."""
        if review.admitted or is_exempt(review.resource):
            return
        hooks = self._source.hooks()
        if not hooks:
            return
        case = _Case(self._app, review)
        for hook in hooks:
            await case.ask(hook)
        case.finish()

    def close(self) -> None:
        self._source.close()
