"""Keeps the EndpointSlices of every Service with a selector: the addresses of its pods, a hundred per slice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from steersman.api.errors import StatusError
from steersman.client.informer import by_namespace
from steersman.controller.declaration import Context, Controller, mapped, own, read
from steersman.controller.freshness import SOON, Writes
from steersman.controller.ownership import controller_reference
from steersman.controller.pod_control import namespace_ends
from steersman.controllers import service_pods, slice_plan
from steersman.controllers.slice_plan import Group, Parent, Plan
from steersman.kinds.core.node_labels import ZONE
from steersman.kinds.core.pod_state import is_ready
from steersman.kinds.discovery.service_slices import MANAGED_BY, SERVICE_NAME, service_keys
from steersman.kinds.types.core_v1 import Node, Pod, Service
from steersman.kinds.types.discovery_v1 import Endpoint, EndpointConditions, EndpointSlice

MANAGER = "endpointslice-controller.k8s.io"


def wanted(service: Service, pods: Sequence[Pod], zones: dict[str, str]) -> dict[Group, list[Endpoint]]:
    """The endpoints that there should be. Without any there is still one empty group per family."""
    found: dict[Group, list[Endpoint]] = defaultdict(list)
    families = service_pods.families_of(service, pods)
    for pod in pods:
        if not service_pods.counts(pod, terminating=True):
            continue
        ports = service_pods.ports_of(service, pod)
        if not ports and service.spec.ports:
            continue
        for family in families:
            address = service_pods.address_of(pod, family)
            if address:
                found[Group(family, ports)].append(_endpoint(service, pod, address, zones))
    for family in families:
        if not any(group.family == family for group in found):
            found[Group(family, ())] = []
    return dict(found)


def _endpoint(service: Service, pod: Pod, address: str, zones: dict[str, str]) -> Endpoint:
    serving, terminating = is_ready(pod), bool(pod.metadata.deletionTimestamp)
    return Endpoint(
        addresses=[address],
        conditions=EndpointConditions(
            ready=bool(service.spec.publishNotReadyAddresses) or (serving and not terminating),
            serving=serving,
            terminating=terminating,
        ),
        hostname=service_pods.hostname_of(pod, service),
        nodeName=pod.spec.nodeName,
        targetRef=service_pods.target(pod),
        zone=zones.get(pod.spec.nodeName, ""),
    )


def plan(service: Service, groups: dict[Group, list[Endpoint]], slices: Iterable[EndpointSlice]) -> Plan:
    """The fewest writes from the present slices to the wanted endpoints."""
    name = service.metadata.name
    labels = {**service_pods.labels_of(service), SERVICE_NAME: name, MANAGED_BY: MANAGER}
    parent = Parent(name, service.metadata.namespace, labels, controller_reference(service))
    return slice_plan.plan(parent, groups, slices)


class EndpointSlices:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._services = context.informers.informer(Service)
        self._pods = context.informers.informer(Pod)
        self._pods.add_index("namespace", by_namespace)
        self._nodes = context.informers.informer(Node)
        self._slices = context.informers.informer(EndpointSlice)
        self._slices.add_index("service", service_keys)
        self._writes = Writes()

    async def reconcile(self, key: str) -> float | None:
        service = self._services.get(key)
        if service is None or not service_pods.selects_pods(service) or service.metadata.deletionTimestamp:
            # Slices of a Service that is gone are garbage, which the garbage collector collects.
            self._writes.forget(key)
            return None
        if not self._writes.seen(key):
            return SOON
        pods = service_pods.pods_of(service, self._pods)
        mine = [s for s in self._slices.by("service", key) if (s.metadata.labels or {}).get(MANAGED_BY) == MANAGER]
        try:
            todo = plan(service, wanted(service, pods, self._zones(pods)), mine)
            await slice_plan.carry_out(self._client, self._writes, self._slices, key, todo)
        except StatusError as e:
            if namespace_ends(e):
                return None
            text = f"Error updating Endpoint Slices for Service {key}: {e}"
            self._recorder.event(service, "Warning", "FailedToUpdateEndpointSlices", text)
            raise
        return None

    def _zones(self, pods: Iterable[Pod]) -> dict[str, str]:
        names = {pod.spec.nodeName for pod in pods}
        nodes = [node for name in names if (node := self._nodes.get(name)) is not None]
        return {node.metadata.name: (node.metadata.labels or {}).get(ZONE, "") for node in nodes}


CONTROLLER = Controller(
    name="endpointslice",
    reconciler=EndpointSlices,
    watches=(
        own(Service),
        mapped(Pod, service_pods.services_of, service_pods.matters),
        mapped(EndpointSlice, lambda _, found: service_keys(found)),
        read(Node),
    ),
    workers=5,
    component="endpoint-slice-controller",
    account="endpointslice-controller",
)
