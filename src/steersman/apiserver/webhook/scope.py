"""Whether the labels of a request's namespace and of its objects are those that a webhook or a policy asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.errors import NotFound
from steersman.api.labels import Selector
from steersman.apiserver.admission.framework import Review
from steersman.apiserver.webhook import conversation
from steersman.kinds.types.core_v1 import Namespace

if TYPE_CHECKING:
    from steersman.apiserver.server import App


def namespace_matches(app: App, selector: Selector, review: Review) -> tuple[bool, NotFound | None]:
    """Whether the namespace is selected; an error to be raised, if all else matches, for a namespace that is not there."""
    if selector.empty:
        return True, None
    name = conversation.namespace_of(review)
    is_namespace = (review.resource.group, review.resource.plural) == ("", "namespaces")
    if not name and not is_namespace:
        return True, None
    if is_namespace and not review.subresource and review.object is not None:
        return selector.matches(review.object.metadata.labels), None
    namespace: Namespace | None = app.registries.get(Namespace, "", name)
    if namespace is None:
        return True, NotFound.of(Namespace.__resource__, name)
    return selector.matches(namespace.metadata.labels), None


def object_matches(selector: Selector, review: Review) -> bool:
    """Whether the new object or the old one is selected."""
    if selector.empty:
        return True
    found = [getattr(o, "metadata", None) for o in (review.object, review.old)]
    return any(meta is not None and selector.matches(meta.labels) for meta in found)
