"""Defaults of pods and pod templates. What holds for a pod alone (requests from limits) is not put into templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from steersman.api import quantity
from steersman.kinds.core import pod_gates, volume_defaults

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import (
        Container,
        EphemeralContainer,
        HTTPGetAction,
        LifecycleHandler,
        Pod,
        PodSpec,
        PodTemplateSpec,
        Probe,
        ResourceRequirements,
    )

_MILLI = 10**6


def default_pod(pod: Pod) -> None:
    """The defaults of a pod: those of any pod spec, requests from limits, host ports, service links and a grace period that is none."""
    spec = pod.spec
    pod_gates.drop_annotations(pod.metadata.annotations)
    default_spec(spec)
    if (spec.terminationGracePeriodSeconds or 0) < 0:
        spec.terminationGracePeriodSeconds = 1
    for container in _run_containers(spec):
        _requests_from_limits(container.resources)
        if spec.hostNetwork:
            for port in container.ports or ():
                port.hostPort = port.hostPort or port.containerPort
    if spec.enableServiceLinks is None:
        spec.enableServiceLinks = True


def default_template(template: PodTemplateSpec) -> None:
    """The defaults of a pod template."""
    pod_gates.drop_annotations(template.metadata.annotations)
    default_spec(template.spec)


def default_spec(spec: PodSpec) -> None:
    """The defaults that every pod spec has, in a pod or in a template."""
    from steersman.kinds.types.core_v1 import PodSecurityContext

    pod_gates.drop(spec)
    spec.dnsPolicy = spec.dnsPolicy or "ClusterFirst"
    spec.restartPolicy = spec.restartPolicy or "Always"
    spec.schedulerName = spec.schedulerName or "default-scheduler"
    # serviceAccount is the older name of serviceAccountName: readers of either find the value.
    spec.serviceAccountName = spec.serviceAccountName or spec.serviceAccount
    spec.serviceAccount = spec.serviceAccountName
    if spec.securityContext is None:
        spec.securityContext = PodSecurityContext()
    if spec.terminationGracePeriodSeconds is None:
        spec.terminationGracePeriodSeconds = 30
    if spec.overhead:
        spec.overhead = _rounded(spec.overhead)
    for volume in spec.volumes or ():
        volume_defaults.default_volume(volume)
    for container in _all_containers(spec):
        _default_container(container)


def _run_containers(spec: PodSpec) -> Iterator[Container]:
    yield from spec.containers
    yield from spec.initContainers or ()


def _all_containers(spec: PodSpec) -> Iterator[Container | EphemeralContainer]:
    yield from _run_containers(spec)
    yield from spec.ephemeralContainers or ()


def _default_container(container: Container | EphemeralContainer) -> None:
    pod_gates.drop_from_container(container)
    container.imagePullPolicy = container.imagePullPolicy or pull_policy(container.image)
    container.terminationMessagePath = container.terminationMessagePath or "/dev/termination-log"
    container.terminationMessagePolicy = container.terminationMessagePolicy or "File"
    for port in container.ports or ():
        port.protocol = port.protocol or "TCP"
    for env in container.env or ():
        if env.valueFrom is not None:
            volume_defaults.default_references(env.valueFrom.fieldRef, env.valueFrom.resourceFieldRef)
    _default_resources(container)
    for probe in (container.livenessProbe, container.readinessProbe, container.startupProbe):
        if probe is not None:
            _default_probe(probe)
    if container.lifecycle is not None:
        for handler in (container.lifecycle.postStart, container.lifecycle.preStop):
            _default_handler(handler)


def _default_resources(container: Container | EphemeralContainer) -> None:
    from steersman.kinds.types.core_v1 import ResourceRequirements

    if container.resources is None:
        container.resources = ResourceRequirements()
    resources = container.resources
    resources.limits = _rounded(resources.limits)
    resources.requests = _rounded(resources.requests)


def pull_policy(image: str) -> str:
    """Always for the tag `latest`, written or implied; IfNotPresent for a fixed tag or digest."""
    name, at, _ = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    if name and not tag and not at:
        tag = "latest"
    return "Always" if tag == "latest" else "IfNotPresent"


def _default_probe(probe: Probe) -> None:
    pod_gates.drop_from_probe(probe)
    probe.timeoutSeconds = probe.timeoutSeconds or 1
    probe.periodSeconds = probe.periodSeconds or 10
    probe.successThreshold = probe.successThreshold or 1
    probe.failureThreshold = probe.failureThreshold or 3
    if probe.grpc is not None and probe.grpc.service is None:
        probe.grpc.service = ""
    _default_http(probe.httpGet)


def _default_handler(handler: LifecycleHandler | None) -> None:
    if handler is not None:
        _default_http(handler.httpGet)


def _default_http(action: HTTPGetAction | None) -> None:
    if action is not None:
        action.path = action.path or "/"
        action.scheme = action.scheme or "HTTP"


def _rounded(amounts: dict[str, Any] | None) -> dict[str, Any] | None:
    """Amounts of resources are kept in thousandths at the finest."""
    if not amounts or all(quantity.nano(a) % _MILLI == 0 for a in amounts.values()):
        return amounts
    return {
        n: a if quantity.nano(a) % _MILLI == 0 else quantity.from_milli(quantity.milli(a)) for n, a in amounts.items()
    }


def _requests_from_limits(resources: ResourceRequirements | None) -> None:
    if resources is not None and resources.limits is not None:
        resources.requests = {**resources.limits, **(resources.requests or {})}
