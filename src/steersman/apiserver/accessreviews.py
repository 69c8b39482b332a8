"""Access reviews: may somebody do this, and what may I do; asked by creating an object, and answered in its status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from steersman.api import codec, field, fields, labels, names
from steersman.api.errors import BadRequest, Invalid
from steersman.api.field import Errors, Path
from steersman.api.fields import FieldSelector
from steersman.api.http import Response, User
from steersman.api.labels import Selector
from steersman.api.meta import Resource
from steersman.apiserver import reviews
from steersman.apiserver.authz import Attributes, Rule, Verdict, aggregate
from steersman.apiserver.context import Context
from steersman.kinds.kind import Served
from steersman.kinds.types import authorization_v1 as authz
from steersman.kinds.types.meta_v1 import ObjectMeta

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_NAMELESS = Resource("authorization.k8s.io", "v1", "", "", False)
"""In upstream's errors these reviews have neither kind nor name."""
_SPEC = Path("spec")
_EITHER = "exactly one of nonResourceAttributes or resourceAttributes must be specified"


async def self_subject_access_review(app: App, ctx: Context, served: Served) -> Response:
    review: authz.SelfSubjectAccessReview = reviews.decode(ctx, served)
    _refuse(_check_either(review.spec) + _check_selectors(review.spec) + _check_metadata(review.metadata))
    review.status = await _answer(app, ctx.user, review.spec)
    return reviews.told(ctx, served, review)


async def subject_access_review(app: App, ctx: Context, served: Served) -> Response:
    review: authz.SubjectAccessReview = reviews.decode(ctx, served)
    _refuse(_check_spec(review.spec) + _check_metadata(review.metadata))
    review.status = await _answer(app, _user(review.spec), review.spec)
    return reviews.told(ctx, served, review)


async def local_subject_access_review(app: App, ctx: Context, served: Served) -> Response:
    review: authz.LocalSubjectAccessReview = reviews.decode(ctx, served)
    namespace, said = ctx.info.namespace, review.metadata.namespace
    if not namespace:
        raise BadRequest("namespace is required on this type: ")
    if said not in ("", namespace):
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    review.metadata.namespace = ""
    errors = _check_spec(review.spec) + _check_metadata(review.metadata, "must be empty except for namespace")
    resource, path = review.spec.resourceAttributes, review.spec.nonResourceAttributes
    if resource is not None and resource.namespace != namespace:
        where = Path("spec.resourceAttributes.namespace")
        errors.append(field.invalid(where, resource.namespace, "must match metadata.namespace"))
    if path is not None:
        where = Path("spec.nonResourceAttributes")
        errors.append(field.invalid(where, _shown(path), "disallowed on this kind of request"))
    _refuse(errors)
    review.metadata.namespace = namespace
    review.status = await _answer(app, _user(review.spec), review.spec)
    return reviews.told(ctx, served, review)


async def self_subject_rules_review(app: App, ctx: Context, served: Served) -> Response:
    review: authz.SelfSubjectRulesReview = reviews.decode(ctx, served)
    if not review.spec.namespace:
        raise BadRequest("no namespace on request")
    found = app.authorizer.rules(ctx.user, review.spec.namespace)
    paths = [authz.NonResourceRule(verbs=list(r.verbs), nonResourceURLs=list(r.paths)) for r in found.rules if r.paths]
    review.status = authz.SubjectRulesReviewStatus(
        resourceRules=[_resource_rule(r) for r in found.rules if r.resources],
        nonResourceRules=paths,
        incomplete=found.incomplete,
        evaluationError=aggregate(found.errors),
    )
    return reviews.told(ctx, served, review)


def _resource_rule(rule: Rule) -> authz.ResourceRule:
    return authz.ResourceRule(
        verbs=list(rule.verbs),
        apiGroups=list(rule.groups),
        resources=list(rule.resources),
        resourceNames=list(rule.names) or None,
    )


# What is wrong with a review


def _refuse(errors: Errors) -> None:
    if errors:
        raise Invalid.of(_NAMELESS, "", errors)


def _check_spec(spec: authz.SubjectAccessReviewSpec) -> Errors:
    errors = _check_either(spec)
    if not spec.user and not spec.groups:
        errors.append(field.invalid(_SPEC.child("user"), "", "at least one of user or group must be specified"))
    return errors + _check_selectors(spec)


def _check_either(spec: authz.SubjectAccessReviewSpec | authz.SelfSubjectAccessReviewSpec) -> Errors:
    path = spec.nonResourceAttributes
    if (spec.resourceAttributes is None) is not (path is None):
        return []
    return [field.invalid(_SPEC, None if path is None else _shown(path), _EITHER)]


def _shown(path: authz.NonResourceAttributes) -> field.Internal:
    return field.Internal(Path=path.path, Verb=path.verb)


def _check_selectors(spec: authz.SubjectAccessReviewSpec | authz.SelfSubjectAccessReviewSpec) -> Errors:
    if (resource := spec.resourceAttributes) is None:
        return []
    where = _SPEC.child("resourceAttributes")
    errors = _check_selector(resource.fieldSelector, where.child("fieldSelector"))
    return errors + _check_selector(resource.labelSelector, where.child("labelSelector"))


