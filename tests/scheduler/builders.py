"""Nodes and pods for the scheduler's tests, in the words of manifests."""

import itertools

from steersman.api import codec
from steersman.kinds.types.core_v1 import Node, Pod
from steersman.scheduler.node_table import NodeTable
from steersman.scheduler.pod_info import describe

_uids = itertools.count(1)


def node(name="n", cpu="4", memory="8Gi", pods="110", labels=None, taints=(), unschedulable=None, **more):
    allocatable = {"cpu": cpu, "memory": memory, "pods": pods, **more}
    plain = {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"taints": list(taints), "unschedulable": unschedulable},
        "status": {"allocatable": {k: v for k, v in allocatable.items() if v is not None}},
    }
    return codec.from_builtins(Node, plain)[0]


def container(**requests):
    return {"name": "c", "image": "i", "resources": {"requests": requests}}


def pod(name="p", *, node="", uid="", phase="", requests=None, metadata=None, **spec):
    plain = {
        "metadata": {"name": name, "namespace": "default", "uid": uid or f"uid-{next(_uids)}", **(metadata or {})},
        "spec": {"containers": [container(**(requests or {}))], "nodeName": node, **spec},
        "status": {"phase": phase},
    }
    return codec.from_builtins(Pod, plain)[0]


def info(*args, **fields):
    return describe(pod(*args, **fields))


def table(*nodes):
    made = NodeTable()
    for each in nodes:
        made.set_node(each)
    return made


def taint(key="k", value="v", effect="NoSchedule"):
    return {"key": key, "value": value, "effect": effect}


def passing(plugin, pod_info, nodes):
    """Names of the nodes that a filter lets pass, and the reasons for the others."""
    made = table(*nodes)
    failures = plugin.filter(pod_info, made)
    out = {name for f in failures for name, row in made.row_of.items() if f.nodes[row]}
    reasons = {f.reason for f in failures if (f.nodes & made.valid).any()}
    return [n for n in made.row_of if n not in out], reasons


def scores(plugin, pod_info, nodes, running=()):
    """A plugin's score of each node, by name."""
    made = table(*nodes)
    for each in running:
        made.set_pod(each)
    found = plugin.score(pod_info, made, made.valid)
    return {name: int(found[row]) for name, row in made.row_of.items()}
