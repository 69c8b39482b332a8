"""Which pods of a ReplicaSet go first, and what is counted, by tables."""

from datetime import UTC, datetime

import pytest

from steersman.api.labels import Selector
from steersman.controllers.replicas import count, plan, rank
from steersman.kinds.types.core_v1 import ContainerStatus, Pod, PodCondition, PodSpec, PodStatus
from steersman.kinds.types.meta_v1 import ObjectMeta

NOW = datetime(2024, 1, 2, tzinfo=UTC)
OLD, NEW, NEWER = "2024-01-01T00:00:00Z", "2024-01-01T23:00:00Z", "2024-01-01T23:59:00Z"


def pod(name, *, node="n1", phase="Running", ready="", created=OLD, restarts=0, cost=None, labels=None, deleted=""):
    conditions = [PodCondition(type="Ready", status="True", lastTransitionTime=ready)] if ready else None
    return Pod(
        metadata=ObjectMeta(
            name=name,
            uid=name,
            labels=labels,
            creationTimestamp=created,
            deletionTimestamp=deleted,
            annotations={"controller.kubernetes.io/pod-deletion-cost": cost} if cost else None,
        ),
        spec=PodSpec(nodeName=node),
        status=PodStatus(
            phase=phase,
            conditions=conditions,
            containerStatuses=[ContainerStatus(name="c", restartCount=restarts)],
        ),
    )


# In each pair the first pod goes before the second.
PAIRS = [
    (pod("b", node=""), pod("a")),
    (pod("b", phase="Pending"), pod("a", phase="Unknown")),
    (pod("b", phase="Unknown"), pod("a")),
    (pod("b"), pod("a", ready=OLD)),
    (pod("b", ready=OLD, cost="-5"), pod("a", ready=NEW)),
    (pod("b", ready=OLD), pod("a", ready=NEW, cost="5")),
    (pod("b", ready=NEW), pod("a", ready=OLD)),
    (pod("b", ready=OLD, restarts=3), pod("a", ready=OLD)),
    (pod("b", ready=OLD, created=NEWER), pod("a", ready=OLD)),
    (pod("a", ready=OLD), pod("b", ready=OLD)),
    (pod("a", ready=OLD, cost="nonsense"), pod("b", ready=OLD)),
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_order_of_deletion(first, second):
    for pods in ([first, second], [second, first]):
        assert [p.metadata.name for p in rank(pods, [], NOW)] == [first.metadata.name, second.metadata.name]


def test_crowded_nodes_give_first():
    pods = [pod("a", node="n1", ready=OLD), pod("b", node="n2", ready=OLD)]
    others = [*pods, pod("c", node="n2"), pod("d", node="n2")]
    assert [p.metadata.name for p in rank(pods, others, NOW)] == ["b", "a"]


@pytest.mark.parametrize(
    ("have", "want", "create", "delete"), [(0, 3, 3, 0), (3, 3, 0, 0), (5, 2, 0, 3), (0, 900, 500, 0)]
)
def test_changes(have, want, create, delete):
    change = plan([pod(f"p{i}") for i in range(have)], want, [], NOW)
    assert (change.create, len(change.delete)) == (create, delete)


def test_counts():
    pods = [
        pod("a", ready=OLD, labels={"app": "web", "v": "1"}),
        pod("b", ready="2024-01-01T23:59:40Z", labels={"app": "web"}),
        pod("c", labels={"app": "web", "v": "1"}),
    ]
    ending = pod("d", deleted=NEW)
    found = count(pods, [*pods, ending], Selector.of({"app": "web", "v": "1"}), 60, NOW)
    assert (found.replicas, found.fully_labeled, found.ready, found.available, found.terminating) == (3, 2, 2, 1, 1)
    assert found.next_available == 40.0
