"""Whose work an object may be: the owner that controls it, or those that would adopt it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from steersman.api import labels
from steersman.client.informer import by_namespace, key_of
from steersman.client.rest import ApiObject
from steersman.controller.declaration import Context
from steersman.controller.ownership import controller_of


def claimants(owner: type[ApiObject]) -> Callable[[Context, Any], Iterable[str]]:
    """A mapper to the keys of the objects of kind `owner` (which have `spec.selector`) that are concerned."""
    kind = owner.__resource__.kind

    def keys(context: Context, obj: Any) -> Iterable[str]:
        ref = controller_of(obj)
        namespace = obj.metadata.namespace
        if ref is not None:
            return (f"{namespace}/{ref.name}",) if ref.kind == kind else ()
        informer: Any = context.informers.informer(owner)
        informer.add_index("namespace", by_namespace)
        return [
            key_of(found)
            for found in informer.by("namespace", namespace)
            if found.spec.selector is not None and labels.from_object(found.spec.selector).matches(obj.metadata.labels)
        ]

    return keys
