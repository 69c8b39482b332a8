"""What LimitRanges do to pods and claims: defaults for containers, and bounds. Decisions only; the plugin carries them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from steersman.api import quantity
from steersman.api.quantity import Quantity
from steersman.kinds.core import pod_resources
from steersman.kinds.types.core_v1 import (
    Container,
    LimitRange,
    LimitRangeItem,
    PersistentVolumeClaim,
    Pod,
    ResourceRequirements,
)

ANNOTATION = "kubernetes.io/limit-ranger"

_Amounts = Mapping[str, Quantity]
_Check = Callable[[str, str, Quantity, _Amounts, _Amounts], str]


def apply_defaults(limit_range: LimitRange, pod: Pod) -> None:
    """Give containers the requests and limits that they leave open, and say so in an annotation."""
    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}
    for item in limit_range.spec.limits:
        if item.type == "Container":
            requests.update(item.defaultRequest or {})
            limits.update(item.default or {})
    said: list[str] = []
    for role, containers in (("container", pod.spec.containers), ("init container", pod.spec.initContainers or ())):
        for container in containers:
            said += _fill(container, role, requests, limits)
    if said:
        note = {ANNOTATION: f"LimitRanger plugin set: {'; '.join(said)}"}
        pod.metadata.annotations = {**(pod.metadata.annotations or {}), **note}


def _fill(container: Container, role: str, requests: _Amounts, limits: _Amounts) -> list[str]:
    resources = container.resources or ResourceRequirements()
    said = []
    for part, defaults in (("request", requests), ("limit", limits)):
        given: dict[str, Any] = getattr(resources, part + "s") or {}
        missing = {name: amount for name, amount in defaults.items() if name not in given}
        if missing:
            setattr(resources, part + "s", {**given, **missing})
            said.append(f"{', '.join(sorted(missing))} {part} for {role} {container.name}")
    if said:
        container.resources = resources
    return said


def check_pod(limit_range: LimitRange, pod: Pod) -> list[str]:
    """What about the pod breaks the LimitRange."""
    wrong: list[str] = []
    for item in limit_range.spec.limits:
        if item.type == "Container":
            for container in (*pod.spec.containers, *(pod.spec.initContainers or ())):
                resources = container.resources or ResourceRequirements()
                wrong += _check(item, resources.requests or {}, resources.limits or {})
        elif item.type == "Pod":
            wrong += _check(item, pod_resources.requests(pod), pod_resources.limits(pod))
    return wrong


def check_claim(limit_range: LimitRange, claim: PersistentVolumeClaim) -> list[str]:
    """What about the claim breaks the LimitRange."""
    resources = claim.spec.resources
    requests = (resources.requests if resources is not None else None) or {}
    wrong: list[str] = []
    for item in limit_range.spec.limits:
        if item.type == "PersistentVolumeClaim":
            wrong += _each(item.type, item.min, requests, {}, _minimum)
            wrong += _each(item.type, item.max, requests, {}, _maximum_request)
    return wrong


def _check(item: LimitRangeItem, requests: _Amounts, limits: _Amounts) -> Iterator[str]:
    yield from _each(item.type, item.min, requests, limits, _minimum)
    yield from _each(item.type, item.max, requests, limits, _maximum)
    yield from _each(item.type, item.maxLimitRequestRatio, requests, limits, _ratio)


def _each(kind: str, bounds: _Amounts | None, requests: _Amounts, limits: _Amounts, check: _Check) -> Iterator[str]:
    for name, bound in sorted((bounds or {}).items()):
        if wrong := check(kind, name, bound, requests, limits):
            yield wrong


def _minimum(kind: str, name: str, bound: Quantity, requests: _Amounts, limits: _Amounts) -> str:
    request, limit = requests.get(name), limits.get(name)
    text = f"minimum {name} usage per {kind} is {bound}"
    if request is None:
        return f"{text}.  No request is specified"
    if quantity.compare(request, bound) < 0:
        return f"{text}, but request is {request}"
    if limit is not None and quantity.compare(limit, bound) < 0:
        return f"{text}, but limit is {limit}"
    return ""


def _maximum(kind: str, name: str, bound: Quantity, requests: _Amounts, limits: _Amounts) -> str:
    request, limit = requests.get(name), limits.get(name)
    text = f"maximum {name} usage per {kind} is {bound}"
    if limit is None:
        return f"{text}.  No limit is specified"
    if quantity.compare(limit, bound) > 0:
        return f"{text}, but limit is {limit}"
    if request is not None and quantity.compare(request, bound) > 0:
        return f"{text}, but request is {request}"
    return ""


def _maximum_request(kind: str, name: str, bound: Quantity, requests: _Amounts, limits: _Amounts) -> str:
    """For what has no limits."""
    request = requests.get(name)
    text = f"maximum {name} usage per {kind} is {bound}"
    if request is None:
        return f"{text}.  No request is specified"
    return f"{text}, but request is {request}" if quantity.compare(request, bound) > 0 else ""


def _ratio(kind: str, name: str, bound: Quantity, requests: _Amounts, limits: _Amounts) -> str:
    request, limit = quantity.nano(requests.get(name, 0)), quantity.nano(limits.get(name, 0))
    text = f"{name} max limit to request ratio per {kind} is {bound}"
    if not request:
        return f"{text}, but no request is specified or request is 0"
    if not limit:
        return f"{text}, but no limit is specified or limit is 0"
    if limit * quantity.NANO > request * quantity.nano(bound):
        return f"{text}, but provided ratio is {limit / request:f}"
    return ""
