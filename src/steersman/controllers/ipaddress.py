"""Records the addresses of Services as IPAddress objects, so that everybody can see which are taken and by whom."""

from __future__ import annotations

from collections.abc import Iterable

from steersman.api.errors import AlreadyExists
from steersman.controller.declaration import Context, Controller, NotYet, mapped, own
from steersman.controllers.service_pods import family_of
from steersman.kinds.types.core_v1 import Service
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.kinds.types.networking_v1 import IPAddress, IPAddressSpec, ParentReference

FAMILY = "ipaddress.kubernetes.io/ip-family"
MANAGED_BY = "ipaddress.kubernetes.io/managed-by"
MANAGER = "ipallocator.k8s.io"


def addresses_of(service: Service | None) -> list[str]:
    if service is None or service.spec.type == "ExternalName":
        return []
    found = service.spec.clusterIPs or [service.spec.clusterIP]
    return [address for address in found if address and address != "None"]


def record(service: Service, address: str) -> IPAddress:
    meta = service.metadata
    return IPAddress(
        metadata=ObjectMeta(name=address, labels={FAMILY: family_of(address), MANAGED_BY: MANAGER}),
        spec=IPAddressSpec(parentRef=ParentReference(resource="services", namespace=meta.namespace, name=meta.name)),
    )


def _parent(address: IPAddress) -> Iterable[str]:
    """The key of the Service that the record is of."""
    parent = address.spec.parentRef
    if parent is None or (parent.group, parent.resource) != ("", "services"):
        return ()
    return () if (address.metadata.labels or {}).get(MANAGED_BY) != MANAGER else (f"{parent.namespace}/{parent.name}",)


class IPAddresses:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._services = context.informers.informer(Service)
        self._addresses = context.informers.informer(IPAddress)
        self._addresses.add_index("parent", _parent)

    async def reconcile(self, key: str) -> None:
        service = self._services.get(key)
        wanted = addresses_of(service)
        present = {found.metadata.name: found for found in self._addresses.by("parent", key)}
        for name, found in present.items():
            if name not in wanted:
                await self._client.delete_seen(found)
        for address in wanted:
            if address not in present and service is not None:
                await self._create(service, address)

    async def _create(self, service: Service, address: str) -> None:
        try:
            await self._client.create(record(service, address))
        except AlreadyExists as e:
            known = self._addresses.get(address)
            if known is not None:
                raise NotYet(f"the record of {address} is somebody else's") from e


CONTROLLER = Controller(
    name="service-ipaddress",
    reconciler=IPAddresses,
    watches=(
        own(Service, lambda old, new: addresses_of(old) != addresses_of(new)),
        mapped(IPAddress, lambda _, found: _parent(found)),
    ),
    component="service-ipaddress-controller",
    account="service-ipaddress-controller",
)
