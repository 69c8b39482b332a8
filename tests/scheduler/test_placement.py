"""Choosing a node: messages, ties, and agreement with a scheduler that looks at one node after the other."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scheduler import oracle
from tests.scheduler.builders import container, info, node, table, taint

from steersman.scheduler.framework import discover
from steersman.scheduler.node_table import NodeTable
from steersman.scheduler.placement import place

PLUGINS = discover()


def test_no_nodes():
    found = place(info(), NodeTable(), PLUGINS)
    assert (found.node, found.message) == ("", "no nodes available to schedule pods")


def test_message_counts_nodes_by_reason():
    nodes = [
        node("a", unschedulable=True),
        node("b", taints=[taint()]),
        node("c", cpu="1"),
        node("d", cpu="1", memory="1"),
    ]
    found = place(info(requests={"cpu": "2", "memory": "2"}), table(*nodes), PLUGINS)
    assert found.node == ""
    assert found.message == (
        "0/4 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint(s), "
        "1 node(s) were unschedulable, 2 Insufficient cpu."
    )
    assert found.rejected_by == {"NodeUnschedulable", "TaintToleration", "NodeResourcesFit"}


def test_a_node_counts_under_the_first_plugin_that_rules_it_out():
    found = place(info(requests={"cpu": "99"}), table(node("a", unschedulable=True, taints=[taint()])), PLUGINS)
    assert found.reasons == {"node(s) were unschedulable": 1}


def test_equal_nodes_take_turns():
    made = table(*(node(n) for n in "abc"))
    chosen = []
    for _ in range(6):
        pod = info()
        name = place(pod, made, PLUGINS).node
        made.assume(pod, name)
        made.placements[made.row_of[name]] += 1
        chosen.append(name)
    assert sorted(chosen[:3]) == sorted(chosen[3:]) == ["a", "b", "c"]


def test_the_same_question_has_the_same_answer():
    pod = info(uid="fixed")
    assert len({place(pod, table(*(node(f"n{i}") for i in range(20))), PLUGINS).node for _ in range(3)}) == 1


LABELS = st.dictionaries(st.sampled_from(["zone", "disk"]), st.sampled_from(["x", "y"]), max_size=2)
TAINTS = st.lists(
    st.builds(
        taint,
        st.sampled_from(["k", "l"]),
        st.just("v"),
        st.sampled_from(["NoSchedule", "NoExecute", "PreferNoSchedule"]),
    ),
    max_size=2,
    unique_by=lambda t: (t["key"], t["effect"]),
)
TOLERATIONS = st.lists(
    st.fixed_dictionaries(
        {"operator": st.just("Exists")},
        optional={
            "key": st.sampled_from(["k", "l"]),
            "effect": st.sampled_from(["NoSchedule", "NoExecute", "PreferNoSchedule"]),
        },
    ),
    max_size=2,
)
NODES = st.lists(
    st.fixed_dictionaries(
        {
            "cpu": st.sampled_from(["1", "2500m", "4", None]),
            "memory": st.sampled_from(["1Gi", "3000000000", "8Gi"]),
            "pods": st.sampled_from(["1", "3", "110"]),
            "labels": LABELS,
            "taints": TAINTS,
            "unschedulable": st.sampled_from([None, None, True]),
        },
        optional={"example.com/gpu": st.sampled_from(["0", "2"])},
    ),
    min_size=1,
    max_size=6,
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from(["0", "1m", "700m", "1", "3"]),
        "memory": st.sampled_from(["1", "300Mi", "2Gi"]),
        "example.com/gpu": st.sampled_from(["0", "1"]),
        "ephemeral-storage": st.just("1Gi"),
    },
)
TERM = st.builds(
    lambda key, op, value: {
        "matchExpressions": [{"key": key, "operator": op, "values": [value] if "n" in op.lower() else []}]
    },
    st.sampled_from(["zone", "disk"]),
    st.sampled_from(["In", "NotIn"]),
    st.sampled_from(["x", "y"]),
)
AFFINITY = st.fixed_dictionaries(
    {},
    optional={
        "requiredDuringSchedulingIgnoredDuringExecution": st.builds(
            lambda terms: {"nodeSelectorTerms": terms}, st.lists(TERM, min_size=1, max_size=2)
        ),
        "preferredDuringSchedulingIgnoredDuringExecution": st.lists(
            st.builds(lambda w, t: {"weight": w, "preference": t}, st.integers(1, 100), TERM), max_size=2
        ),
    },
)
PODS = st.lists(
    st.fixed_dictionaries(
        {"requests": REQUESTS, "tolerations": TOLERATIONS, "affinity": AFFINITY, "port": st.sampled_from([0, 0, 80])}
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(NODES, PODS)
def test_agrees_with_the_oracle_and_never_overcommits(nodes, pods):
    made = [node(f"n{i}", **fields) for i, fields in enumerate(nodes)]
    arrays, plain = table(*made), [oracle.OracleNode(n) for n in made]
    for i, wanted in enumerate(pods):
        ports = [{"containerPort": wanted["port"], "hostPort": wanted["port"]}] if wanted["port"] else []
        pod = info(
            uid=f"u{i}",
            containers=[{**container(**wanted["requests"]), "ports": ports}],
            tolerations=wanted["tolerations"],
            affinity={"nodeAffinity": wanted["affinity"]},
        )
        found = place(pod, arrays, PLUGINS)
        name, counts = oracle.place(pod, plain)
        assert found.node == (name or "")
        if not name:
            assert found.reasons == counts
            continue
        row = arrays.row_of[name]
        arrays.assume(pod, name)
        arrays.placements[row] += 1
        asked = [arrays.column(name) for name, amount in pod.requests.items() if amount]
        assert (arrays.requested[row] <= arrays.allocatable[row])[asked].all()
        assert arrays.pod_count[row] <= arrays.allocatable[row, arrays.columns["pods"]]
