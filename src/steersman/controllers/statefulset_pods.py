"""The pods of a StatefulSet: their names, ordinals and labels, their claims' names, and who owns the claims."""

from __future__ import annotations

import re
from collections.abc import Sequence

from steersman.api import codec
from steersman.controller.ownership import controller_reference
from steersman.controllers.history import HASH_LABEL
from steersman.kinds.types.apps_v1 import StatefulSet
from steersman.kinds.types.core_v1 import (
    PersistentVolumeClaim,
    PersistentVolumeClaimVolumeSource,
    Pod,
    PodTemplateSpec,
    Volume,
)
from steersman.kinds.types.meta_v1 import ObjectMeta, OwnerReference

NAME_LABEL = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL = "apps.kubernetes.io/pod-index"
_NAME = re.compile(r"(.*)-(0|[1-9][0-9]*)", re.ASCII)
DELETE = "Delete"


def start_of(stateful_set: StatefulSet) -> int:
    """The lowest ordinal."""
    ordinals = stateful_set.spec.ordinals
    return (ordinals.start or 0) if ordinals is not None else 0


def size_of(stateful_set: StatefulSet) -> int:
    return 1 if stateful_set.spec.replicas is None else int(stateful_set.spec.replicas)


def ordinals_of(stateful_set: StatefulSet) -> range:
    """The ordinals that there should be."""
    start = start_of(stateful_set)
    return range(start, start + size_of(stateful_set))


def ordinal_of(pod: Pod) -> int:
    """The number at the end of the pod's name; -1 for a name without."""
    found = _NAME.fullmatch(pod.metadata.name)
    return int(found[2]) if found else -1


def is_member(stateful_set: StatefulSet, pod: Pod) -> bool:
    """Whether the pod's name is one that the StatefulSet gives."""
    found = _NAME.fullmatch(pod.metadata.name)
    return found is not None and found[1] == stateful_set.metadata.name


def revision_of(pod: Pod) -> str:
    """The name of the revision that the pod is of."""
    return str((pod.metadata.labels or {}).get(HASH_LABEL, ""))


def new_pod(stateful_set: StatefulSet, template: PodTemplateSpec, revision: str, ordinal: int) -> Pod:
    """The pod with this ordinal, to be created."""
    copy = codec.clone(template)
    name = f"{stateful_set.metadata.name}-{ordinal}"
    labels = {**(copy.metadata.labels or {}), HASH_LABEL: revision, **identity(name, ordinal)}
    pod = Pod(
        metadata=ObjectMeta(
            name=name,
            namespace=stateful_set.metadata.namespace,
            labels=labels,
            annotations=copy.metadata.annotations,
            finalizers=copy.metadata.finalizers,
            ownerReferences=[controller_reference(stateful_set)],
        ),
        spec=copy.spec,
    )
    pod.spec.hostname = name
    pod.spec.subdomain = stateful_set.spec.serviceName
    claims = claim_names(stateful_set, ordinal)
    pod.spec.volumes = [
        *(
            Volume(name=volume, persistentVolumeClaim=PersistentVolumeClaimVolumeSource(claimName=claim))
            for volume, claim in claims.items()
        ),
        *(v for v in pod.spec.volumes or () if v.name not in claims),
    ] or None
    return pod


def identity(name: str, ordinal: int) -> dict[str, str]:
    """The labels that tell the pod from its siblings."""
    return {NAME_LABEL: name, INDEX_LABEL: str(ordinal)}


# Claims


def claim_names(stateful_set: StatefulSet, ordinal: int) -> dict[str, str]:
    """The names of the pod's claims, by volume."""
    templates = stateful_set.spec.volumeClaimTemplates or ()
    return {t.metadata.name: f"{t.metadata.name}-{stateful_set.metadata.name}-{ordinal}" for t in templates}


def new_claims(stateful_set: StatefulSet, ordinal: int) -> list[PersistentVolumeClaim]:
    """The claims of the pod with this ordinal, to be created."""
    names = claim_names(stateful_set, ordinal)
    selector = stateful_set.spec.selector
    found = []
    for template in stateful_set.spec.volumeClaimTemplates or ():
        claim = codec.clone(template)
        meta = claim.metadata
        labels = {**(meta.labels or {}), **((selector.matchLabels if selector is not None else None) or {})}
        claim.metadata = ObjectMeta(
            name=names[meta.name],
            namespace=stateful_set.metadata.namespace,
            labels=labels,
            annotations=meta.annotations,
            finalizers=meta.finalizers,
        )
        found.append(claim)
    return found


def is_stale(claim: PersistentVolumeClaim, pod_name: str) -> bool:
    """Whether the claim belongs to an earlier pod of this name and goes with it."""
    return any(r.kind == "Pod" and r.name == pod_name for r in claim.metadata.ownerReferences or ())


def claim_owners(stateful_set: StatefulSet, pod: Pod, claim: PersistentVolumeClaim) -> list[OwnerReference] | None:
    """The claim's owners as the retention policy wants them; None when they are right already.

    A claim owned by the set goes when the set goes; one owned by its pod goes with the pod, which is scaled away.
    """
    policy = stateful_set.spec.persistentVolumeClaimRetentionPolicy
    scaled_down = ordinal_of(pod) not in ordinals_of(stateful_set)
    goes_with_pod = policy is not None and policy.whenScaled == DELETE and scaled_down
    goes_with_set = policy is not None and policy.whenDeleted == DELETE and not goes_with_pod
    before: Sequence[OwnerReference] = claim.metadata.ownerReferences or ()
    wanted = [r for r in before if r.uid not in (pod.metadata.uid, stateful_set.metadata.uid)]
    if goes_with_set:
        wanted.append(_kept(before, stateful_set) or _reference(stateful_set))
    if goes_with_pod:
        wanted.append(_kept(before, pod) or _reference(pod))
    same = {r.uid for r in wanted} == {r.uid for r in before}
    return None if same else wanted


def _kept(before: Sequence[OwnerReference], owner: StatefulSet | Pod) -> OwnerReference | None:
    return next((r for r in before if r.uid == owner.metadata.uid), None)


def _reference(owner: StatefulSet | Pod) -> OwnerReference:
    resource = owner.__resource__
    return OwnerReference(
        apiVersion=resource.api_version, kind=resource.kind, name=owner.metadata.name, uid=owner.metadata.uid
    )
