"""Gives every namespace its service account named `default`."""

from __future__ import annotations

from collections.abc import Iterable

from steersman.api.errors import AlreadyExists, StatusError
from steersman.client.rest import ApiObject
from steersman.controller.declaration import Context, Controller, mapped, own
from steersman.controller.pod_control import namespace_ends
from steersman.kinds.types.core_v1 import Namespace, ServiceAccount
from steersman.kinds.types.meta_v1 import ObjectMeta

NAME = "default"
FIELDS = f"metadata.name={NAME}"


class ServiceAccounts:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._namespaces = context.informers.informer(Namespace)
        self._accounts = context.informers.informer(ServiceAccount, fields=FIELDS)

    async def reconcile(self, key: str) -> None:
        namespace = self._namespaces.get(key)
        if not accepts(namespace) or self._accounts.get(f"{key}/{NAME}") is not None:
            return
        try:
            await self._client.create(ServiceAccount(metadata=ObjectMeta(name=NAME, namespace=key)))
        except AlreadyExists:
            # The informer is behind: it is there.
            return
        except StatusError as e:
            if not namespace_ends(e):
                raise


def accepts(namespace: Namespace | None) -> bool:
    """Whether new objects can be put into the namespace."""
    return (
        namespace is not None and not namespace.metadata.deletionTimestamp and namespace.status.phase != "Terminating"
    )


def namespace_of(_: Context, obj: ApiObject) -> Iterable[str]:
    return (obj.metadata.namespace,)


CONTROLLER = Controller(
    name="serviceaccount",
    reconciler=ServiceAccounts,
    watches=(own(Namespace), mapped(ServiceAccount, namespace_of, fields=FIELDS)),
    component="service-account-controller",
    account="service-account-controller",
)
