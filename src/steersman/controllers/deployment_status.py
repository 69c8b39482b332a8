"""The status of a Deployment: its numbers, and the conditions that `kubectl rollout status` waits for. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from steersman.api.meta import format_time, parse_time
from steersman.controllers.fenceposts import max_unavailable
from steersman.controllers.rollout import desired, total
from steersman.kinds.types.apps_v1 import Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet

AVAILABLE, PROGRESSING, FAILURE = "Available", "Progressing", "ReplicaFailure"
TIMED_OUT, COMPLETE, UPDATED = "ProgressDeadlineExceeded", "NewReplicaSetAvailable", "ReplicaSetUpdated"
PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"
_NO_DEADLINE = 2**31 - 1


def has_deadline(deployment: Deployment) -> bool:
    return deployment.spec.progressDeadlineSeconds not in (None, _NO_DEADLINE)


def condition(status: DeploymentStatus, type_: str) -> DeploymentCondition | None:
    for found in status.conditions or ():
        if found.type == type_:
            return found
    return None


def make(type_: str, status: str, reason: str, message: str, now: datetime) -> DeploymentCondition:
    stamp = format_time(now)
    return DeploymentCondition(
        type=type_, status=status, reason=reason, message=message, lastUpdateTime=stamp, lastTransitionTime=stamp
    )


def put(status: DeploymentStatus, new: DeploymentCondition) -> bool:
    """Set a condition in a status of our own; whether that is news. The same status and reason say nothing new."""
    old = condition(status, new.type)
    if old is not None and (old.status, old.reason) == (new.status, new.reason):
        return False
    if old is not None and old.status == new.status:
        new.lastTransitionTime = old.lastTransitionTime
    _remove(status, new.type)
    status.conditions = [*(status.conditions or ()), new]
    return True


def _remove(status: DeploymentStatus, type_: str) -> None:
    status.conditions = [c for c in status.conditions or () if c.type != type_] or None


def calculate(
    deployment: Deployment, new: ReplicaSet | None, old: Sequence[ReplicaSet], now: datetime
) -> DeploymentStatus:
    """The numbers and the Available condition; the other conditions as they are."""
    sets = [*old, new] if new is not None else list(old)
    available = sum(rs.status.availableReplicas for rs in sets)
    ending = [rs.status.terminatingReplicas for rs in sets]
    status = DeploymentStatus(
        observedGeneration=deployment.metadata.generation or 0,
        replicas=sum(rs.status.replicas for rs in sets),
        updatedReplicas=new.status.replicas if new is not None else 0,
        readyReplicas=sum(rs.status.readyReplicas for rs in sets),
        availableReplicas=available,
        unavailableReplicas=max(0, total(sets) - available),
        terminatingReplicas=None if None in ending else sum(n or 0 for n in ending),
        collisionCount=deployment.status.collisionCount,
        conditions=list(deployment.status.conditions or ()) or None,
    )
    if available >= desired(deployment) - max_unavailable(deployment):
        reason, message = "MinimumReplicasAvailable", "Deployment has minimum availability."
        put(status, make(AVAILABLE, "True", reason, message, now))
    else:
        reason, message = "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
        put(status, make(AVAILABLE, "False", reason, message, now))
    return status


def is_complete(deployment: Deployment, status: DeploymentStatus) -> bool:
    """Whether everything is new, there, and available."""
    wanted = desired(deployment)
    return (
        status.updatedReplicas == wanted
        and status.replicas == wanted
        and status.availableReplicas == wanted
        and status.observedGeneration >= (deployment.metadata.generation or 0)
    )


def _progresses(before: DeploymentStatus, now: DeploymentStatus) -> bool:
    return (
        now.updatedReplicas > before.updatedReplicas
        or now.replicas - now.updatedReplicas < before.replicas - before.updatedReplicas
        or now.readyReplicas > before.readyReplicas
        or now.availableReplicas > before.availableReplicas
    )


def _deadline(deployment: Deployment, progress: DeploymentCondition) -> float:
    """The moment, in seconds since the epoch, when the last progress will be too old."""
    limit = deployment.spec.progressDeadlineSeconds or 0
    return parse_time(progress.lastUpdateTime).timestamp() + limit


def _timed_out(deployment: Deployment, status: DeploymentStatus, now: datetime) -> bool:
    progress = condition(status, PROGRESSING)
    if progress is None or progress.reason == COMPLETE:
        return False
    return progress.reason == TIMED_OUT or _deadline(deployment, progress) < now.timestamp()


def rollout_status(
    deployment: Deployment, new: ReplicaSet | None, old: Sequence[ReplicaSet], now: datetime
) -> DeploymentStatus:
    """The status while a rollout is under way, with the Progressing and ReplicaFailure conditions."""
    status = calculate(deployment, new, old, now)
    progress = condition(deployment.status, PROGRESSING)
    if not has_deadline(deployment):
        _remove(status, PROGRESSING)
    elif not (status.replicas == status.updatedReplicas and progress is not None and progress.reason == COMPLETE):
        _judge(deployment, new, status, now)
    failures = [
        c for rs in ([new] if new is not None else old) for c in rs.status.conditions or () if c.type == FAILURE
    ]
    if failures:
        found = make(FAILURE, failures[0].status, failures[0].reason, failures[0].message, now)
        found.lastTransitionTime = failures[0].lastTransitionTime or found.lastTransitionTime
        put(status, found)
    else:
        _remove(status, FAILURE)
    return status


def _judge(deployment: Deployment, new: ReplicaSet | None, status: DeploymentStatus, now: datetime) -> None:
    """Set Progressing by how the status differs from the one before."""
    who = f'ReplicaSet "{new.metadata.name}"' if new is not None else f'Deployment "{deployment.metadata.name}"'
    if is_complete(deployment, status):
        put(status, make(PROGRESSING, "True", COMPLETE, f"{who} has successfully progressed.", now))
    elif _progresses(deployment.status, status):
        found = make(PROGRESSING, "True", UPDATED, f"{who} is progressing.", now)
        before = condition(status, PROGRESSING)
        if before is not None and before.status == "True":
            found.lastTransitionTime = before.lastTransitionTime
        # The update time counts from here, also when status and reason stay.
        _remove(status, PROGRESSING)
        put(status, found)
    elif _timed_out(deployment, status, now):
        put(status, make(PROGRESSING, "False", TIMED_OUT, f"{who} has timed out progressing.", now))


def seconds_to_deadline(deployment: Deployment, status: DeploymentStatus, now: datetime) -> float | None:
    """When to look again whether the rollout is stuck; None when there is nothing to wait for."""
    progress = condition(status, PROGRESSING)
    if not has_deadline(deployment) or progress is None:
        return None
    if is_complete(deployment, status) or progress.reason in (TIMED_OUT, COMPLETE):
        return None
    return max(0.0, _deadline(deployment, progress) - now.timestamp()) + 1.0
