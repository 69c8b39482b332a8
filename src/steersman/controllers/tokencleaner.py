"""Deletes the Secrets of bootstrap tokens that have ended."""

from __future__ import annotations

from collections.abc import Iterable

from steersman.controller.declaration import Context, Controller, mapped
from steersman.controller.expiry import Expiry
from steersman.kinds.core import bootstraptoken
from steersman.kinds.types.core_v1 import Secret

FIELDS = f"type={bootstraptoken.TYPE}"


def _keys(_: Context, secret: Secret) -> Iterable[str]:
    meta = secret.metadata
    return (f"{meta.namespace}/{meta.name}",) if meta.namespace == bootstraptoken.NAMESPACE else ()


CONTROLLER = Controller(
    name="tokencleaner",
    reconciler=lambda context: Expiry(context, Secret, bootstraptoken.seconds_left, fields=FIELDS),
    watches=(mapped(Secret, _keys, fields=FIELDS),),
    component="token-cleaner-controller",
    account="token-cleaner",
)