def _check_selector(
    selector: authz.FieldSelectorAttributes | authz.LabelSelectorAttributes | None, path: Path
) -> Errors:
    if selector is None:
        return []
    errors: Errors = []
    if selector.rawSelector and selector.requirements:
        what = "may not specified at the same time as requirements"
        errors.append(field.invalid(path.child("rawSelector"), selector.rawSelector, what))
    if not selector.rawSelector and not selector.requirements:
        what = f"when {path} is specified, requirements or rawSelector is required"
        errors.append(field.required(path.child("requirements"), what))
    requirements: Sequence[Any] = selector.requirements or ()
    for i, requirement in enumerate(requirements):
        where, values = path.child("requirements").index(i), requirement.values
        key, labelled = requirement.key, isinstance(selector, authz.LabelSelectorAttributes)
        if not labelled and not key:
            errors.append(field.required(where.child("key"), "must be specified"))
        if requirement.operator in ("In", "NotIn") and not values:
            errors.append(field.required(where.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"))
        if requirement.operator in ("Exists", "DoesNotExist") and values:
            what = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(field.forbidden(where.child("values"), what))
        if labelled:
            errors += field.all_invalid(where.child("key"), key, names.qualified_name(key))
            for j, value in enumerate(values or ()):
                errors += field.all_invalid(where.child("values").index(j), value, names.label_value(value))
    return errors


def _check_metadata(metadata: ObjectMeta, rule: str = "must be empty") -> Errors:
    plain = codec.to_builtins(metadata)
    plain.pop("managedFields", None)
    return [field.invalid(Path("metadata"), plain, rule)] if plain else []


# The answer


def _user(spec: authz.SubjectAccessReviewSpec) -> User:
    extra = {key: tuple(values) for key, values in (spec.extra or {}).items()}
    return User(spec.user, tuple(spec.groups or ()), spec.uid, extra)


async def _answer(app: App, user: User, spec: Any) -> authz.SubjectAccessReviewStatus:
    attributes, problems = attributes_of(user, spec)
    decision = await app.authorizer.authorize(attributes)
    return authz.SubjectAccessReviewStatus(
        allowed=decision.allowed,
        denied=decision.verdict is Verdict.DENY or None,
        reason=decision.reason,
        evaluationError="; ".join(text for text in (decision.error, *problems) if text),
    )


def attributes_of(
    user: User, spec: authz.SubjectAccessReviewSpec | authz.SelfSubjectAccessReviewSpec
) -> tuple[Attributes, list[str]]:
    """What a review asks about, and which of it could not be understood: a selector only narrows, and is left out then."""
    of, path = spec.resourceAttributes, spec.nonResourceAttributes
    if of is None:
        return Attributes(user, path.verb if path else "", False, path=path.path if path else ""), []
    wanted, field_problem = _fields(of.fieldSelector)
    labelled, label_problem = _labels(of.labelSelector)
    attributes = Attributes(
        user,
        of.verb,
        True,
        of.group,
        of.resource,
        of.subresource,
        of.namespace,
        of.name,
        version=of.version or "*",
        field_selector=wanted if wanted is not None and wanted.terms else None,
        label_selector=labelled if labelled is not None and labelled.requirements else None,
    )
    return attributes, [text for text in (field_problem, label_problem) if text]


def _ignored(which: str, left: bool) -> str:
    return f"spec.resourceAttributes.{which} {'partially ' if left else ''}ignored due to parse error"


def _fields(given: authz.FieldSelectorAttributes | None) -> tuple[FieldSelector | None, str]:
    if given is None:
        return None, ""
    if given.rawSelector:
        try:
            return fields.parse(given.rawSelector), ""
        except fields.FieldSelectorError:
            return None, _ignored("fieldSelector", False)
    asked = given.requirements or ()
    terms = [
        fields.Term(r.key, r.values[0], r.operator == "NotIn")
        for r in asked
        if r.operator in ("In", "NotIn") and r.values is not None and len(r.values) == 1
    ]
    return FieldSelector(tuple(terms)), _ignored("fieldSelector", bool(terms)) if len(terms) < len(asked) else ""


def _labels(given: authz.LabelSelectorAttributes | None) -> tuple[Selector | None, str]:
    if given is None:
        return None, ""
    if given.rawSelector:
        try:
            return labels.parse(given.rawSelector), ""
        except labels.SelectorError:
            return None, _ignored("labelSelector", False)
    asked: Sequence[Any] = given.requirements or ()
    found: list[labels.Requirement] = []
    for r in asked:
        try:
            found += [labels.requirement(r.key, labels.OBJECT_OPERATORS[r.operator], r.values or ())]
        except (labels.SelectorError, KeyError):
            # Without it, the question is a wider one.
            continue
    return Selector(found), _ignored("labelSelector", bool(found)) if len(found) < len(asked) else ""
