"""Which pods stand behind a Service, and on which ports: what Endpoints and EndpointSlices are made from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from steersman.api.labels import Selector
from steersman.client.informer import Informer, by_namespace, key_of
from steersman.controller.declaration import Context
from steersman.kinds.core.pod_state import is_ready, is_terminal
from steersman.kinds.discovery.service_slices import HEADLESS
from steersman.kinds.types.core_v1 import ObjectReference, Pod, Service, ServicePort

IPV4 = "IPv4"


@dataclass(frozen=True, slots=True)
class Port:
    """A Service's port as one pod serves it."""

    name: str
    port: int
    protocol: str
    app_protocol: str | None


def selects_pods(service: Service) -> bool:
    """Whether the Service's endpoints are made from pods; without a selector somebody else makes them."""
    return service.spec.selector is not None and service.spec.type != "ExternalName"


def is_headless(service: Service) -> bool:
    return service.spec.clusterIP == "None"


def labels_of(service: Service) -> dict[str, str]:
    """What its endpoints take over of the Service's labels, and whether it is headless."""
    labels = {k: v for k, v in (service.metadata.labels or {}).items() if k != HEADLESS}
    return {**labels, HEADLESS: ""} if is_headless(service) else labels


def pods_of(service: Service, informer: Informer[Pod]) -> list[Pod]:
    """The Service's pods, in the order of their names. The informer needs the index `namespace`."""
    selector = Selector.of(service.spec.selector)
    found = [
        pod for pod in informer.by("namespace", service.metadata.namespace) if selector.matches(pod.metadata.labels)
    ]
    return sorted(found, key=lambda pod: pod.metadata.name)


def counts(pod: Pod, *, terminating: bool) -> bool:
    """Whether the pod can be an endpoint: it has an address and has not finished."""
    if is_terminal(pod) or not addresses_of(pod):
        return False
    return terminating or not pod.metadata.deletionTimestamp


def addresses_of(pod: Pod) -> list[str]:
    found = [ip.ip for ip in pod.status.podIPs or ()]
    return found or ([pod.status.podIP] if pod.status.podIP else [])


def address_of(pod: Pod, family: str) -> str:
    """The pod's address of a family, or empty."""
    for ip in addresses_of(pod):
        if family_of(ip) == family:
            return ip
    return ""


def family_of(ip: str) -> str:
    return f"IPv{ipaddress.ip_address(ip).version}"


def families_of(service: Service, pods: Iterable[Pod]) -> list[str]:
    """The address families of the Service; of one from before families, those of its address or pods."""
    if service.spec.ipFamilies:
        return list(service.spec.ipFamilies)
    if service.spec.clusterIP and not is_headless(service):
        return [family_of(service.spec.clusterIP)]
    found = sorted({family_of(ip) for pod in pods for ip in addresses_of(pod)})
    return found or [IPV4]


def ports_of(service: Service, pod: Pod) -> tuple[Port, ...]:
    """The Service's ports that the pod has; a named port that no container declares is left out."""
    found = []
    for port in service.spec.ports or ():
        number = _number(port, pod)
        if number is not None:
            found.append(Port(port.name, number, port.protocol or "TCP", port.appProtocol))
    return tuple(found)


def _number(port: ServicePort, pod: Pod) -> int | None:
    target = port.targetPort
    if not target:
        return port.port
    if isinstance(target, int):
        return target
    sidecars = [c for c in pod.spec.initContainers or () if c.restartPolicy == "Always"]
    for container in list(pod.spec.containers) + sidecars:
        for declared in container.ports or ():
            if declared.name == target and (declared.protocol or "TCP") == (port.protocol or "TCP"):
                return declared.containerPort
    return None


def hostname_of(pod: Pod, service: Service) -> str:
    """The name under which DNS knows the pod within the Service, if it has one."""
    return pod.spec.hostname if pod.spec.subdomain == service.metadata.name else ""


def target(pod: Pod) -> ObjectReference:
    return ObjectReference(kind="Pod", namespace=pod.metadata.namespace, name=pod.metadata.name, uid=pod.metadata.uid)


def services_of(context: Context, pod: Pod) -> Iterable[str]:
    """Keys of the Services that select the pod."""
    informer = context.informers.informer(Service)
    informer.add_index("namespace", by_namespace)
    for service in informer.by("namespace", pod.metadata.namespace):
        if service.spec.selector and Selector.of(service.spec.selector).matches(pod.metadata.labels):
            yield key_of(service)


def matters(old: Pod, new: Pod) -> bool:
    """Whether a change of a pod can change an endpoint."""
    return _facts(old) != _facts(new)


def _facts(pod: Pod) -> tuple[object, ...]:
    meta = pod.metadata
    return (
        meta.uid, meta.labels, bool(meta.deletionTimestamp), is_terminal(pod), is_ready(pod), addresses_of(pod),
        pod.spec.nodeName, pod.spec.hostname, pod.spec.subdomain,
    )  # fmt: skip
