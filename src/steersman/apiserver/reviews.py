"""Questions that are asked by creating an object: who am I, may somebody do this, is this token good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.api.codec import DecodeError
from steersman.api.errors import BadRequest
from steersman.api.http import Response, User
from steersman.apiserver import encoding, respond
from steersman.apiserver.authn import users
from steersman.apiserver.authn.chain import Rejected
from steersman.apiserver.authz import Attributes, Rule, Verdict, aggregate
from steersman.apiserver.context import Context
from steersman.kinds.kind import Served
from steersman.kinds.types import authentication_v1 as authn
from steersman.kinds.types import authorization_v1 as authz

if TYPE_CHECKING:
    from steersman.apiserver.server import App


def _decode(ctx: Context, served: Served) -> Any:
    try:
        obj, problems = ctx.decode(served.type)
    except DecodeError as error:
        raise encoding.undecoded(ctx, served.resource, error) from error
    ctx.warnings.extend(problems)
    return served.adopt(obj)


def _told(ctx: Context, served: Served, review: Any) -> Response:
    return respond.value(201, served.from_stored(review), ctx.accept(), ctx.warnings)


def _attributes(user: User, spec: Any) -> Attributes:
    """What an access review asks about."""
    of, path = spec.resourceAttributes, spec.nonResourceAttributes
    if (of is None) == (path is None):
        raise BadRequest("exactly one of nonResourceAttributes or resourceAttributes must be specified")
    if path is not None:
        return Attributes(user, path.verb, False, path=path.path)
    return Attributes(user, of.verb, True, of.group, of.resource, of.subresource, of.namespace, of.name)


async def _answer(app: App, attributes: Attributes) -> authz.SubjectAccessReviewStatus:
    decision = await app.authorizer.authorize(attributes)
    return authz.SubjectAccessReviewStatus(
        allowed=decision.allowed,
        denied=decision.verdict is Verdict.DENY or None,
        reason=decision.reason,
        evaluationError=decision.error,
    )


async def self_subject_access_review(app: App, ctx: Context, served: Served) -> Response:
    review: authz.SelfSubjectAccessReview = _decode(ctx, served)
    review.status = await _answer(app, _attributes(ctx.user, review.spec))
    return _told(ctx, served, review)


async def subject_access_review(app: App, ctx: Context, served: Served) -> Response:
    review = _decode(ctx, served)
    spec = review.spec
    if not spec.user and not spec.groups:
        raise BadRequest("at least one of user or group must be specified")
    extra = {k: tuple(v) for k, v in (spec.extra or {}).items()}
    user = User(spec.user, tuple(spec.groups or ()), spec.uid, extra)
    attributes = _attributes(user, spec)
    if ctx.info.namespace and attributes.namespace != ctx.info.namespace:
        raise BadRequest(f"spec.resourceAttributes.namespace must match namespace: {ctx.info.namespace}")
    review.status = await _answer(app, attributes)
    return _told(ctx, served, review)


async def self_subject_rules_review(app: App, ctx: Context, served: Served) -> Response:
    review: authz.SelfSubjectRulesReview = _decode(ctx, served)
    if not review.spec.namespace:
        raise BadRequest("no namespace on request")
    found = app.authorizer.rules(ctx.user, review.spec.namespace)
    rules = found.rules
    review.status = authz.SubjectRulesReviewStatus(
        resourceRules=[_resource_rule(r) for r in rules if r.resources],
        nonResourceRules=[
            authz.NonResourceRule(verbs=list(r.verbs), nonResourceURLs=list(r.paths)) for r in rules if r.paths
        ],
        incomplete=found.incomplete,
        evaluationError=aggregate(found.errors),
    )
    return _told(ctx, served, review)


def _resource_rule(rule: Rule) -> authz.ResourceRule:
    return authz.ResourceRule(
        verbs=list(rule.verbs),
        apiGroups=list(rule.groups),
        resources=list(rule.resources),
        resourceNames=list(rule.names) or None,
    )


def _user_info(user: User) -> authn.UserInfo:
    return authn.UserInfo(
        username=user.name,
        uid=user.uid,
        groups=list(user.groups) or None,
        extra={k: list(v) for k, v in user.extra.items()} or None,
    )


async def token_review(app: App, ctx: Context, served: Served) -> Response:
    review: authn.TokenReview = _decode(ctx, served)
    if not review.spec.token:
        raise BadRequest("token is required for TokenReview in authentication")
    try:
        verdict = app.authenticator.review(review.spec.token, review.spec.audiences or ())
        if not isinstance(verdict, users.Verdict):
            verdict = await verdict
    except Rejected as error:
        review.status = authn.TokenReviewStatus(error=error.why)
    else:
        review.status = authn.TokenReviewStatus(
            authenticated=True, user=_user_info(verdict.user), audiences=list(verdict.audiences) or None
        )
    # The answer must not carry the secret back.
    review.spec.token = ""
    return _told(ctx, served, review)


async def self_subject_review(app: App, ctx: Context, served: Served) -> Response:
    review: authn.SelfSubjectReview = _decode(ctx, served)
    review.status = authn.SelfSubjectReviewStatus(userInfo=_user_info(ctx.user))
    return _told(ctx, served, review)
