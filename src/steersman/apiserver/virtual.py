"""Resources that nothing is stored of: what answers each, by group and plural."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from steersman.api.http import Response
from steersman.apiserver import accessreviews, componentstatuses, reviews
from steersman.apiserver.context import Context
from steersman.apiserver.subresources.binding import bind
from steersman.kinds.kind import Served

if TYPE_CHECKING:
    from steersman.apiserver.server import App

Handler = Callable[["App", Context, Served], Awaitable[Response]]


async def _bindings(app: App, ctx: Context, served: Served) -> Response:
    return await bind(app, ctx, "")


VIRTUAL: Mapping[tuple[str, str], Handler] = {
    ("", "bindings"): _bindings,
    ("", "componentstatuses"): componentstatuses.handle,
    ("authentication.k8s.io", "tokenreviews"): reviews.token_review,
    ("authentication.k8s.io", "selfsubjectreviews"): reviews.self_subject_review,
    ("authorization.k8s.io", "selfsubjectaccessreviews"): accessreviews.self_subject_access_review,
    ("authorization.k8s.io", "selfsubjectrulesreviews"): accessreviews.self_subject_rules_review,
    ("authorization.k8s.io", "subjectaccessreviews"): accessreviews.subject_access_review,
    ("authorization.k8s.io", "localsubjectaccessreviews"): accessreviews.local_subject_access_review,
}
