"""How objects count against ResourceQuotas: what each uses, and which scopes it is in.

Admission asks before an object is stored, the quota controller when it counts what is there: both by these rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from steersman.api import labels, quantity
from steersman.api.labels import Selector
from steersman.api.meta import parse_time
from steersman.api.quantity import Quantity
from steersman.kinds.core import pod_qos, pod_resources
from steersman.kinds.core.claim_class import class_of
from steersman.kinds.core.pod_state import is_terminal
from steersman.kinds.resource import device_quota

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import (
        PersistentVolumeClaim,
        Pod,
        ResourceQuota,
        ScopedResourceSelectorRequirement,
        Service,
    )
    from steersman.kinds.types.resource_v1 import ResourceClaim

Amounts = dict[str, Quantity]
Name = tuple[str, str]
"""Group and plural of a resource."""
Scope = tuple[str, str, tuple[str, ...]]
"""Scope, operator and values, as in a quota's scopeSelector."""

UNCOUNTED: frozenset[Name] = frozenset({("", "events"), ("events.k8s.io", "events")})
"""Too many and too short-lived to be limited."""

_CLASS_MARK = ".storageclass.storage.k8s.io/"
_CLAIM_RESOURCES = ("persistentvolumeclaims", "requests.storage")
_POD_RESOURCES = frozenset({
    "count/pods", "pods", "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory",
    "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage",
})  # fmt: skip
_SERVICE_RESOURCES = frozenset({"count/services", "services", "services.nodeports", "services.loadbalancers"})
_DEVICE_CLASS = "deviceclass.resource.kubernetes.io/"
# A quota for one of these makes every container say how much it wants; a mistake of old that clients rely on.
_REQUIRED = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
_BOTH = ("cpu", "memory", "ephemeral-storage")
_EXTENSIONS = "extensions"
# Where the resources of this group are today: quotas may name them by either.
_MOVED = {
    "daemonsets": "apps",
    "deployments": "apps",
    "horizontalpodautoscalers": "autoscaling",
    "ingresses": "networking.k8s.io",
    "jobs": "batch",
    "networkpolicies": "networking.k8s.io",
    "replicasets": "apps",
}
# Classic names of counts, besides count/<plural>.
_ALIASES = ("configmaps", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "secrets")


@dataclass(frozen=True, slots=True)
class Meter:
    """How objects of one resource count.

    `tracks(name)`: whether a quota for `name` concerns them; `usage(object, now)`: what one uses; `in_scope(object, scope)`;
    `missing(object, names)`: what a quota for these names demands and the object lacks, as a text, or "".
    """

    tracks: Callable[[str], bool]
    usage: Callable[[Any, datetime], Amounts]
    in_scope: Callable[[Any, Scope], bool] = lambda obj, scope: False
    missing: Callable[[Any, Iterable[str]], str] = lambda obj, names: ""

    def covers(self, quota: ResourceQuota, obj: Any) -> bool:
        """Whether the object is in all of the quota's scopes."""
        return all(self.in_scope(obj, scope) for scope in scopes_of(quota))


@lru_cache(maxsize=1024)
def meter(group: str, plural: str) -> Meter | None:
    """The meter of a resource; None for what is never counted."""
    if (group, plural) in UNCOUNTED:
        return None
    return _SPECIAL.get((group, plural)) or _counter(group, plural)


def type_of(resource: Name) -> type[Any] | None:
    """The type of objects that take more than counting to be measured; None when only their number is asked."""
    if resource not in _SPECIAL:
        return None
    if resource == _DEVICES_OF:
        from steersman.kinds.types import resource_v1

        return resource_v1.ResourceClaim
    from steersman.kinds.types import core_v1

    return {
        "pods": core_v1.Pod,
        "services": core_v1.Service,
        "persistentvolumeclaims": core_v1.PersistentVolumeClaim,
    }[resource[1]]


def counted_by(name: str) -> Name | None:
    """The resource whose objects a quota for `name` counts; None when there cannot be one."""
    for special, found in _SPECIAL.items():
        if found.tracks(name):
            return special
    if name in _ALIASES:
        return "", name
    plural, _, group = name.removeprefix("count/").partition(".")
    if group == _EXTENSIONS:
        group = _MOVED.get(plural, group)
    return (group, plural) if name.startswith("count/") and (group, plural) not in UNCOUNTED else None


def scopes_of(quota: ResourceQuota) -> list[Scope]:
    """Everything that restricts the quota, as requirements."""
    found: list[Scope] = [(scope, "Exists", ()) for scope in quota.spec.scopes or ()]
    selector = quota.spec.scopeSelector
    requirements: Iterable[ScopedResourceSelectorRequirement] = (selector.matchExpressions if selector else None) or ()
    return [*found, *((r.scopeName, r.operator, tuple(r.values or ())) for r in requirements)]


