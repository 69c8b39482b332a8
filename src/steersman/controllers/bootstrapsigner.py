"""Signs what is published for new nodes (`cluster-info` in kube-public) with each bootstrap token that is for signing.

A node that knows only a token can so make sure that it talks to the right cluster.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from steersman.api import codec
from steersman.api.errors import Conflict, NotFound
from steersman.controller.declaration import Context, Controller, mapped
from steersman.kinds.core import bootstraptoken
from steersman.kinds.types.core_v1 import ConfigMap, Secret
from steersman.pki import jose

NAMESPACE, NAME = "kube-public", "cluster-info"
KEY = f"{NAMESPACE}/{NAME}"
CONTENT, SIGNATURE = "kubeconfig", "jws-kubeconfig-"
MAPS, SECRETS = f"metadata.name={NAME}", f"type={bootstraptoken.TYPE}"


class BootstrapSigner:
    """There is one key: that of the ConfigMap."""

    def __init__(self, context: Context) -> None:
        self._client, self._clock = context.client, context.clock
        self._maps = context.informers.informer(ConfigMap, fields=MAPS)
        self._secrets = context.informers.informer(Secret, fields=SECRETS)

    async def reconcile(self, key: str) -> float | None:
        found, now = self._maps.get(key), self._clock.now()
        if found is None:
            return None
        secrets = [s for s in self._secrets.items() if s.metadata.namespace == bootstraptoken.NAMESPACE]
        data = signed(found.data or {}, secrets, now)
        if data != (found.data or {}):
            changed = codec.clone(found)
            changed.data = data
            try:
                await self._client.update(changed)
            except (Conflict, NotFound):
                # What is there now is on its way here.
                return None
        # A token's signature goes when the token ends.
        return min((left for s in secrets if (left := bootstraptoken.seconds_left(s, now))), default=None)


def signed(data: dict[str, str], secrets: Iterable[Secret], now: datetime) -> dict[str, str]:
    """The ConfigMap's data with a signature by each token, and no others. Without content it stays as it is."""
    content = data.get(CONTENT)
    if content is None:
        return data
    kept = {key: value for key, value in data.items() if not key.startswith(SIGNATURE)}
    for secret in secrets:
        token = bootstraptoken.signing_token(secret, now)
        if token is not None:
            kept[SIGNATURE + token[0]] = jose.detached(content.encode(), token[0], token[1].encode())
    return kept


def _map_keys(_: Context, found: ConfigMap) -> Iterable[str]:
    return (KEY,) if found.metadata.namespace == NAMESPACE else ()


def _secret_keys(_: Context, found: Secret) -> Iterable[str]:
    return (KEY,) if found.metadata.namespace == bootstraptoken.NAMESPACE else ()


CONTROLLER = Controller(
    name="bootstrapsigner",
    reconciler=BootstrapSigner,
    watches=(mapped(ConfigMap, _map_keys, fields=MAPS), mapped(Secret, _secret_keys, fields=SECRETS)),
    component="bootstrap-signer-controller",
    account="bootstrap-signer",
)
