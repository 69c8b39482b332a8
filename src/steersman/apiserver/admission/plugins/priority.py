"""Turns a pod's priorityClassName into its priority and preemption policy; one PriorityClass at most is the default."""

from __future__ import annotations

from steersman.api.errors import Forbidden
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.types.core_v1 import Pod
from steersman.kinds.types.scheduling_v1 import PriorityClass

_DEFAULT_POLICY = "PreemptLowerPriority"


async def mutate(review: Review, environment: Environment) -> None:
    if review.resource.plural != "pods":
        return
    pod: Pod = review.object
    if review.operation == UPDATE:
        _keep(pod, review.old)
        return
    name, value, policy = _chosen(review, environment, pod)
    pod.spec.priorityClassName = name
    if pod.spec.priority is not None and pod.spec.priority != value:
        raise Forbidden.of(
            review.resource,
            review.name,
            f"the integer value of priority ({pod.spec.priority}) must not be provided in pod spec; "
            f"priority admission controller computed {value} from the given PriorityClass name",
        )
    pod.spec.priority = value
    if pod.spec.preemptionPolicy and pod.spec.preemptionPolicy != policy:
        raise Forbidden.of(
            review.resource,
            review.name,
            f"the string value of PreemptionPolicy ({pod.spec.preemptionPolicy}) must not be provided in pod spec; "
            f"priority admission controller computed {policy} from the given PriorityClass name",
        )
    pod.spec.preemptionPolicy = policy


def _keep(pod: Pod, old: Pod) -> None:
    # A client that does not know these fields must not clear them.
    if pod.spec.priority is None:
        pod.spec.priority = old.spec.priority
    if not pod.spec.preemptionPolicy:
        pod.spec.preemptionPolicy = old.spec.preemptionPolicy


def _chosen(review: Review, environment: Environment, pod: Pod) -> tuple[str, int, str]:
    """The class's name, its value and its policy."""
    name = pod.spec.priorityClassName
    if name:
        chosen = environment.reader.get(PriorityClass, "", name)
        if chosen is None:
            raise Forbidden.of(review.resource, review.name, f"no PriorityClass with name {name} was found")
    else:
        chosen = _default(environment)
        if chosen is None:
            return "", 0, _DEFAULT_POLICY
    return chosen.metadata.name, chosen.value or 0, chosen.preemptionPolicy or _DEFAULT_POLICY


def _default(environment: Environment) -> PriorityClass | None:
    """The class that is the default. Two can only come of a race: the lower one wins, as upstream."""
    defaults = (c for c in environment.reader.list(PriorityClass) if c.globalDefault)
    return min(defaults, key=lambda c: c.value or 0, default=None)


async def validate(review: Review, environment: Environment) -> None:
    if review.resource.plural != "priorityclasses":
        return
    new: PriorityClass = review.object
    found = _default(environment) if new.globalDefault else None
    if found is not None and (review.operation == CREATE or found.metadata.name != new.metadata.name):
        why = f"PriorityClass {found.metadata.name} is already marked as default. Only one default can exist"
        raise Forbidden.of(review.resource, review.name, why)


ADMISSION = Admission(
    name="Priority",
    order=1_400,
    interests=(
        Interest(frozenset({CREATE, UPDATE}), "pods"),
        Interest(frozenset({CREATE, UPDATE}), "priorityclasses", "scheduling.k8s.io"),
    ),
    mutate=mutate,
    validate=validate,
)
