"""Measures what a question about rights costs: RBAC with thousands of roles and bindings, nothing remembered; and the pods of
all nodes as the Node authorizer knows them.

python benchmarks/authorization.py [--objects 5000] [--questions 20000] [--pods 150000] [--nodes 5000]
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import msgspec

from steersman.api.http import User
from steersman.apiserver.authorizers.node import NodeAuthorizer
from steersman.apiserver.authz import Attributes, Authorizer
from steersman.apiserver.cached import Cached, describe_metadata
from steersman.apiserver.rbac import PREFIX, RBAC
from steersman.apiserver.rbacpolicy import policy
from steersman.apiserver.requestinfo import RequestInfo
from steersman.store.protocol import Event

RESOURCES = ("pods", "pods/log", "services", "configmaps", "secrets", "deployments", "jobs", "widgets", "gadgets", "*")
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "*")
API_GROUPS = ("", "apps", "batch", "example.com", "*")
NAMESPACES, PEOPLE, TEAMS = 200, 2000, 500


def event(plural: str, namespace: str, name: str, body: object) -> Event:
    path = "/".join(part for part in (plural, namespace, name) if part)
    return Event(PREFIX + path, 1, msgspec.json.encode(body), None, 0)


def objects(count: int, rng: random.Random) -> list[Event]:
    """`count` objects, half of them bindings, each with up to 12 subjects: every tenth one holds in all namespaces."""
    found: list[Event] = []
    for number in range(count // 2):
        namespace = "" if number % 10 == 0 else f"ns-{number % NAMESPACES}"
        kind = "cluster" if not namespace else ""
        rules = [
            {
                "verbs": rng.sample(VERBS[:-1], rng.randint(1, 4)),
                "apiGroups": [rng.choice(API_GROUPS[:-1])],
                "resources": rng.sample(RESOURCES[:-1], rng.randint(1, 3)),
                **({"resourceNames": [f"n{number}"]} if rng.random() < 0.2 else {}),
            }
            for _ in range(rng.randint(1, 5))
        ]
        subjects = [
            {"kind": "Group", "name": f"team-{rng.randrange(TEAMS)}"}
            if rng.random() < 0.5
            else {"kind": "User", "name": f"person-{rng.randrange(PEOPLE)}"}
            for _ in range(rng.randint(1, 12))
        ]
        name = f"r-{number}"
        ref = {"kind": "ClusterRole" if kind else "Role", "name": name}
        found.append(event(f"{kind}roles", namespace, name, {"rules": rules}))
        found.append(event(f"{kind}rolebindings", namespace, name, {"roleRef": ref, "subjects": subjects}))
    return found


def questions(count: int, rng: random.Random) -> list[Attributes]:
    """Of users in 30 groups, most of them about what one namespace has."""
    found = []
    for _ in range(count):
        groups = tuple(f"team-{rng.randrange(TEAMS)}" for _ in range(29))
        user = User(f"person-{rng.randrange(PEOPLE)}", (*groups, "system:authenticated"))
        resource, _, part = rng.choice(RESOURCES[:-1]).partition("/")
        namespace = f"ns-{rng.randrange(NAMESPACES)}" if rng.random() < 0.9 else ""
        asked = Attributes(
            user, rng.choice(VERBS[:-1]), True, rng.choice(API_GROUPS[:-1]), resource, part, namespace, "x"
        )
        found.append(asked)
    return found


def times(ask: Callable[[Attributes], object], asked: list[Attributes]) -> list[float]:
    """Microseconds of each."""
    found = []
    for one in asked:
        start = time.perf_counter()
        ask(one)
        found.append((time.perf_counter() - start) * 1e6)
    return found


def show(what: str, found: list[float]) -> None:
    ordered = sorted(found)
    p99 = ordered[int(len(ordered) * 0.99)]
    print(f"{what:<66} {statistics.median(ordered):8.1f} µs median {p99:8.1f} µs p99")


def measure_rbac(count: int, asking: int) -> None:
    rng = random.Random(1)
    rbac = RBAC(lambda plural: ())
    rbac.decide(Attributes(User("x"), "get"))
    written = [*objects(count, rng), *defaults()]
    rbac.changed(written)
    start = time.perf_counter()
    rbac.decide(Attributes(User("x"), "get"))
    print(f"{len(written):,} objects taken over in {(time.perf_counter() - start) * 1e3:.0f} ms")
    asked = questions(asking, rng)
    decisions = [rbac.decide(one).allowed for one in asked]
    allowed = [one for one, yes in zip(asked, decisions, strict=True) if yes]
    refused = [one for one, yes in zip(asked, decisions, strict=True) if not yes]
    print(f"{len(asked):,} questions of users in 30 groups, {len(allowed) / len(asked):.0%} of them allowed")
    show("RBAC, nothing remembered", times(rbac.decide, asked))
    show("… allowed, with the binding that is the reason", times(rbac.decide, allowed))
    show("… refused", times(rbac.decide, refused))
    changes = []
    for _ in range(500):
        rbac.changed([rng.choice(written)])
        start = time.perf_counter()
        rbac.decide(asked[0])
        changes.append((time.perf_counter() - start) * 1e6)
    show("the first question after one object has changed", changes)
    measure_requests(rbac, allowed)


def measure_requests(rbac: RBAC, allowed: list[Attributes]) -> None:
    """The way of requests, which remembers."""
    authorizer = Authorizer([rbac], lambda: rbac.generation)
    one = next(a for a in allowed if rbac.decide(a).general)
    info = RequestInfo("", one.verb, True, one.group, "v1", one.namespace, one.resource, one.name, one.subresource)
    authorizer.admit(info, one.user)
    show("a request like one before", times(lambda a: authorizer.admit(info, one.user), allowed[:2000]))


def defaults() -> list[Event]:
    """The roles and bindings that every cluster has."""
    found = []
    for obj in policy.objects():
        plural = type(obj).__resource__.plural
        found.append(event(plural, obj.metadata.namespace, obj.metadata.name, obj))
    return found


def measure_nodes(pods: int, nodes: int) -> None:
    stored = {f"{n}": pod(n, nodes) for n in range(pods)}

    class Objects:
        def get(self, group: str, plural: str, namespace: str, name: str) -> Cached | None:
            return stored.get(name.removeprefix("pod-")) if plural == "pods" else None

        def list(self, group: str, plural: str) -> list[Cached]:
            return list(stored.values())

    node = NodeAuthorizer(Objects())
    gc.collect()
    tracemalloc.start()
    start = time.perf_counter()
    node.decide(question(0, "secret-0"))
    built = time.perf_counter() - start
    gc.collect()
    each = tracemalloc.get_traced_memory()[0] / pods
    tracemalloc.stop()
    print(f"{pods:,} pods on {nodes:,} nodes: known by node after {built:.2f} s (traced), {each:.0f} bytes a pod")
    for number in range(nodes):
        node.decide(question(number, f"secret-{number}"))
    asked = [question(n % nodes, f"secret-{n % nodes}") for n in range(20_000)]
    assert all(node.decide(a).allowed for a in asked)
    show("a node reads a secret of a pod of its own", times(node.decide, asked))
    show("a node reads another one's", times(node.decide, [replace(a, name="secret-none") for a in asked]))


def pod(number: int, nodes: int) -> Cached:
    node = number % nodes
    spec = {
        "nodeName": f"node-{node}",
        "serviceAccountName": "default",
        "volumes": [{"name": "s", "secret": {"secretName": f"secret-{node}"}}],
        "containers": [{"name": "web", "image": "example/web:v1", "env": [{"name": "A", "value": "x" * 400}]}],
    }
    name = f"pod-{number}"
    value = msgspec.json.encode({"kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec})
    return Cached(f"/registry/core/pods/default/{name}", "default", name, 1, value, describe_metadata)


def question(number: int, secret: str) -> Attributes:
    user = User(f"system:node:node-{number}", ("system:nodes", "system:authenticated"))
    return Attributes(user, "get", True, "", "secrets", "", "default", secret)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=5000)
    parser.add_argument("--questions", type=int, default=20_000)
    parser.add_argument("--pods", type=int, default=150_000)
    parser.add_argument("--nodes", type=int, default=5000)
    given = parser.parse_args()
    measure_rbac(given.objects, given.questions)
    measure_nodes(given.pods, given.nodes)


if __name__ == "__main__":
    main()
