"""Which of a pod's containers may run again after they have ended: whatever else is reported of them is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Container, ContainerStatus, Pod, PodSpec

_STATUS = Path("status")


def check(pod: Pod, old: Pod) -> Errors:
    """A container that is not restarted stays terminated."""
    spec, now, before = old.spec, pod.status, old.status
    errors: Errors = []
    if not _all_may_restart(spec):
        for name, containers in (
            ("containerStatuses", spec.containers),
            ("initContainerStatuses", spec.initContainers),
        ):
            by_name = {c.name: c for c in reversed(containers or ())}
            errors += _check(getattr(now, name), getattr(before, name), by_name, spec.restartPolicy, name)
    name = "ephemeralContainerStatuses"
    return errors + _check(getattr(now, name), getattr(before, name), {}, spec.restartPolicy, name)


def _check(
    new: list[ContainerStatus] | None,
    old: list[ContainerStatus] | None,
    containers: dict[str, Container],
    policy: str,
    name: str,
) -> Errors:
    errors: Errors = []
    running = {s.name for s in new or () if s.state is None or s.state.terminated is None}
    for i, before in enumerate(old or ()):
        ended = before.state.terminated if before.state is not None else None
        if ended is None or before.name not in running:
            continue
        container = containers.get(before.name)
        if container is None or not _restarts(container, policy, ended.exitCode):
            at = _STATUS.child(name).index(i).child("state")
            errors.append(field.forbidden(at, "may not be transitioned to non-terminated state"))
    return errors


def _all_may_restart(spec: PodSpec) -> bool:
    """One container whose end restarts all is enough."""
    containers: Iterable[Container] = (*spec.containers, *(spec.initContainers or ()))
    return any(rule.action == "RestartAllContainers" for c in containers for rule in c.restartPolicyRules or ())


def _restarts(container: Container, policy: str, exit_code: int) -> bool:
    """Whether a container may run again: by its rules, by its own policy, or by the pod's, which nodes go by."""
    if container.restartPolicy and _has_rule(container, exit_code):
        return True
    return _has_policy(container.restartPolicy, exit_code) or _has_policy(policy, exit_code)


def _has_policy(policy: str, exit_code: int) -> bool:
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def _has_rule(container: Container, exit_code: int) -> bool:
    """Whether one of its rules, all of which restart something, is for this exit code."""
    codes = (rule.exitCodes for rule in container.restartPolicyRules or () if rule.exitCodes is not None)
    return any((exit_code in (c.values or ())) is (c.operator == "In") for c in codes)
