"""Keeps the pods of every ReplicationController."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace

from steersman.api.labels import Selector
from steersman.client.informer import by_namespace, key_of
from steersman.controller.declaration import Context, Controller, mapped, own
from steersman.controller.ownership import controller_of
from steersman.controllers.replica_reconciler import ReplicaReconciler
from steersman.kinds.types.core_v1 import Pod, ReplicationController, ReplicationControllerCondition


def _selector(owner: ReplicationController) -> SimpleNamespace:
    """The plain map of labels in the shape of a LabelSelector."""
    return SimpleNamespace(matchLabels=owner.spec.selector, matchExpressions=None)


def _make(context: Context) -> ReplicaReconciler[ReplicationController]:
    return ReplicaReconciler(context, ReplicationController, _selector, ReplicationControllerCondition)


def _keys(context: Context, pod: Pod) -> Iterable[str]:
    """The pod's ReplicationController, or those that would adopt it."""
    ref = controller_of(pod)
    if ref is not None:
        return (f"{pod.metadata.namespace}/{ref.name}",) if ref.kind == "ReplicationController" else ()
    informer = context.informers.informer(ReplicationController)
    informer.add_index("namespace", by_namespace)
    return [
        key_of(rc)
        for rc in informer.by("namespace", pod.metadata.namespace)
        if rc.spec.selector and Selector.of(rc.spec.selector).matches(pod.metadata.labels)
    ]


CONTROLLER = Controller(
    name="replicationcontroller",
    reconciler=_make,
    watches=(own(ReplicationController), mapped(Pod, _keys)),
    workers=2,
    component="replication-controller",
    account="replication-controller",
)
