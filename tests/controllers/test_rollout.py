"""The arithmetic of rollouts by tables, and its bounds by random rollouts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api.meta import new_uid
from steersman.controllers.fenceposts import fenceposts, max_surge, max_unavailable
from steersman.controllers.revisions import DESIRED, MAX_REPLICAS, REVISION
from steersman.controllers.rollout import expired, new_size, roll, scale
from steersman.kinds.types.apps_v1 import (
    Deployment,
    DeploymentSpec,
    DeploymentStrategy,
    ReplicaSet,
    ReplicaSetSpec,
    ReplicaSetStatus,
    RollingUpdateDeployment,
)
from steersman.kinds.types.meta_v1 import ObjectMeta

FENCEPOSTS = [
    # (surge, unavailable, replicas, outcome)
    ("25%", "25%", 3, (1, 0)),
    ("25%", "25%", 10, (3, 2)),
    ("0%", "0%", 10, (0, 1)),
    (0, 0, 10, (0, 1)),
    (0, 1, 10, (0, 1)),
    (2, "50%", 5, (2, 2)),
    ("100%", "100%", 4, (4, 4)),
    ("1%", "1%", 1, (1, 0)),
]


@pytest.mark.parametrize(("surge", "unavailable", "replicas", "outcome"), FENCEPOSTS)
def test_fenceposts(surge, unavailable, replicas, outcome):
    assert fenceposts(surge, unavailable, replicas) == outcome


def deployment(replicas, surge=1, unavailable=0, history=None):
    update = RollingUpdateDeployment(maxSurge=surge, maxUnavailable=unavailable)
    strategy = DeploymentStrategy(type="RollingUpdate", rollingUpdate=update)
    spec = DeploymentSpec(replicas=replicas, strategy=strategy, revisionHistoryLimit=history)
    return Deployment(metadata=ObjectMeta(name="d"), spec=spec)


def rs(name, size, available=None, *, sized=None, largest=None, revision="1"):
    annotations = {REVISION: revision}
    if sized is not None:
        annotations |= {DESIRED: str(sized), MAX_REPLICAS: str(largest if largest is not None else sized)}
    return ReplicaSet(
        metadata=ObjectMeta(
            name=name,
            uid=new_uid(),
            annotations=annotations,
            creationTimestamp=f"2024-01-01T00:00:{ord(name[0]) % 60:02}Z",
        ),
        spec=ReplicaSetSpec(replicas=size),
        status=ReplicaSetStatus(replicas=size, availableReplicas=size if available is None else available),
    )


def sizes(resizes):
    return {r.rs.metadata.name: r.size for r in resizes}


ROLLS = [
    # (deployment, new, old, next sizes)
    (deployment(3), rs("n", 0), [rs("a", 3)], {"n": 1}),
    (deployment(3), rs("n", 1, 0), [rs("a", 3)], {}),
    (deployment(3), rs("n", 1), [rs("a", 3)], {"a": 2}),
    (deployment(3), rs("n", 1), [rs("a", 2)], {"n": 2}),
    (deployment(3), rs("n", 3), [rs("a", 1)], {"a": 0}),
    (deployment(3), rs("n", 3), [rs("a", 0)], {}),
    (deployment(3), rs("n", 5), [], {"n": 3}),
    (deployment(10, 0, 2), rs("n", 0), [rs("a", 10)], {"a": 8}),
    (deployment(10, 0, 2), rs("n", 2, 0), [rs("a", 8)], {}),
    # Old pods that are not available go first, whatever is available.
    (deployment(10, 0, 5), rs("n", 0), [rs("a", 5, 0), rs("b", 5)], {"a": 0}),
    (deployment(4, 4, 0), rs("n", 4, 2), [rs("a", 4)], {"a": 2}),
]


@pytest.mark.parametrize(("wanted", "new", "old", "outcome"), ROLLS)
def test_steps(wanted, new, old, outcome):
    assert sizes(roll(wanted, new, old)) == outcome


SCALES = [
    (deployment(5), rs("n", 3, sized=3), [], {"n": 5}),
    (deployment(5), None, [rs("a", 3, sized=3)], {"a": 5}),
    (deployment(0), rs("n", 3, sized=3), [], {"n": 0}),
    (deployment(20, 5, 0), rs("n", 5, sized=10, largest=15), [rs("a", 10, sized=10, largest=15)], {"a": 17, "n": 8}),
    (deployment(5, 0, 1), rs("n", 5, sized=10), [rs("a", 5, sized=10)], {"a": 2, "n": 3}),
    (deployment(0, 1, 0), rs("n", 5, sized=10), [rs("a", 5, sized=10)], {"a": 0, "n": 0}),
    # The new one is complete: what is left of the old ones goes.
    (deployment(3), rs("n", 3, sized=3), [rs("a", 2, sized=3)], {"a": 0}),
]


@pytest.mark.parametrize(("wanted", "new", "old", "outcome"), SCALES)
def test_proportional_scaling(wanted, new, old, outcome):
    assert sizes(scale(wanted, new, old)) == outcome


percentages = st.integers(0, 100).map(lambda n: f"{n}%")
numbers = st.one_of(st.integers(0, 10), percentages)


@given(replicas=st.integers(1, 20), surge=numbers, unavailable=numbers, start=st.integers(0, 20), data=st.data())
def test_every_rollout_ends_and_keeps_its_bounds(replicas, surge, unavailable, start, data):
    wanted = deployment(replicas, surge, unavailable)
    new, old = rs("n", 0), rs("a", min(start, replicas))
    most = replicas + max_surge(wanted)
    least = min(replicas - max_unavailable(wanted), old.spec.replicas)
    for _ in range(200):
        for resize in roll(wanted, new, [old]):
            shrinks = resize.size < resize.rs.spec.replicas
            resize.rs.spec.replicas = resize.size
            if shrinks:
                resize.rs.status.availableReplicas = min(resize.rs.status.availableReplicas, resize.size)
        assert new.spec.replicas + old.spec.replicas <= most
        assert new.status.availableReplicas + old.status.availableReplicas >= least
        missing = new.spec.replicas - new.status.availableReplicas
        new.status.availableReplicas += data.draw(st.integers(min(1, missing), missing))
        if (new.status.availableReplicas, old.spec.replicas) == (replicas, 0):
            return
    raise AssertionError("the rollout does not end")


@given(before=st.integers(1, 30), after=st.integers(0, 30), share=st.integers(0, 30), surge=st.integers(0, 5))
def test_shares_add_up(before, after, share, surge):
    part = min(share, before)
    sets = [
        rs("n", part, 0, sized=before, largest=before + surge),
        rs("a", before - part, 0, sized=before, largest=before + surge),
    ]
    if 0 in (part, before - part):
        return
    wanted = deployment(after, surge, 1)
    found = sizes(scale(wanted, sets[0], [sets[1]]))
    assert all(size >= 0 for size in found.values())
    assert sum(found.values()) == (after + surge if after else 0)


def test_the_first_size_leaves_room_for_what_is_there():
    assert new_size(deployment(10, 3, 0), [rs("a", 10)], 0) == 3
    assert new_size(deployment(10, 0, 1), [rs("a", 10)], 0) == 0
    assert new_size(deployment(10, 3, 0), [], 0) == 10
    recreate = Deployment(spec=DeploymentSpec(replicas=4, strategy=DeploymentStrategy(type="Recreate")))
    assert new_size(recreate, [rs("a", 4)], 0) == 4


def test_history():
    old = [rs(name, 0, revision=str(number)) for number, name in enumerate("abc", start=1)]
    busy = rs("d", 0, revision="0")
    busy.status.replicas = 1
    assert [r.metadata.name for r in expired(deployment(1, history=1), old)] == ["a", "b"]
    assert [r.metadata.name for r in expired(deployment(1, history=2), [*old, busy])] == ["a"]
    assert expired(deployment(1), old) == []
