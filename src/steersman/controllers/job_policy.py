"""A Job's pod failure policy: what one failed pod means for the Job. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.kinds.types.batch_v1 import Job, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule
from steersman.kinds.types.core_v1 import ContainerStatus, Pod


@dataclass(frozen=True, slots=True)
class Ruling:
    """The action of the first rule that matches: Count, Ignore or FailJob, and the words for it."""

    action: str
    message: str


def rule(job: Job, pod: Pod) -> Ruling | None:
    """The ruling on a failed pod; None when no rule matches, and the failure counts."""
    policy = job.spec.podFailurePolicy
    if policy is None or pod.status.phase != "Failed":
        return None
    name = f"{pod.metadata.namespace}/{pod.metadata.name}"
    for number, found in enumerate(policy.rules):
        matched = _by_exit_code(found, pod, name) or _by_condition(found, pod, name)
        if matched:
            return Ruling(found.action, f"{matched} matching {found.action} rule at index {number}")
    return None


def _by_exit_code(found: PodFailurePolicyRule, pod: Pod, name: str) -> str:
    requirement = found.onExitCodes
    if requirement is None:
        return ""
    for status in [*(pod.status.initContainerStatuses or ()), *(pod.status.containerStatuses or ())]:
        code = _exit_code(status, requirement)
        if code is not None:
            return f"Container {status.name} for pod {name} failed with exit code {code}"
    return ""


def _exit_code(status: ContainerStatus, requirement: PodFailurePolicyOnExitCodesRequirement) -> int | None:
    """The exit code of a failed container that meets the requirement."""
    ended = status.state.terminated if status.state is not None else None
    if ended is None or ended.exitCode == 0:
        return None
    if requirement.containerName and requirement.containerName != status.name:
        return None
    listed = ended.exitCode in requirement.values
    return ended.exitCode if listed == (requirement.operator == "In") else None


def _by_condition(found: PodFailurePolicyRule, pod: Pod, name: str) -> str:
    for pattern in found.onPodConditions or ():
        for condition in pod.status.conditions or ():
            if condition.type == pattern.type and condition.status == (pattern.status or "True"):
                return f"Pod {name} has condition {condition.type}"
    return ""