def total(parts: Iterable[Mapping[str, Quantity]], names: Iterable[str]) -> Amounts:
    """The sums of these names; "0" where nothing is used."""
    wanted: dict[str, list[Quantity]] = {name: [] for name in names}
    for part in parts:
        for name, amount in part.items():
            if name in wanted:
                wanted[name].append(amount)
    return {name: quantity.total(amounts) for name, amounts in wanted.items()}


# Plain counts


def _counter(group: str, plural: str) -> Meter:
    names = {f"count/{plural}.{group}" if group else f"count/{plural}"}
    if not group and plural in _ALIASES:
        names.add(plural)
    if _MOVED.get(plural) == group:
        names.add(f"count/{plural}.{_EXTENSIONS}")
    used: Amounts = dict.fromkeys(names, "1")
    return Meter(names.__contains__, lambda obj, now: used)


# Pods


def _tracked_of_pods(name: str) -> bool:
    return (
        name in _POD_RESOURCES
        or name.startswith(("hugepages-", "requests.hugepages-"))
        or (name.startswith("requests.") and _is_extended(name.removeprefix("requests.")))
    )


def _is_extended(name: str) -> bool:
    """Whether a resource is counted by whoever offers it, not by Kubernetes."""
    if name.startswith(_DEVICE_CLASS):
        return True
    domain, slash, _ = name.partition("/")
    return bool(slash) and domain != "kubernetes.io" and not domain.endswith(".kubernetes.io")


def _pod_usage(pod: Pod, now: datetime) -> Amounts:
    if not _is_charged(pod, now):
        return {"count/pods": "1"}
    requests = pod_resources.with_overhead(pod, pod_resources.requests(pod, live=True))
    limits = pod_resources.with_overhead(pod, pod_resources.limits(pod), limit=True)
    return {"count/pods": "1", "pods": "1", **_compute(requests, limits)}


def _is_charged(pod: Pod, now: datetime) -> bool:
    """Whether the pod may still use something: it has not ended, nor overstayed its deletion."""
    if is_terminal(pod):
        return False
    end = ends(pod)
    return end is None or now <= end


def ends(obj: Any) -> datetime | None:
    """When an object that is being deleted uses nothing more, whether it is gone or not."""
    meta = obj.metadata
    if not meta.deletionTimestamp or meta.deletionGracePeriodSeconds is None:
        return None
    return parse_time(meta.deletionTimestamp) + timedelta(seconds=meta.deletionGracePeriodSeconds)


def _compute(requests: Mapping[str, Quantity], limits: Mapping[str, Quantity]) -> Amounts:
    """Requests and limits under the names that quotas know."""
    used: Amounts = {}
    for name, amount in requests.items():
        if name in _BOTH or name.startswith("hugepages-"):
            used[name] = amount
        if name in _BOTH or name.startswith("hugepages-") or _is_extended(name):
            used[f"requests.{name}"] = amount
    used.update((f"limits.{name}", limits[name]) for name in _BOTH if name in limits)
    return used


def _missing_of_pod(pod: Pod, names: Iterable[str]) -> str:
    if pod.spec.resources is not None and not _unsaid(pod.spec, names):
        return ""
    lacking: dict[str, set[str]] = {}
    for container in (*pod.spec.containers, *(pod.spec.initContainers or ())):
        for name in _unsaid(container, names):
            lacking.setdefault(name, set()).add(container.name)
    parts = [f"{name} for: {','.join(sorted(lacking[name]))}" for name in sorted(lacking)]
    return f"must specify {'; '.join(parts)}" if parts else ""


def _unsaid(owner: Any, names: Iterable[str]) -> set[str]:
    resources = owner.resources
    said = _compute(resources.requests or {}, resources.limits or {}) if resources is not None else {}
    return {name for name in names if name in _REQUIRED and name not in said}


def _pod_in_scope(pod: Pod, scope: Scope) -> bool:
    kind, operator, values = scope
    match kind:
        case "Terminating":
            return _has_deadline(pod)
        case "NotTerminating":
            return not _has_deadline(pod)
        case "BestEffort":
            return pod_qos.qos_class(pod.spec) == pod_qos.BEST_EFFORT
        case "NotBestEffort":
            return pod_qos.qos_class(pod.spec) != pod_qos.BEST_EFFORT
        case "PriorityClass":
            name = pod.spec.priorityClassName
            return _selector(kind, operator, values).matches({kind: name} if name else {})
        case "CrossNamespacePodAffinity":
            return _looks_abroad(pod)
    return False


