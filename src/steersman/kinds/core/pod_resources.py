"""What a pod as a whole requests and may use: its containers, sidecars and initialization, and what the pod itself says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from steersman.api import quantity
from steersman.api.quantity import Quantity

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Container, ContainerStatus, Pod, PodSpec, ResourceRequirements

Amounts = dict[str, Quantity]
"""Quantities by resource name."""

_AT_POD_LEVEL = ("cpu", "memory")
_HUGE_PAGES = "hugepages-"


def requests(pod: Pod, *, live: bool = False, missing: Mapping[str, Quantity] | None = None) -> Amounts:
    """What the pod is given at least; overhead is not in it.

    With `live`, containers whose resize is under way count with the greater of what they have and what they shall have.
    Containers that do not name what is in `missing` count with that.
    """
    statuses = _statuses(pod) if live else {}
    infeasible = live and _resize_is_infeasible(pod)

    def of(container: Container) -> Amounts:
        wanted = {**(missing or {}), **_part(container.resources, "requests")}
        status = statuses.get(container.name)
        return wanted if status is None else _in_resize(wanted, status, infeasible)

    return _pod_level(pod, "requests", _aggregate(pod.spec, of))


def same_requests(one: Pod, other: Pod) -> bool:
    """Whether two states of a pod request the same, also in resizes that are under way."""
    return one.spec == other.spec and _progress(one) == _progress(other)


def limits(pod: Pod) -> Amounts:
    """What the pod gets at most; overhead is not in it."""
    return _pod_level(pod, "limits", of_containers(pod.spec, "limits"))


def of_containers(spec: PodSpec, part: str) -> Amounts:
    """The `requests` or `limits` of all containers together."""
    return _aggregate(spec, lambda container: _part(container.resources, part))


def default_pod_level(spec: PodSpec) -> None:
    """What a pod that has resources of its own does not say of them follows from its containers, and requests from limits."""
    whole = spec.resources
    if whole is None or not (whole.requests or whole.limits):
        return
    limits, requests = dict(whole.limits or {}), dict(whole.requests or {})
    of_limits = of_containers(spec, "limits")
    for name, amount in of_limits.items():
        if name.startswith(_HUGE_PAGES) and name not in requests:
            limits.setdefault(name, amount)
    for name, amount in of_containers(spec, "requests").items():
        if name in _AT_POD_LEVEL:
            requests.setdefault(name, amount)
    for name, amount in limits.items():
        if _is_at_pod_level(name):
            requests.setdefault(name, amount)
    everything = (*spec.containers, *(spec.initContainers or ()), *(spec.ephemeralContainers or ()))
    for name, amount in requests.items():
        if _is_at_pod_level(name) and all(name in _part(c.resources, "limits") for c in everything):
            limits.setdefault(name, greatest(({name: amount}, of_limits))[name])
    whole.limits, whole.requests = limits or None, requests or None


def with_overhead(pod: Pod, amounts: Mapping[str, Quantity], *, limit: bool = False) -> Amounts:
    """The amounts and what running the pod costs; of limits only those that there are."""
    out = dict(amounts)
    for name, more in (pod.spec.overhead or {}).items():
        if not limit or (name in out and quantity.nano(out[name])):
            out[name] = quantity.add(out.get(name, "0"), more)
    return out


def added(parts: Iterable[Mapping[str, Quantity]]) -> Amounts:
    """The sums by name."""
    out: Amounts = {}
    for part in parts:
        for name, amount in part.items():
            out[name] = quantity.add(out[name], amount) if name in out else quantity.canonical(amount)
    return out


def greatest(parts: Iterable[Mapping[str, Quantity]]) -> Amounts:
    """The greatest amounts by name."""
    out: Amounts = {}
    for part in parts:
        for name, amount in part.items():
            if name not in out or quantity.compare(amount, out[name]) > 0:
                out[name] = amount
    return out


def _aggregate(spec: PodSpec, of: Any) -> Amounts:
    """What containers and sidecars need together, or what the greediest step of initialization does."""
    sidecars: Amounts = {}
    steps: list[Amounts] = []
    for container in spec.initContainers or ():
        step = added((sidecars, of(container)))
        if container.restartPolicy == "Always":
            sidecars = step
        steps.append(step)
    return greatest((added((*(of(c) for c in spec.containers), sidecars)), *steps))


def _is_at_pod_level(name: str) -> bool:
    return name in _AT_POD_LEVEL or name.startswith(_HUGE_PAGES)


def _pod_level(pod: Pod, part: str, amounts: Amounts) -> Amounts:
    """The pod's own resources stand for those of its containers."""
    own = _part(pod.spec.resources, part)
    return {**amounts, **{n: a for n, a in own.items() if _is_at_pod_level(n)}}


def _part(resources: ResourceRequirements | None, part: str) -> Amounts:
    found: Amounts | None = getattr(resources, part) if resources is not None else None
    return found or {}


def _in_resize(wanted: Amounts, status: ContainerStatus, infeasible: bool) -> Amounts:
    actual = _part(status.resources, "requests")
    if infeasible and status.resources is not None:
        return actual
    return greatest((wanted, actual, status.allocatedResources or {}))


def _statuses(pod: Pod) -> dict[str, ContainerStatus]:
    found = (*(pod.status.containerStatuses or ()), *(pod.status.initContainerStatuses or ()))
    return {s.name: s for s in found if s.resources is not None or s.allocatedResources}


def _progress(pod: Pod) -> object:
    """All of the status that counts."""
    given = {name: (_part(s.resources, "requests"), s.allocatedResources) for name, s in _statuses(pod).items()}
    return given, bool(given) and _resize_is_infeasible(pod)


def _resize_is_infeasible(pod: Pod) -> bool:
    return any(
        c.type == "PodResizePending" and c.status == "True" and c.reason == "Infeasible"
        for c in pod.status.conditions or ()
    )
