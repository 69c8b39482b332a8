"""Whose object is whose."""

import pytest

from steersman.api.labels import Selector
from steersman.controller.ownership import controller_of, controller_reference, is_controlled_by, plan_claim
from steersman.kinds.types.apps_v1 import ReplicaSet
from steersman.kinds.types.core_v1 import Pod
from steersman.kinds.types.meta_v1 import ObjectMeta

SELECTOR = Selector.of({"app": "web"})


def owner(uid="mine", deleting=False):
    stamp = "2024-01-01T00:00:00Z" if deleting else ""
    return ReplicaSet(metadata=ObjectMeta(name="rs", namespace="ns", uid=uid, deletionTimestamp=stamp))


def pod(*, matches=True, of="", namespace="ns", deleting=False):
    return Pod(
        metadata=ObjectMeta(
            name="p",
            namespace=namespace,
            labels={"app": "web" if matches else "other"},
            ownerReferences=[controller_reference(owner(of))] if of else None,
            deletionTimestamp="2024-01-01T00:00:00Z" if deleting else "",
        )
    )


CASES = [
    # (pod, owner is being deleted, outcome)
    (pod(of="mine"), False, "mine"),
    (pod(of="mine"), True, "mine"),
    (pod(of="mine", matches=False), False, "release"),
    (pod(of="mine", matches=False), True, ""),
    (pod(of="other"), False, ""),
    (pod(), False, "adopt"),
    (pod(), True, ""),
    (pod(deleting=True), False, ""),
    (pod(matches=False), False, ""),
    (pod(namespace="elsewhere"), False, ""),
]


@pytest.mark.parametrize(("candidate", "deleting", "outcome"), CASES)
def test_claims(candidate, deleting, outcome):
    claim = plan_claim(owner(deleting=deleting), SELECTOR, [candidate])
    found = [name for name in ("mine", "adopt", "release") if getattr(claim, name)]
    assert found == ([outcome] if outcome else [])


def test_references():
    mine, theirs = owner(), owner("other")
    obj = pod(of="mine")
    assert is_controlled_by(obj, mine)
    assert not is_controlled_by(obj, theirs)
    assert controller_of(pod()) is None
    ref = controller_of(obj)
    assert (ref.apiVersion, ref.kind, ref.name, ref.blockOwnerDeletion) == ("apps/v1", "ReplicaSet", "rs", True)