def changes_scope(old: Pod, new: Pod) -> bool:
    """Whether an update of a pod may bring it under other quotas."""
    return _has_deadline(old) != _has_deadline(new)


def _has_deadline(pod: Pod) -> bool:
    return pod.spec.activeDeadlineSeconds is not None


@lru_cache(maxsize=1024)
def _selector(key: str, operator: str, values: tuple[str, ...]) -> Selector:
    expression = {"key": key, "operator": operator, "values": list(values)}
    return labels.from_object({"matchExpressions": [expression]})


def _looks_abroad(pod: Pod) -> bool:
    """Whether the pod's place depends on pods of other namespaces."""
    affinity = pod.spec.affinity
    if affinity is None:
        return False
    for side in (affinity.podAffinity, affinity.podAntiAffinity):
        if side is None:
            continue
        preferred = [w.podAffinityTerm for w in side.preferredDuringSchedulingIgnoredDuringExecution or ()]
        for term in (*(side.requiredDuringSchedulingIgnoredDuringExecution or ()), *preferred):
            if term.namespaces or term.namespaceSelector is not None:
                return True
    return False


_PODS = Meter(_tracked_of_pods, _pod_usage, _pod_in_scope, _missing_of_pod)


# Services


def _service_usage(service: Service, now: datetime) -> Amounts:
    spec = service.spec
    ports = spec.ports or ()
    node_ports = 0
    # What is going to be given counts: when this is asked nothing has been given yet.
    if spec.type == "LoadBalancer" and spec.allocateLoadBalancerNodePorts is False:
        node_ports = sum(1 for port in ports if port.nodePort)
    elif spec.type in ("NodePort", "LoadBalancer"):
        node_ports = len(ports)
    balancers = int(spec.type == "LoadBalancer")
    return {
        "count/services": "1",
        "services": "1",
        "services.nodeports": str(node_ports),
        "services.loadbalancers": str(balancers),
    }


_SERVICES = Meter(_SERVICE_RESOURCES.__contains__, _service_usage)


# Claims


def _tracked_of_claims(name: str) -> bool:
    head, mark, rest = name.partition(_CLASS_MARK)
    return name == "count/persistentvolumeclaims" or (rest if mark else head) in _CLAIM_RESOURCES


def _claim_usage(claim: PersistentVolumeClaim, now: datetime) -> Amounts:
    used: Amounts = {"count/persistentvolumeclaims": "1", "persistentvolumeclaims": "1"}
    storage = _storage(claim)
    if storage is not None:
        used["requests.storage"] = storage
    if name := class_of(claim):
        used.update({f"{name}{_CLASS_MARK}{r}": used[r] for r in _CLAIM_RESOURCES if r in used})
    return used


def _storage(claim: PersistentVolumeClaim) -> Quantity | None:
    """What the claim asks for, or has been given if that is more, in whole bytes."""
    resources = claim.spec.resources
    asked = ((resources.requests if resources is not None else None) or {}).get("storage")
    given = (claim.status.allocatedResources or {}).get("storage")
    if asked is None:
        return None
    storage = given if given is not None and quantity.compare(given, asked) > 0 else asked
    return storage if quantity.nano(storage) % quantity.NANO == 0 else quantity.from_value(quantity.value(storage))


def _claim_in_scope(claim: PersistentVolumeClaim, scope: Scope) -> bool:
    kind, operator, values = scope
    if kind != "VolumeAttributesClass":
        return False
    status = claim.status
    target = status.modifyVolumeStatus.targetVolumeAttributesClassName if status.modifyVolumeStatus else ""
    names = {claim.spec.volumeAttributesClassName, status.currentVolumeAttributesClassName, target} - {None, ""}
    selector = _selector(kind, operator, values)
    return any(selector.matches({kind: name}) for name in names if name) if names else selector.matches({})


_CLAIMS = Meter(_tracked_of_claims, _claim_usage, _claim_in_scope)


# Devices


def _device_usage(claim: ResourceClaim, now: datetime) -> Amounts:
    return {_CLAIM_COUNT: "1", **{name: str(count) for name, count in device_quota.usage(claim).items()}}


_DEVICES_OF: Name = ("resource.k8s.io", "resourceclaims")
_CLAIM_COUNT = "count/resourceclaims.resource.k8s.io"
_DEVICES = Meter(lambda name: name == _CLAIM_COUNT or name.endswith(device_quota.SUFFIX), _device_usage)

_SPECIAL: Mapping[Name, Meter] = {
    ("", "pods"): _PODS,
    ("", "services"): _SERVICES,
    ("", "persistentvolumeclaims"): _CLAIMS,
    _DEVICES_OF: _DEVICES,
}
