"""Validation of what nodes and schedulers report of a pod: conditions, addresses, and what its containers have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.api import field, names
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Container, ContainerStatus, Pod, PodCondition, ResourceStatus

_STATUS = Path("status")
_SYSTEM_CONDITIONS = ("PodScheduled", "Ready", "Initialized")
_HEALTH = ("Healthy", "Unhealthy", "Unknown")
_LISTS = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


def check(pod: Pod) -> Errors:
    """What is wrong with a pod's status, whatever it was before."""
    status = pod.status
    errors = _check_conditions(status.conditions or [], Path("metadata", "conditions"))
    errors += _check_claims(pod)
    errors += _check_addresses(status.podIPs or [], _STATUS.child("podIPs"))
    hosts, at = status.hostIPs or [], _STATUS.child("hostIPs")
    if hosts and status.hostIP != hosts[0].ip:
        errors.append(field.invalid(at.index(0).child("ip"), hosts[0].ip, "must be equal to `hostIP`"))
    errors += _check_addresses(hosts, at)
    containers: dict[str, list[Container]] = {
        "containerStatuses": pod.spec.containers,
        "initContainerStatuses": pod.spec.initContainers or [],
    }
    for name in _LISTS:
        statuses, where = getattr(status, name) or [], _STATUS.child(name)
        for i, one in enumerate(statuses):
            errors += _check_user(one, pod, where.index(i).child("linux"))
            errors += _check_resources(one, containers.get(name), where.index(i).child("allocatedResourcesStatus"))
    return errors


def _check_conditions(conditions: list[PodCondition], path: Path) -> Errors:
    errors: Errors = []
    for i, condition in enumerate(conditions):
        if condition.type not in _SYSTEM_CONDITIONS:
            at = path.index(i).child("Type")
            errors += field.all_invalid(at, condition.type, names.qualified_name(condition.type))
    return errors


def _check_claims(pod: Pod) -> Errors:
    known = {claim.name for claim in pod.spec.resourceClaims or ()}
    errors: Errors = []
    seen: set[str] = set()
    for i, claim in enumerate(pod.status.resourceClaimStatuses or ()):
        at = _STATUS.child("resourceClaimStatuses").index(i).child("name")
        if claim.name not in known:
            errors.append(field.invalid(at, claim.name, "must match the name of an entry in `spec.resourceClaims`"))
        if claim.name in seen:
            errors.append(field.duplicate(at, claim.name))
        seen.add(claim.name)
        if claim.resourceClaimName:
            errors += field.all_invalid(at, claim.resourceClaimName, names.dns1123_subdomain(claim.resourceClaimName))
    return errors


def _check_addresses(addresses: list[Any], path: Path) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, address in enumerate(addresses):
        errors += field.all_invalid(path.index(i), address.ip, names.ip(address.ip))
        if address.ip in seen:
            errors.append(field.duplicate(path.index(i), address))
        seen.add(address.ip)
    families = [names.ip_family(a.ip) for a in addresses]
    if len(families) != len(set(families)):
        errors.append(field.invalid(path, addresses, "may specify no more than one IP for each IP family"))
    return errors


def _check_user(status: ContainerStatus, pod: Pod, path: Path) -> Errors:
    """As whom the container's first process runs, by number."""
    user = status.user.linux if status.user is not None else None
    if user is None:
        return []
    if pod.spec.os is not None and pod.spec.os.name == "windows":
        return [field.forbidden(path, "cannot be set for a windows pod")]
    errors: Errors = []
    for name in ("uid", "gid"):
        number = getattr(user, name)
        errors += field.all_invalid(path.child(name), number, names.user_or_group_id(number))
    for i, group in enumerate(user.supplementalGroups or ()):
        errors += field.all_invalid(path.child("supplementalGroups").index(i), group, names.user_or_group_id(group))
    return errors


def _check_resources(status: ContainerStatus, containers: list[Container] | None, path: Path) -> Errors:
    """How the devices are that the container has; `containers` are those that can have some."""
    given = status.allocatedResourcesStatus
    if given is None:
        return []
    if containers is None:
        return [field.forbidden(path, "must not be specified in container status")]
    owner = next((c for c in containers if c.name == status.name), None)
    errors: Errors = []
    for i, resource in enumerate(given):
        if owner is not None:
            errors += _check_owned(resource.name, owner, path.index(i).child("name"))
        errors += _check_health(resource, path.index(i).child("resources"))
    return errors


def _check_owned(name: str, owner: Container, path: Path) -> Errors:
    """A device is reported under the resource or claim by which the container asked for it."""
    asked = owner.resources
    if name.startswith("claim:"):
        claims = (asked.claims if asked is not None else None) or ()
        if any(name == (f"claim:{c.name}/{c.request}" if c.request else f"claim:{c.name}") for c in claims):
            return []
        detail = (
            "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' "
            "or 'claim:<claimName>' if request is empty"
        )
        return [field.invalid(path, name, detail)]
    if name in ((asked.requests if asked is not None else None) or {}):
        return []
    return [field.invalid(path, name, "must match one of the container's resource requests")]


def _check_health(resource: ResourceStatus, path: Path) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, health in enumerate(resource.resources or ()):
        if health.resourceID in seen:
            errors.append(field.duplicate(path.index(i).child("resourceID"), health.resourceID))
        seen.add(health.resourceID)
        if health.health not in _HEALTH:
            errors.append(field.not_supported(path.index(i).child("health"), health.health, _HEALTH))
    return errors
