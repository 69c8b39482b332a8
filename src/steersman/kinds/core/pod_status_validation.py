"""Validation of what nodes and schedulers report of a pod: conditions, addresses, and what its containers have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from steersman.api import field, names, quantity
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import (
        Container,
        ContainerStatus,
        Pod,
        PodCondition,
        PodExtendedResourceClaimStatus,
        PodSpec,
        ResourceStatus,
    )

_STATUS = Path("status")
_SYSTEM_CONDITIONS = ("PodScheduled", "Ready", "Initialized")
_HEALTH = ("Healthy", "Unhealthy", "Unknown")
_MAX_MESSAGE = 1024
_MAX_UID = 2**32 - 1
_NO_CLAIM = (
    "must match one of the container's resource claims as 'claim:<claimName>/<requestName>' when "
    "container.resources.claims[*].request is set or 'claim:<claimName>' when it is empty"
)
_NO_CONTAINER = "must match the name of an entry in spec.initContainers.name or spec.containers.name"
_NO_RESOURCE = (
    "must match the extended resource name of an entry in spec.initContainers.resources.requests or "
    "spec.containers.resources.requests"
)
_LISTS = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


def check(pod: Pod, old: Pod) -> Errors:
    """What is wrong with a pod's status; addresses that it had before may stay as they are."""
    status = pod.status
    errors = _check_claims(pod)
    errors += _check_extended(status.extendedResourceClaimStatus, pod.spec)
    errors += _check_addresses(status.podIPs or [], old.status.podIPs or [], _STATUS.child("podIPs"))
    hosts, at = status.hostIPs or [], _STATUS.child("hostIPs")
    if hosts and status.hostIP != hosts[0].ip:
        errors.append(field.invalid(at.index(0).child("ip"), hosts[0].ip, "must be equal to `hostIP`"))
    errors += _check_addresses(hosts, old.status.hostIPs or [], at)
    containers: dict[str, list[Container]] = {
        "containerStatuses": pod.spec.containers,
        "initContainerStatuses": pod.spec.initContainers or [],
    }
    for name in _LISTS:
        for i, one in enumerate(getattr(status, name) or []):
            errors += _check_user(one, pod, _STATUS.child(name).index(i).child("user", "linux"))
    for name in _LISTS:
        for i, one in enumerate(getattr(status, name) or []):
            at = _STATUS.child(name).index(i).child("allocatedResourcesStatus")
            errors += _check_resources(one, containers.get(name), status.extendedResourceClaimStatus, at)
    return errors


def check_conditions(conditions: list[PodCondition], path: Path) -> Errors:
    """What is wrong with conditions, those of Kubernetes' own and others."""
    errors: Errors = []
    for i, condition in enumerate(conditions):
        errors += check_generation(condition.observedGeneration, path.index(i))
        if condition.type not in _SYSTEM_CONDITIONS:
            at = path.index(i).child("Type")
            errors += field.all_invalid(at, condition.type, names.qualified_name(condition.type))
    return errors


def check_generation(generation: int | None, path: Path) -> Errors:
    """Which generation of the pod a report is about."""
    if generation is None or generation >= 0:
        return []
    return [field.invalid(path.child("observedGeneration"), generation, "must be a non-negative integer")]


def _check_claims(pod: Pod) -> Errors:
    known = {claim.name for claim in pod.spec.resourceClaims or ()}
    errors: Errors = []
    seen: set[str] = set()
    for i, claim in enumerate(pod.status.resourceClaimStatuses or ()):
        where = _STATUS.child("resourceClaimStatuses").index(i)
        at = where.child("name")
        if claim.name not in known:
            errors.append(field.invalid(at, claim.name, "must match the name of an entry in `spec.resourceClaims`"))
        if claim.name in seen:
            errors.append(field.duplicate(at, claim.name))
        seen.add(claim.name)
        if claim.resourceClaimName:
            at = where.child("resourceClaimName")
            errors += field.all_invalid(at, claim.resourceClaimName, names.dns1123_subdomain(claim.resourceClaimName))
    return errors


