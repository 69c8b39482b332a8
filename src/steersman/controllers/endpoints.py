"""Keeps the Endpoints object of every Service with a selector, for clients from before EndpointSlices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from steersman.api.errors import AlreadyExists, StatusError
from steersman.client.informer import by_namespace, key_of
from steersman.controller.declaration import Context, Controller, mapped, own
from steersman.controller.freshness import SOON, Writes
from steersman.controller.pod_control import namespace_ends
from steersman.controllers import service_pods
from steersman.controllers.service_pods import Port
from steersman.kinds.core.pod_state import is_ready
from steersman.kinds.types.core_v1 import EndpointAddress, EndpointPort, Endpoints, EndpointSubset, Pod, Service
from steersman.kinds.types.meta_v1 import ObjectMeta

MANAGED_BY = "endpoints.kubernetes.io/managed-by"
MANAGER = "endpoint-controller"
MAX_ADDRESSES = 1000


def wanted(service: Service, pods: Sequence[Pod]) -> list[EndpointSubset]:
    """The subsets: pods with the same ports together, ready and not ready apart, in a fixed order."""
    publish = bool(service.spec.publishNotReadyAddresses)
    groups: dict[tuple[Port, ...], tuple[list[EndpointAddress], list[EndpointAddress]]] = defaultdict(lambda: ([], []))
    family = service_pods.families_of(service, pods)[0]
    for pod in pods:
        address = service_pods.address_of(pod, family)
        if not address or not service_pods.counts(pod, terminating=publish):
            continue
        ports = service_pods.ports_of(service, pod)
        if not ports and service.spec.ports:
            continue
        ready, unready = groups[ports]
        entry = EndpointAddress(
            ip=address,
            hostname=service_pods.hostname_of(pod, service),
            nodeName=pod.spec.nodeName,
            targetRef=service_pods.target(pod),
        )
        (ready if publish or is_ready(pod) else unready).append(entry)
    return [_subset(ports, *groups[ports]) for ports in sorted(groups, key=str)]


def _subset(ports: tuple[Port, ...], ready: list[EndpointAddress], unready: list[EndpointAddress]) -> EndpointSubset:
    declared = [
        EndpointPort(name=p.name, port=p.port, protocol=p.protocol, appProtocol=p.app_protocol)
        for p in sorted(ports, key=lambda p: (p.name, p.port, p.protocol))
    ]
    ready = sorted(ready, key=lambda a: a.ip)[:MAX_ADDRESSES]
    unready = sorted(unready, key=lambda a: a.ip)[: MAX_ADDRESSES - len(ready)]
    return EndpointSubset(addresses=ready or None, notReadyAddresses=unready or None, ports=declared or None)


def labels_of(service: Service) -> dict[str, str]:
    return {**service_pods.labels_of(service), MANAGED_BY: MANAGER}


class EndpointsReconciler:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._services = context.informers.informer(Service)
        self._pods = context.informers.informer(Pod)
        self._pods.add_index("namespace", by_namespace)
        self._endpoints = context.informers.informer(Endpoints)
        self._writes = Writes()

    async def reconcile(self, key: str) -> float | None:
        service, found = self._services.get(key), self._endpoints.get(key)
        if service is None:
            self._writes.forget(key)
            await self._delete(found)
            return None
        if not service_pods.selects_pods(service):
            return None
        if not self._writes.seen(key):
            return SOON
        subsets = wanted(service, service_pods.pods_of(service, self._pods))
        labels = labels_of(service)
        if found is not None and (found.subsets or []) == subsets and found.metadata.labels == labels:
            return None
        try:
            await self._store(key, service, found, subsets, labels)
        except StatusError as e:
            if namespace_ends(e):
                return None
            reason = "FailedToCreateEndpoint" if found is None else "FailedToUpdateEndpoint"
            self._recorder.event(service, "Warning", reason, f"Failed to write endpoint {key}: {e}")
            raise
        return None

    async def _store(
        self,
        key: str,
        service: Service,
        found: Endpoints | None,
        subsets: list[EndpointSubset],
        labels: dict[str, str],
    ) -> None:
        if found is None:
            meta = ObjectMeta(name=service.metadata.name, namespace=service.metadata.namespace, labels=labels)
            try:
                stored = await self._client.create(Endpoints(metadata=meta, subsets=subsets))
            except AlreadyExists:
                # The informer is behind: its event comes here again.
                return
        else:
            meta = msgspec.structs.replace(found.metadata, labels=labels)
            stored = await self._client.update(msgspec.structs.replace(found, metadata=meta, subsets=subsets))
        self._writes.wrote(key, self._endpoints, stored.metadata.resourceVersion)

    async def _delete(self, found: Endpoints | None) -> None:
        """Endpoints go with their Service; those that nobody made from a Service (leader election locks) stay."""
        if found is None or (found.metadata.labels or {}).get(MANAGED_BY) != MANAGER:
            return
        await self._client.delete_seen(found)


CONTROLLER = Controller(
    name="endpoints",
    reconciler=EndpointsReconciler,
    watches=(
        own(Service),
        mapped(Pod, service_pods.services_of, service_pods.matters),
        mapped(Endpoints, lambda _, found: (key_of(found),)),
    ),
    workers=5,
    component="endpoint-controller",
    account="endpoint-controller",
)
