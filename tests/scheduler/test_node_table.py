"""The arrays count what a naive recount counts, whatever happens to nodes and pods in whatever order."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.scheduler.builders import container, node, pod, table, taint

from steersman.api import codec
from steersman.kinds.types.core_v1 import Pod
from steersman.scheduler.node_table import NodeTable
from steersman.scheduler.pod_info import amount, describe

NAMES = st.sampled_from(["a", "b", "c"])
UIDS = st.sampled_from([f"u{i}" for i in range(6)])
REQUESTS = st.sampled_from(
    [{}, {"cpu": "1"}, {"memory": "1Gi"}, {"cpu": "250m", "example.com/gpu": "1"}, {"example.com/odd": "3"}]
)


class Accounting(RuleBasedStateMachine):
    """Two books of the same events: the table, and plain dicts."""

    def __init__(self):
        super().__init__()
        self.table = NodeTable()
        self.nodes = {}
        self.placed = {}

    @rule(name=NAMES, cpu=st.sampled_from(["1", "8"]), gpu=st.sampled_from([None, "4"]), tainted=st.booleans())
    def set_node(self, name, cpu, gpu, tainted):
        self.nodes[name] = node(name, cpu=cpu, taints=[taint()] if tainted else [], **{"example.com/gpu": gpu})
        self.table.set_node(self.nodes[name])

    @rule(name=NAMES)
    def remove_node(self, name):
        self.nodes.pop(name, None)
        self.table.remove_node(name)

    @rule(uid=UIDS, name=NAMES, requests=REQUESTS, port=st.booleans())
    def set_pod(self, uid, name, requests, port):
        ports = [{"containerPort": 80, "hostPort": 80}] if port else []
        made = pod(uid=uid, node=name, containers=[{**container(**requests), "ports": ports}])
        self.placed[uid] = (name, describe(made))
        self.table.set_pod(made)

    @rule(uid=UIDS)
    def same_pod_again(self, uid):
        if uid in self.placed and self.placed[uid][1].pod.spec.nodeName:
            self.table.set_pod(self.placed[uid][1].pod)

    @rule(uid=UIDS, name=NAMES, requests=REQUESTS)
    def assume(self, uid, name, requests):
        if uid not in self.placed:
            self.placed[uid] = (name, describe(pod(uid=uid, requests=requests)))
            self.table.assume(self.placed[uid][1], name)

    @rule(uid=UIDS)
    def remove_pod(self, uid):
        self.placed.pop(uid, None)
        self.table.remove_pod(uid)

    @rule(uid=UIDS, phase=st.sampled_from(["Succeeded", "Failed"]))
    def end_pod(self, uid, phase):
        if uid in self.placed:
            name, _ = self.placed.pop(uid)
            self.table.set_pod(pod(uid=uid, node=name, phase=phase))

    @invariant()
    def books_agree(self):
        t = self.table
        assert set(t.row_of) == set(self.nodes)
        assert len(t) == int(t.valid.sum()) == len(self.nodes)
        for name, row in t.row_of.items():
            here = [info for where, info in self.placed.values() if where == name]
            assert t.pod_count[row] == len(here)
            allocatable = self.nodes[name].status.allocatable
            for resource, column in t.columns.items():
                assert t.requested[row, column] == sum(i.requests.get(resource, 0) for i in here)
                assert t.allocatable[row, column] == amount(resource, allocatable.get(resource, "0"))
            assert t.nonzero[row].tolist() == [sum(i.nonzero[k] for i in here) for k in (0, 1)]
            ports = [p for i in here for p in i.host_ports]
            assert t.host_ports.get(row, {}) == {p: ports.count(p) for p in ports}
            taints = t.taint_classes[t.taint_class[row]]
            assert list(taints) == (self.nodes[name].spec.taints or [])
        for uid, (name, _) in self.placed.items():
            assert t.node_of(uid) == (name if name in self.nodes else None)


Accounting.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestAccounting = Accounting.TestCase


def test_grows():
    made = table(*(node(f"n{i}") for i in range(100)))
    assert len(made) == 100
    assert made.allocatable.shape[0] >= 100
    assert int(made.valid.sum()) == 100


def test_rows_are_used_again():
    made = table(node("a"), node("b"))
    row = made.row_of["a"]
    made.remove_node("a")
    made.set_node(node("c"))
    assert made.row_of["c"] == row
    assert made.names[row] == "c"


def test_resizes_under_way_count_with_the_greater():
    """Also in the table, which hears of them by the pod's status."""
    made = pod(node="n", containers=[container(cpu="1")])
    name = made.spec.containers[0].name
    status = {"name": name, "image": "x", "imageID": "x", "ready": True, "restartCount": 0}
    resized, _ = codec.from_builtins(
        Pod,
        {
            **codec.to_builtins(made),
            "status": {"containerStatuses": [{**status, "resources": {"requests": {"cpu": "3"}}}]},
        },
    )
    assert describe(resized).requests == {"cpu": 3000}
    table = NodeTable()
    table.set_node(node("n"))
    for state, expected in ((made, 1000), (resized, 3000), (made, 1000)):
        table.set_pod(state)
        assert table.requested[table.row_of["n"], table.column("cpu")] == expected
