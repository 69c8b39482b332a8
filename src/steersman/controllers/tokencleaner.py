"""Deletes the Secrets of bootstrap tokens that have ended."""

from __future__ import annotations

from collections.abc import Iterable

from steersman.api.errors import Conflict, NotFound
from steersman.controller.declaration import Context, Controller, mapped
from steersman.kinds.core import bootstraptoken
from steersman.kinds.types.core_v1 import Secret

FIELDS = f"type={bootstraptoken.TYPE}"


class TokenCleaner:
    """Keys are those of Secrets in kube-system."""

    def __init__(self, context: Context) -> None:
        self._client, self._clock = context.client, context.clock
        self._secrets = context.informers.informer(Secret, fields=FIELDS)

    async def reconcile(self, key: str) -> float | None:
        secret = self._secrets.get(key)
        left = None if secret is None else bootstraptoken.seconds_left(secret, self._clock.now())
        if secret is None or left is None or left > 0:
            return left
        meta = secret.metadata
        try:
            await self._client.delete(Secret, meta.name, meta.namespace, uid=meta.uid)
        except (NotFound, Conflict):
            # It is gone, or another one has its name.
            return None
        return None


def _keys(_: Context, secret: Secret) -> Iterable[str]:
    meta = secret.metadata
    return (f"{meta.namespace}/{meta.name}",) if meta.namespace == bootstraptoken.NAMESPACE else ()


CONTROLLER = Controller(
    name="tokencleaner",
    reconciler=TokenCleaner,
    watches=(mapped(Secret, _keys, fields=FIELDS),),
    component="token-cleaner-controller",
    account="token-cleaner",
)
