"""Which nodes each plugin rules out, and in which words."""

import pytest
from tests.scheduler.builders import container, info, node, passing, pod, table, taint

from steersman.scheduler.plugins import (
    node_affinity,
    node_name,
    node_ports,
    node_resources_fit,
    node_unschedulable,
    taint_toleration,
)

TOLERATES_ALL = [{"operator": "Exists"}]


@pytest.mark.parametrize(
    ("tolerations", "expected"),
    [
        ([], ["b"]),
        (TOLERATES_ALL, ["a", "b"]),
        ([{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}], ["a", "b"]),
        ([{"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoExecute"}], ["b"]),
    ],
)
def test_node_unschedulable(tolerations, expected):
    found, reasons = passing(
        node_unschedulable.PLUGIN, info(tolerations=tolerations), [node("a", unschedulable=True), node("b")]
    )
    assert found == expected
    assert reasons == ({"node(s) were unschedulable"} if len(expected) == 1 else set())


@pytest.mark.parametrize(("wanted", "expected"), [("", ["a", "b"]), ("b", ["b"]), ("gone", [])])
def test_node_name(wanted, expected):
    found, reasons = passing(node_name.PLUGIN, info(node=wanted), [node("a"), node("b")])
    assert found == expected
    assert reasons <= {"node(s) didn't match the requested node name"}


@pytest.mark.parametrize(
    ("toleration", "covered"),
    [
        ({"key": "k", "operator": "Equal", "value": "v"}, True),
        ({"key": "k", "value": "v"}, True),
        ({"key": "k", "value": "other"}, False),
        ({"key": "other", "value": "v"}, False),
        ({"key": "k", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists", "effect": "NoSchedule"}, True),
        ({"key": "k", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "k", "operator": "Unknown", "value": "v"}, False),
        ({"key": "k", "operator": "Gt", "value": "5"}, False),
    ],
)
def test_taint_toleration(toleration, covered):
    nodes = [node("a", taints=[taint()]), node("b")]
    found, reasons = passing(taint_toleration.PLUGIN, info(tolerations=[toleration]), nodes)
    assert found == (["a", "b"] if covered else ["b"])
    assert reasons == (set() if covered else {"node(s) had untolerated taint(s)"})


@pytest.mark.parametrize(
    ("operator", "limit", "value", "covered"),
    [("Gt", "5", "6", True), ("Gt", "5", "5", False), ("Lt", "5", "4", True), ("Lt", "5", "x", False)],
)
def test_numeric_tolerations(operator, limit, value, covered):
    nodes = [node("a", taints=[taint(value=value)])]
    wanted = info(tolerations=[{"key": "k", "operator": operator, "value": limit}])
    assert passing(taint_toleration.PLUGIN, wanted, nodes)[0] == (["a"] if covered else [])


@pytest.mark.parametrize(
    ("effect", "passes"), [("NoSchedule", False), ("NoExecute", False), ("PreferNoSchedule", True)]
)
def test_effects_that_rule_out(effect, passes):
    found, _ = passing(taint_toleration.PLUGIN, info(), [node("a", taints=[taint(effect=effect)])])
    assert found == (["a"] if passes else [])


def test_every_taint_must_be_tolerated():
    nodes = [node("a", taints=[taint("x"), taint("y")])]
    wanted = info(tolerations=[{"key": "x", "operator": "Exists"}])
    assert passing(taint_toleration.PLUGIN, wanted, nodes)[0] == []


NODES = [
    node("a", labels={"disk": "ssd", "size": "10", "kubernetes.io/hostname": "a"}),
    node("b", labels={"disk": "hdd", "size": "x"}),
    node("c"),
]


def required(*terms):
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}}


