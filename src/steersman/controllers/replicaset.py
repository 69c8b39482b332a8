"""Keeps the pods of every ReplicaSet."""

from __future__ import annotations

from collections.abc import Iterable

from steersman.api import labels
from steersman.client.informer import by_namespace, key_of
from steersman.controller.declaration import Context, Controller, mapped, own
from steersman.controller.ownership import controller_of
from steersman.controllers.replica_reconciler import ReplicaReconciler
from steersman.kinds.types.apps_v1 import ReplicaSet, ReplicaSetCondition
from steersman.kinds.types.core_v1 import Pod


def _make(context: Context) -> ReplicaReconciler[ReplicaSet]:
    return ReplicaReconciler(context, ReplicaSet, lambda rs: rs.spec.selector, ReplicaSetCondition)


def _keys(context: Context, pod: Pod) -> Iterable[str]:
    """The pod's ReplicaSet, or those that would adopt it."""
    ref = controller_of(pod)
    if ref is not None:
        return (f"{pod.metadata.namespace}/{ref.name}",) if ref.kind == "ReplicaSet" else ()
    informer = context.informers.informer(ReplicaSet)
    informer.add_index("namespace", by_namespace)
    return [
        key_of(rs)
        for rs in informer.by("namespace", pod.metadata.namespace)
        if rs.spec.selector is not None and labels.from_object(rs.spec.selector).matches(pod.metadata.labels)
    ]


CONTROLLER = Controller(
    name="replicaset",
    reconciler=_make,
    watches=(own(ReplicaSet), mapped(Pod, _keys)),
    workers=5,
    account="replicaset-controller",
)
