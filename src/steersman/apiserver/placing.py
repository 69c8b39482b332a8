"""Where a client's object belongs: the namespace and the name are those of the request's path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.errors import BadRequest

if TYPE_CHECKING:
    from steersman.kinds.types.meta_v1 import ObjectMeta


def place(meta: ObjectMeta, namespace: str, *, namespaced: bool) -> None:
    """Put an object into the request's namespace; BadRequest when it names another.

    What is in no namespace may name one all the same, as manifests often do: it is left out.
    """
    if not namespaced:
        meta.namespace = ""
    elif meta.namespace != namespace:
        if meta.namespace:
            raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
        meta.namespace = namespace


def check_name(meta: ObjectMeta, name: str) -> None:
    """Changes say whom they are for, as the path does; BadRequest otherwise."""
    if not meta.name:
        raise BadRequest(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
    if meta.name != name:
        raise BadRequest(f"the name of the object ({meta.name}) does not match the name on the URL ({name})")
