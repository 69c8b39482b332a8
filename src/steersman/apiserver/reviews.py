"""Questions that are asked by creating an object: who am I, is this token good. Those about rights are in `accessreviews`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.api.codec import DecodeError
from steersman.api.errors import BadRequest
from steersman.api.http import Response, User
from steersman.apiserver import encoding, respond
from steersman.apiserver.authn import users
from steersman.apiserver.authn.users import Rejected
from steersman.apiserver.context import Context
from steersman.kinds.kind import Served
from steersman.kinds.types import authentication_v1 as authn

if TYPE_CHECKING:
    from steersman.apiserver.server import App


def decode(ctx: Context, served: Served) -> Any:
    """The question in the stored version. Raises what is wrong with the body."""
    try:
        obj, problems = ctx.decode(served.type)
    except DecodeError as error:
        raise encoding.undecoded(ctx, served.resource, error) from error
    encoding.check_kind(obj, served.resource)
    ctx.warnings.extend(problems)
    return served.adopt(obj)


def told(ctx: Context, served: Served, review: Any) -> Response:
    """The question with its answer."""
    return respond.value(201, served.from_stored(review), ctx.accept(), ctx.warnings)


def _user_info(user: User) -> authn.UserInfo:
    return authn.UserInfo(
        username=user.name,
        uid=user.uid,
        groups=list(user.groups) or None,
        extra={k: list(v) for k, v in user.extra.items()} or None,
    )


async def token_review(app: App, ctx: Context, served: Served) -> Response:
    review: authn.TokenReview = decode(ctx, served)
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
    return told(ctx, served, review)


async def self_subject_review(app: App, ctx: Context, served: Served) -> Response:
    review: authn.SelfSubjectReview = decode(ctx, served)
    review.status = authn.SelfSubjectReviewStatus(userInfo=_user_info(ctx.user))
    return told(ctx, served, review)