def term(key, operator, *values, fields=False):
    requirement = {"key": key, "operator": operator, "values": list(values)}
    return {"matchFields" if fields else "matchExpressions": [requirement]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, "abc"),
        ({"nodeSelector": {"disk": "ssd"}}, "a"),
        ({"nodeSelector": {"disk": "ssd", "size": "11"}}, ""),
        ({"affinity": required(term("disk", "In", "ssd", "hdd"))}, "ab"),
        ({"affinity": required(term("disk", "NotIn", "ssd"))}, "bc"),
        ({"affinity": required(term("disk", "Exists"))}, "ab"),
        ({"affinity": required(term("disk", "DoesNotExist"))}, "c"),
        ({"affinity": required(term("size", "Gt", "9"))}, "a"),
        ({"affinity": required(term("size", "Gt", "10"))}, ""),
        ({"affinity": required(term("size", "Lt", "11"))}, "a"),
        ({"affinity": required(term("size", "Lt", "1_1"))}, ""),
        ({"affinity": required(term("metadata.name", "In", "b", fields=True))}, "b"),
        ({"affinity": required(term("metadata.name", "NotIn", "b", fields=True))}, "ac"),
        # Terms are alternatives, the requirements of one all count, and a term without any matches nothing.
        ({"affinity": required(term("disk", "In", "ssd"), term("metadata.name", "In", "c", fields=True))}, "ac"),
        (
            {
                "affinity": required(
                    {"matchExpressions": [*term("disk", "Exists")["matchExpressions"], *term("size", "Gt", "1")["matchExpressions"]]}
                )
            },
            "a",
        ),
        ({"affinity": required({})}, ""),
        ({"affinity": required(term("disk", "Exists")), "nodeSelector": {"disk": "hdd"}}, "b"),
    ],
)  # fmt: skip
def test_node_affinity(spec, expected):
    found, reasons = passing(node_affinity.PLUGIN, info(**spec), NODES)
    assert found == list(expected)
    assert reasons == ({"node(s) didn't match Pod's node affinity/selector"} if len(expected) < 3 else set())


def port(number=80, protocol="TCP", address=""):
    return {"containerPort": number, "hostPort": number, "protocol": protocol, "hostIP": address}


@pytest.mark.parametrize(
    ("used", "wanted", "free"),
    [
        (port(), port(81), True),
        (port(), port(), False),
        (port(), port(protocol="UDP"), True),
        (port(address="127.0.0.1"), port(address="10.0.0.1"), True),
        (port(address="127.0.0.1"), port(address="127.0.0.1"), False),
        (port(address="127.0.0.1"), port(), False),
        (port(), port(address="127.0.0.1"), False),
        (port(address="0.0.0.0"), port(address="127.0.0.1"), False),
    ],
)
def test_node_ports(used, wanted, free):
    made = table(node("a"), node("b"))
    made.set_pod(pod(node="a", containers=[{**container(), "ports": [used]}]))
    (failure,) = node_ports.PLUGIN.filter(info(containers=[{**container(), "ports": [wanted]}]), made)
    assert failure.nodes[made.row_of["a"]] != free
    assert not failure.nodes[made.row_of["b"]]
    assert failure.reason == "node(s) didn't have free ports for the requested pod ports"


def test_ports_are_free_again():
    made = table(node("a"))
    running = pod(node="a", containers=[{**container(), "ports": [port()]}])
    made.set_pod(running)
    made.remove_pod(running.metadata.uid)
    wanted = info(containers=[{**container(), "ports": [port()]}])
    assert not any(f.nodes.any() for f in node_ports.PLUGIN.filter(wanted, made))


@pytest.mark.parametrize(
    ("requests", "reasons"),
    [
        ({"cpu": "4"}, set()),
        ({"cpu": "4001m"}, {"Insufficient cpu"}),
        ({"cpu": "5", "memory": "9Gi"}, {"Insufficient cpu", "Insufficient memory"}),
        ({"ephemeral-storage": "1"}, {"Insufficient ephemeral-storage"}),
        ({"example.com/gpu": "1"}, {"Insufficient example.com/gpu"}),
        ({"example.com/gpu": "0"}, set()),
        ({}, set()),
    ],
)
def test_resources(requests, reasons):
    assert passing(node_resources_fit.PLUGIN, info(requests=requests), [node("a")])[1] == reasons


def test_what_runs_is_taken():
    made = table(node("a", pods="2", **{"example.com/gpu": "1"}))
    made.set_pod(pod(node="a", requests={"cpu": "3", "example.com/gpu": "1"}))

    def reasons(**requests):
        return {f.reason for f in node_resources_fit.PLUGIN.filter(info(requests=requests), made) if f.nodes[0]}

    assert reasons(cpu="1") == set()
    assert reasons(cpu="1001m") == {"Insufficient cpu"}
    assert reasons(**{"example.com/gpu": "1"}) == {"Insufficient example.com/gpu"}
    made.set_pod(pod(node="a"))
    assert reasons() == {"Too many pods"}