def _check_extended(status: PodExtendedResourceClaimStatus | None, spec: PodSpec) -> Errors:
    """Which requests of a claim stand for the devices that containers ask for as resources."""
    if status is None:
        return []
    path = _STATUS.child("extendedResourceClaimStatus")
    at = path.child("requestMappings")
    containers = {c.name: c for c in (*(spec.initContainers or ()), *spec.containers)}
    errors: Errors = [] if status.requestMappings else [field.required(at, "at least one request mapping is required")]
    seen: set[tuple[str, str, str]] = set()
    for i, mapping in enumerate(status.requestMappings):
        container = containers.get(mapping.containerName)
        if container is None:
            where = at.index(i).child("containerName")
            errors.append(field.invalid(where, mapping.containerName, _NO_CONTAINER))
        elif mapping.resourceName not in _requests(container):
            where = at.index(i).child("resourceName")
            errors.append(field.invalid(where, mapping.resourceName, _NO_RESOURCE))
        wrong = names.dns1123_label(mapping.requestName)
        errors += field.all_invalid(path.child("requestName"), mapping.requestName, wrong)
        key = (mapping.containerName, mapping.resourceName, mapping.requestName)
        if key in seen:
            parts = zip(("containerName", "resourceName", "requestName"), key, strict=True)
            errors += [field.duplicate(at.index(i).child(name), value) for name, value in parts]
        seen.add(key)
    name, at = status.resourceClaimName, path.child("resourceClaimName")
    return errors + (field.all_invalid(at, name, names.dns1123_subdomain(name)) if name else [field.required(at)])


def _requests(container: Container) -> Mapping[str, Any]:
    return (container.resources.requests if container.resources is not None else None) or {}


def _check_addresses(addresses: list[Any], before: list[Any], path: Path) -> Errors:
    errors: Errors = []
    known = {address.ip for address in before}
    for i, address in enumerate(addresses):
        if address.ip not in known:
            errors += field.all_invalid(path.index(i), address.ip, names.ip(address.ip))
    families = [names.ip_family(a.ip) for a in addresses]
    if len(families) != len(set(families)):
        shown = [field.Internal(IP=a.ip) for a in addresses]
        errors.append(field.invalid(path, shown, "may specify no more than one IP for each IP family"))
    return errors


def _check_user(status: ContainerStatus, pod: Pod, path: Path) -> Errors:
    """As whom the container's first process runs, by number."""
    user = status.user.linux if status.user is not None else None
    if user is None:
        return []
    if pod.spec.os is not None and pod.spec.os.name == "windows":
        return [field.forbidden(path, "cannot be set for a windows pod")]
    errors: Errors = []
    if not 0 <= user.uid <= _MAX_UID:
        errors.append(field.invalid(path.child("uid"), user.uid, names.range_error(0, _MAX_UID)))
    errors += field.all_invalid(path.child("gid"), user.gid, names.user_or_group_id(user.gid))
    for i, group in enumerate(user.supplementalGroups or ()):
        errors += field.all_invalid(path.child("supplementalGroups").index(i), group, names.user_or_group_id(group))
    return errors


def _check_resources(
    status: ContainerStatus,
    containers: list[Container] | None,
    extended: PodExtendedResourceClaimStatus | None,
    path: Path,
) -> Errors:
    """How the devices are that the container has; `containers` are those that can have some."""
    given = status.allocatedResourcesStatus
    if not given:
        return []
    if containers is None:
        return [field.forbidden(path, "must not be specified in container status")]
    owner = next((c for c in containers if c.name == status.name), None)
    errors: Errors = []
    for i, resource in enumerate(given):
        if owner is not None:
            errors += _check_owned(resource.name, owner, extended, path.index(i).child("name"))
        errors += _check_health(resource, path.index(i).child("resources"))
    return errors


def _check_owned(name: str, owner: Container, extended: PodExtendedResourceClaimStatus | None, path: Path) -> Errors:
    """A device is reported under the resource or claim by which the container asked for it."""
    asked = owner.resources
    if name.startswith("claim:"):
        claims = (asked.claims if asked is not None else None) or ()
        if any(name == (f"claim:{c.name}/{c.request}" if c.request else f"claim:{c.name}") for c in claims):
            return []
        return [] if _is_extended(name, owner, extended) else [field.invalid(path, name, _NO_CLAIM)]
    if name in _requests(owner):
        return []
    return [field.invalid(path, name, "must match one of the container's resource requests")]


def _is_extended(name: str, owner: Container, extended: PodExtendedResourceClaimStatus | None) -> bool:
    """Whether a claim was made for a resource that the container asks for."""
    claim, _, request = name.removeprefix("claim:").partition("/")
    if extended is None or not request or claim != extended.resourceClaimName:
        return False
    mappings = (m for m in extended.requestMappings if (m.containerName, m.requestName) == (owner.name, request))
    return any(quantity.nano(_requests(owner).get(m.resourceName, 0)) for m in mappings)


def _check_health(resource: ResourceStatus, path: Path) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, health in enumerate(resource.resources or ()):
        if health.health not in _HEALTH:
            errors.append(field.not_supported(path.index(i).child("health"), health.health, _HEALTH))
        if len(health.message) > _MAX_MESSAGE:
            errors.append(field.too_long(path.index(i).child("message"), _MAX_MESSAGE))
        if health.resourceID in seen:
            errors.append(field.duplicate(path.index(i).child("resourceID"), health.resourceID))
        seen.add(health.resourceID)
    return errors
