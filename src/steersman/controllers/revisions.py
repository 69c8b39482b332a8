"""The history of a Deployment: which ReplicaSet is the new one, revision numbers, template hashes and annotations."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from steersman.api import codec
from steersman.api.meta import NAME_ALPHABET
from steersman.controller.ownership import controller_reference
from steersman.controllers.fenceposts import max_surge
from steersman.kinds.apps.annotations import TEMPLATE_GENERATION
from steersman.kinds.types.apps_v1 import Deployment, ReplicaSet, ReplicaSetSpec
from steersman.kinds.types.core_v1 import PodTemplateSpec
from steersman.kinds.types.meta_v1 import LabelSelector, ObjectMeta

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
# A Deployment's annotations are copied to its new ReplicaSet, except these.
_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration", REVISION, REVISION_HISTORY, DESIRED, MAX_REPLICAS,
        "deprecated.deployment.rollback.to", TEMPLATE_GENERATION,
    }
)  # fmt: skip
_HISTORY_LENGTH = 2000


def template_hash(template: PodTemplateSpec, collisions: int | None) -> str:
    """A short label value that tells templates apart; `collisions` gives another one for the same template."""
    content = msgspec.json.encode(template, order="sorted") + str(collisions or "").encode()
    number = int.from_bytes(hashlib.sha256(content).digest()[:4], "big")
    return "".join(NAME_ALPHABET[ord(c) % len(NAME_ALPHABET)] for c in str(number))


def same_template(one: PodTemplateSpec, other: PodTemplateSpec) -> bool:
    """Whether two templates make the same pods, leaving the hash label out of account."""
    return bool(_comparable(one) == _comparable(other))


def _comparable(template: PodTemplateSpec) -> Any:
    plain = codec.to_builtins(template)
    labels = (plain.get("metadata") or {}).get("labels") or {}
    labels.pop(HASH_LABEL, None)
    return _without_empty(plain)


def _without_empty(value: Any) -> Any:
    """Absent and empty are the same to the API."""
    if isinstance(value, dict):
        kept = {k: _without_empty(v) for k, v in value.items()}
        return {k: v for k, v in kept.items() if v not in (None, "", [], {})}
    if isinstance(value, list):
        return [_without_empty(v) for v in value]
    return value


def by_age(sets: Sequence[ReplicaSet]) -> list[ReplicaSet]:
    """Oldest first."""
    return sorted(sets, key=lambda rs: (rs.metadata.creationTimestamp, rs.metadata.name))


def find_new(deployment: Deployment, sets: Sequence[ReplicaSet]) -> ReplicaSet | None:
    """The ReplicaSet of the Deployment's present template; the oldest one if there are several."""
    for rs in by_age(sets):
        if same_template(rs.spec.template, deployment.spec.template):
            return rs
    return None


def revision(annotated: Deployment | ReplicaSet) -> int:
    """The revision an object is annotated with; 0 when it is not."""
    text = (annotated.metadata.annotations or {}).get(REVISION, "")
    return int(text) if text.isdigit() else 0


def next_revision(old: Sequence[ReplicaSet]) -> int:
    return max((revision(rs) for rs in old), default=0) + 1


def new_replica_set(deployment: Deployment, size: int, number: int) -> ReplicaSet:
    """The ReplicaSet of the Deployment's present template, to be created."""
    digest = template_hash(deployment.spec.template, deployment.status.collisionCount)
    template = codec.clone(deployment.spec.template)
    template.metadata.labels = {**(template.metadata.labels or {}), HASH_LABEL: digest}
    selector = codec.clone(deployment.spec.selector) or LabelSelector()
    selector.matchLabels = {**(selector.matchLabels or {}), HASH_LABEL: digest}
    return ReplicaSet(
        metadata=ObjectMeta(
            name=f"{deployment.metadata.name}-{digest}",
            namespace=deployment.metadata.namespace,
            labels=dict(template.metadata.labels),
            annotations=annotations_of(deployment, None, number) | size_annotations(deployment),
            ownerReferences=[controller_reference(deployment)],
        ),
        spec=ReplicaSetSpec(
            replicas=size,
            minReadySeconds=deployment.spec.minReadySeconds,
            selector=selector,
            template=template,
        ),
    )


def annotations_of(deployment: Deployment, rs: ReplicaSet | None, number: int) -> dict[str, str]:
    """The annotations of the new ReplicaSet: the Deployment's, the revision, and the revisions it had before."""
    found = dict((rs.metadata.annotations if rs is not None else None) or {})
    found.update((k, v) for k, v in (deployment.metadata.annotations or {}).items() if k not in _NOT_COPIED)
    before = revision(rs) if rs is not None else 0
    if before < number:
        found[REVISION] = str(number)
        if before:
            found[REVISION_HISTORY] = _remember(found.get(REVISION_HISTORY, ""), str(before))
    return found


def _remember(history: str, number: str) -> str:
    """The comma-separated history with one more entry, the oldest ones dropped when it grows too long."""
    entries = [*filter(None, history.split(",")), number]
    while len(",".join(entries)) > _HISTORY_LENGTH:
        entries.pop(0)
    return ",".join(entries)


def size_annotations(deployment: Deployment) -> dict[str, str]:
    """What the Deployment's size is while a ReplicaSet is scaled: the base of proportional scaling later."""
    size = deployment.spec.replicas or 0
    return {DESIRED: str(size), MAX_REPLICAS: str(size + max_surge(deployment))}


def sized_for(rs: ReplicaSet) -> int | None:
    """The Deployment's size when the ReplicaSet was last scaled."""
    text = (rs.metadata.annotations or {}).get(DESIRED, "")
    return int(text) if text.isdigit() else None
