"""A PersistentVolumeClaim stays while a pod that has a node uses it."""

from __future__ import annotations

from collections.abc import Iterable

from steersman.controller.declaration import Context, Controller, mapped, own
from steersman.controller.ownership import controller_of
from steersman.controllers.protection import Protection
from steersman.kinds.types.core_v1 import PersistentVolumeClaim, Pod

FINALIZER = "kubernetes.io/pvc-protection"


def claims_of(pod: Pod) -> Iterable[str]:
    """The keys of the claims that the pod's volumes are, those made for it included."""
    meta = pod.metadata
    for volume in pod.spec.volumes or ():
        if volume.persistentVolumeClaim is not None:
            yield f"{meta.namespace}/{volume.persistentVolumeClaim.claimName}"
        elif volume.ephemeral is not None:
            yield f"{meta.namespace}/{meta.name}-{volume.name}"


def uses(pod: Pod, claim: PersistentVolumeClaim) -> bool:
    """No kubelet starts a pod whose claim is being deleted: only pods that have a node count."""
    if not pod.spec.nodeName:
        return False
    name = claim.metadata.name
    if any(v.persistentVolumeClaim and v.persistentVolumeClaim.claimName == name for v in pod.spec.volumes or ()):
        return True
    owner = controller_of(claim)
    if owner is None or owner.uid != pod.metadata.uid or _is_shut_down(pod):
        return False
    return any(v.ephemeral is not None and f"{pod.metadata.name}-{v.name}" == name for v in pod.spec.volumes or ())


def _is_shut_down(pod: Pod) -> bool:
    """Whether the kubelet has ended the pod, which waits for somebody else's finalizer."""
    return bool(pod.metadata.deletionTimestamp) and pod.metadata.deletionGracePeriodSeconds == 0


class ClaimProtection(Protection[PersistentVolumeClaim]):
    def __init__(self, context: Context) -> None:
        super().__init__(context, PersistentVolumeClaim, FINALIZER, self._used)
        self._pods = context.informers.informer(Pod)
        self._pods.add_index("claims", claims_of)

    def _used(self, claim: PersistentVolumeClaim) -> bool:
        key = f"{claim.metadata.namespace}/{claim.metadata.name}"
        return any(uses(pod, claim) for pod in self._pods.by("claims", key))

    async def in_use_by_now(self, found: PersistentVolumeClaim) -> bool:
        page = await self._client.list(Pod, found.metadata.namespace)
        return any(uses(pod, found) for pod in page.items)


CONTROLLER = Controller(
    name="pvc-protection",
    reconciler=ClaimProtection,
    watches=(own(PersistentVolumeClaim), mapped(Pod, lambda _, pod: claims_of(pod))),
    component="persistentvolumeclaim-protection-controller",
    account="pvc-protection-controller",
)
