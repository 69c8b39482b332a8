"""The arithmetic of a Deployment: from the sizes of its ReplicaSets to the next sizes. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from steersman.controllers.fenceposts import is_rolling, max_surge, max_unavailable
from steersman.controllers.revisions import MAX_REPLICAS, by_age, revision, sized_for
from steersman.kinds.types.apps_v1 import Deployment, ReplicaSet


@dataclass(frozen=True, slots=True)
class Resize:
    """One ReplicaSet gets a new size."""

    rs: ReplicaSet
    size: int


def size_of(rs: ReplicaSet) -> int:
    return rs.spec.replicas or 0


def total(sets: Iterable[ReplicaSet]) -> int:
    """The pods that ReplicaSets are asked for."""
    return sum(size_of(rs) for rs in sets)


def active(sets: Iterable[ReplicaSet]) -> list[ReplicaSet]:
    return [rs for rs in sets if size_of(rs) > 0]


def desired(deployment: Deployment) -> int:
    return 1 if deployment.spec.replicas is None else deployment.spec.replicas


def needs_scaling(deployment: Deployment, sets: Iterable[ReplicaSet]) -> bool:
    """Whether the Deployment's size has changed since its ReplicaSets were sized."""
    return any((was := sized_for(rs)) is not None and was != desired(deployment) for rs in active(sets))


def new_size(deployment: Deployment, sets: Iterable[ReplicaSet], new: int) -> int:
    """The size the new ReplicaSet, now of size `new`, may grow to at once."""
    wanted = desired(deployment)
    if not is_rolling(deployment):
        return wanted
    room = wanted + max_surge(deployment) - total(sets)
    return new + max(0, min(room, wanted - new))


def roll(deployment: Deployment, new: ReplicaSet, old: Sequence[ReplicaSet]) -> list[Resize]:
    """The next step of a rolling update: the new ReplicaSet grows (or shrinks) first; then the old ones shrink."""
    wanted, now = desired(deployment), size_of(new)
    if now > wanted:
        return [Resize(new, wanted)]
    if now < wanted:
        size = new_size(deployment, [*old, new], now)
        if size != now:
            return [Resize(new, size)]
    return _shrink(deployment, new, active(old))


def _shrink(deployment: Deployment, new: ReplicaSet, old: list[ReplicaSet]) -> list[Resize]:
    """Shrink the old ReplicaSets: pods that are not available first, then as many as availability allows."""
    sets = [*old, new]
    least = desired(deployment) - max_unavailable(deployment)
    # Pods of the new ReplicaSet that are not available yet may not be counted on.
    room = total(sets) - least - (size_of(new) - new.status.availableReplicas)
    if not old or room <= 0:
        return []
    sizes = {rs.metadata.name: size_of(rs) for rs in old}
    for rs in by_age(old):
        broken = size_of(rs) - rs.status.availableReplicas
        part = max(0, min(room, broken))
        sizes[rs.metadata.name] -= part
        room -= part
    spare = sum(rs.status.availableReplicas for rs in sets) - least
    for rs in by_age(old):
        part = max(0, min(spare, sizes[rs.metadata.name]))
        sizes[rs.metadata.name] -= part
        spare -= part
    return [Resize(rs, sizes[rs.metadata.name]) for rs in old if sizes[rs.metadata.name] != size_of(rs)]


def scale(deployment: Deployment, new: ReplicaSet | None, old: Sequence[ReplicaSet]) -> list[Resize]:
    """The sizes after the Deployment's own size changed (or while it is paused): each ReplicaSet gets its share."""
    wanted = desired(deployment)
    latest = _active_or_latest(new, old)
    if latest is not None:
        return [] if size_of(latest) == wanted else [Resize(latest, wanted)]
    if new is not None and _saturated(deployment, new):
        return [Resize(rs, 0) for rs in active(old)]
    if not is_rolling(deployment):
        return []
    return _share(deployment, active([*old, new] if new is not None else old))


def _active_or_latest(new: ReplicaSet | None, old: Sequence[ReplicaSet]) -> ReplicaSet | None:
    """The only ReplicaSet that counts; None when there are several."""
    found = active([*old, new] if new is not None else old)
    if len(found) > 1:
        return None
    if found:
        return found[0]
    if new is not None:
        return new
    return by_age(old)[-1] if old else None


def _saturated(deployment: Deployment, new: ReplicaSet) -> bool:
    wanted = desired(deployment)
    return size_of(new) == wanted and sized_for(new) == wanted and new.status.availableReplicas == wanted


def _share(deployment: Deployment, sets: list[ReplicaSet]) -> list[Resize]:
    wanted = desired(deployment)
    allowed = wanted + max_surge(deployment) if wanted > 0 else 0
    to_add = allowed - total(sets)
    # The biggest get what rounding leaves; of equals the newer when growing, the older when shrinking.
    ordered = by_age(sets)
    if to_add > 0:
        ordered.reverse()
    ordered.sort(key=size_of, reverse=True)
    added, sizes = 0, []
    for rs in ordered:
        part = _proportion(rs, deployment, to_add, added)
        sizes.append(size_of(rs) + part)
        added += part
    if sizes and to_add != 0:
        sizes[0] = max(0, sizes[0] + to_add - added)
    return [Resize(rs, size) for rs, size in zip(ordered, sizes, strict=True)]


def _proportion(rs: ReplicaSet, deployment: Deployment, to_add: int, added: int) -> int:
    if size_of(rs) == 0 or to_add in (0, added):
        return 0
    fraction, left = _fraction(rs, deployment), to_add - added
    return min(fraction, left) if to_add > 0 else max(fraction, left)


def _fraction(rs: ReplicaSet, deployment: Deployment) -> int:
    """What keeps the ReplicaSet's part of the whole what it was."""
    size = size_of(rs)
    if desired(deployment) == 0:
        return -size
    annotated = (rs.metadata.annotations or {}).get(MAX_REPLICAS, "")
    before = int(annotated) if annotated.isdigit() and int(annotated) else deployment.status.replicas
    if before == 0:
        return 0
    share = size * (desired(deployment) + max_surge(deployment)) / before
    return int(share + 0.5) - size


def expired(deployment: Deployment, old: Sequence[ReplicaSet]) -> list[ReplicaSet]:
    """Old ReplicaSets beyond the history limit that nothing is left of; the lowest revisions go first."""
    limit = deployment.spec.revisionHistoryLimit
    if limit is None or limit == 2**31 - 1:
        return []
    alive = [rs for rs in old if not rs.metadata.deletionTimestamp]
    surplus = len(alive) - limit
    if surplus <= 0:
        return []
    oldest = sorted(alive, key=lambda rs: (revision(rs), rs.metadata.creationTimestamp))[:surplus]
    return [
        rs
        for rs in oldest
        if rs.status.replicas == 0
        and size_of(rs) == 0
        and (rs.metadata.generation or 0) <= rs.status.observedGeneration
    ]
