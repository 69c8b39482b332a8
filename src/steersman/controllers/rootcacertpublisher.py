"""Publishes the API server's authority in every namespace, as the ConfigMap that pods mount to verify the server."""

from __future__ import annotations

from steersman.api import codec
from steersman.api.errors import AlreadyExists, StatusError
from steersman.controller.declaration import Context, Controller, mapped, own
from steersman.controller.pod_control import namespace_ends
from steersman.controllers.serviceaccount import accepts, namespace_of
from steersman.kinds.types.core_v1 import ConfigMap, Namespace
from steersman.kinds.types.meta_v1 import ObjectMeta

NAME = "kube-root-ca.crt"
FIELDS = f"metadata.name={NAME}"
DATA_KEY = "ca.crt"
DESCRIPTION = {"kubernetes.io/description": "Certificates that verify the API server at its addresses in the cluster."}


class RootCACertPublisher:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._data = {DATA_KEY: context.config.root_ca}
        self._namespaces = context.informers.informer(Namespace)
        self._maps = context.informers.informer(ConfigMap, fields=FIELDS)

    async def reconcile(self, key: str) -> None:
        if not self._data[DATA_KEY] or not accepts(self._namespaces.get(key)):
            return
        found = self._maps.get(f"{key}/{NAME}")
        if found is None:
            await self._create(key)
        elif found.data != self._data or (found.metadata.annotations or {}).items() < DESCRIPTION.items():
            changed = codec.clone(found)
            changed.data = dict(self._data)
            changed.metadata.annotations = {**(found.metadata.annotations or {}), **DESCRIPTION}
            await self._client.update(changed)

    async def _create(self, namespace: str) -> None:
        meta = ObjectMeta(name=NAME, namespace=namespace, annotations=dict(DESCRIPTION))
        try:
            await self._client.create(ConfigMap(metadata=meta, data=dict(self._data)))
        except AlreadyExists:
            # The informer is behind: its event comes here again, and a wrong content is mended then.
            return
        except StatusError as e:
            if not namespace_ends(e):
                raise


CONTROLLER = Controller(
    name="root-ca-cert-publisher",
    reconciler=RootCACertPublisher,
    watches=(own(Namespace), mapped(ConfigMap, namespace_of, fields=FIELDS)),
    component="root-ca-cert-publisher",
    account="root-ca-cert-publisher",
)
