"""Role-based access control gives the answers of its definition, whatever was written in whatever order."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steersman.api.http import User
from steersman.apiserver.authz import Attributes, Rule, path_fits
from steersman.apiserver.rbac import _MOST_NOTED, PREFIX, RBAC
from steersman.apiserver.rbac_index import _WIDEST
from steersman.store.protocol import Event

NAMES = ("a", "b", "c")
SPACES = ("x", "y")
VERBS = ("get", "list", "*")
GROUPS = ("", "apps", "*")
RESOURCES = ("pods", "pods/log", "*/log", "maps", "*")
PATHS = ("/a", "/a/*", "/*", "*", "/a/b", "/b**")
ACCOUNT = "system:serviceaccount:"

texts = st.sampled_from
some = st.lists


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    verbs = draw(some(texts(VERBS), min_size=1, max_size=2))
    if draw(st.booleans()):
        return {"verbs": verbs, "nonResourceURLs": draw(some(texts(PATHS), min_size=1, max_size=2))}
    rule: dict[str, Any] = {
        "verbs": verbs,
        "apiGroups": draw(some(texts(GROUPS), min_size=1, max_size=2)),
        "resources": draw(some(texts(RESOURCES), min_size=1, max_size=2)),
    }
    if draw(st.booleans()):
        rule["resourceNames"] = draw(some(texts(("n", "m", "")), min_size=1, max_size=2))
    return rule


subjects = st.one_of(
    st.builds(lambda n: {"kind": "User", "name": n}, texts((*NAMES, f"{ACCOUNT}x:a"))),
    st.builds(lambda n: {"kind": "Group", "name": n}, texts(NAMES)),
    st.builds(lambda n, s: {"kind": "ServiceAccount", "name": n, "namespace": s}, texts(NAMES), texts((*SPACES, ""))),
)
refs = st.builds(lambda k, n: {"kind": k, "name": n}, texts(("Role", "ClusterRole")), texts(NAMES))
Key = tuple[str, str, str]


@st.composite
def writes(draw: st.DrawFn) -> tuple[Key, dict[str, Any] | None]:
    """An object as it is written; None for one that is deleted."""
    plural = draw(texts(("roles", "clusterroles", "rolebindings", "clusterrolebindings")))
    namespace = "" if plural.startswith("cluster") else draw(texts(SPACES))
    key = (plural, namespace, draw(texts(NAMES)))
    if draw(st.integers(0, 4)) == 0:
        return key, None
    if "bindings" in plural:
        return key, {"roleRef": draw(refs), "subjects": draw(some(subjects, max_size=3))}
    return key, {"rules": draw(some(rules(), max_size=3))}


users = st.builds(
    User,
    texts((*NAMES, *(f"{ACCOUNT}{s}:{n}" for s in SPACES for n in NAMES))),
    st.lists(texts(NAMES), max_size=3).map(tuple),
)
asked = st.one_of(
    st.builds(
        lambda user, verb, group, resource, part, namespace, name: Attributes(
            user, verb, True, group, resource, part, namespace, name
        ),
        users,
        texts(("get", "list", "delete")),
        texts(("", "apps", "batch")),
        texts(("pods", "maps", "other")),
        texts(("", "log", "exec")),
        texts((*SPACES, "")),
        texts(("n", "m", "o", "")),
    ),
    st.builds(
        lambda user, path: Attributes(user, "get", False, path=path), users, texts(("/a", "/a/b", "/b", "/bc", "/"))
    ),
)


@dataclass
class Naive:
    """The definition: every binding, every subject, every rule."""

    objects: dict[Key, dict[str, Any]]

    def allowed(self, a: Attributes) -> bool:
        for (plural, namespace, _), body in self.objects.items():
            if plural == "rolebindings" and (namespace != a.namespace or not a.is_resource):
                continue
            bound = "bindings" in plural and any(self.is_subject(s, namespace, a.user) for s in body["subjects"])
            if bound and any(self.allows(r, a) for r in self.rules_of(body["roleRef"], namespace)):
                return True
        return False

    @staticmethod
    def is_subject(subject: dict[str, Any], namespace: str, user: User) -> bool:
        if subject["kind"] == "User":
            return bool(subject["name"] == user.name)
        if subject["kind"] == "Group":
            return subject["name"] in user.groups
        home = subject["namespace"] or namespace
        return bool(home) and user.name == f"{ACCOUNT}{home}:{subject['name']}"

    def rules_of(self, ref: dict[str, Any], namespace: str) -> list[dict[str, Any]]:
        if ref["kind"] == "Role" and not namespace:
            return []
        key = ("roles", namespace, ref["name"]) if ref["kind"] == "Role" else ("clusterroles", "", ref["name"])
        found: list[dict[str, Any]] = self.objects.get(key, {"rules": []})["rules"]
        return found

    @staticmethod
    def allows(rule: dict[str, Any], a: Attributes) -> bool:
        if not {a.verb, "*"} & set(rule["verbs"]):
            return False
        if not a.is_resource:
            return any(path_fits(p, a.path) for p in rule.get("nonResourceURLs", ()))
        resources = {"*", a.full_resource} | ({f"*/{a.subresource}"} if a.subresource else set())
        return (
            bool({a.group, "*"} & set(rule.get("apiGroups", ())))
            and bool(resources & set(rule.get("resources", ())))
            and ("resourceNames" not in rule or a.name in rule["resourceNames"])
        )


def event(key: Key, body: dict[str, Any] | None) -> Event:
    path = PREFIX + "/".join(part for part in key if part)
    return Event(path, 1, b"" if body is None else json.dumps(body).encode(), None, 0)


@settings(max_examples=300, deadline=None)
@given(st.lists(writes(), max_size=12), st.lists(asked, min_size=1, max_size=8), st.integers(0, 12))
def test_answers_are_those_of_the_definition(written: list[Any], questions: list[Attributes], pause: int) -> None:
    rbac, naive = RBAC(lambda plural: ()), Naive({})
    rbac.decide(questions[0])
    for place, (key, body) in enumerate(written):
        rbac.changed([event(key, body)])
        if body is None:
            naive.objects.pop(key, None)
        else:
            naive.objects[key] = body
        if place == pause:
            for question in questions:
                assert rbac.decide(question).allowed is naive.allowed(question)
    for question in questions:
        decision = rbac.decide(question)
        assert decision.allowed is naive.allowed(question), question
        if decision.general:
            # What is remembered of it must hold for every name.
            for name in ("n", "zzz", ""):
                assert naive.allowed(Attributes(question.user, question.verb, True, question.group, question.resource,
                                                question.subresource, question.namespace, name))  # fmt: skip
    # Nothing is left behind of what is gone.
    for key in list(naive.objects):
        rbac.changed([event(key, None)])
    assert not rbac.decide(questions[0]).allowed
    left = (rbac._roles, rbac._bindings, rbac._absent, rbac._local, rbac._rights._resources, rbac._rights._named)
    assert not any(left), left
    assert not rbac._everywhere


JOE = User("joe", ("g",))


def stored(*objects: tuple[Key, dict[str, Any]]) -> RBAC:
    rbac = RBAC(lambda plural: ())
    rbac.decide(Attributes(JOE, "get"))
    rbac.changed([event(key, body) for key, body in objects])
    return rbac


def binding(role: str, *who: dict[str, str], kind: str = "ClusterRole") -> dict[str, Any]:
    return {"roleRef": {"kind": kind, "name": role}, "subjects": list(who)}


def test_reasons() -> None:
    group, user = {"kind": "Group", "name": "g"}, {"kind": "User", "name": "joe"}
    everything = {"rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}
    rbac = stored(
        (("clusterroles", "", "all"), everything),
        (("clusterrolebindings", "", "z"), binding("all", group)),
        (("clusterrolebindings", "", "y"), binding("all", {"kind": "User", "name": "x"}, user, group)),
        (("rolebindings", "ns", "q"), binding("gone", user, kind="Role")),
        (("clusterrolebindings", "", "p"), binding("lost", user)),
    )
    asked = Attributes(JOE, "get", True, "", "pods", "", "ns")
    assert rbac.decide(asked).reason == 'RBAC: allowed by ClusterRoleBinding "y" of ClusterRole "all" to User "joe"'
    rbac.changed([event(("clusterroles", "", "all"), {"rules": []})])
    assert rbac.decide(asked).reason == (
        'RBAC: [clusterrole.rbac.authorization.k8s.io "lost" not found, role.rbac.authorization.k8s.io "gone" not found]'
    )
    assert rbac.rules(JOE, "ns").errors == [
        'clusterrole.rbac.authorization.k8s.io "lost" not found',
        'role.rbac.authorization.k8s.io "gone" not found',
    ]
    assert rbac.rules_of("clusterroles", "", "all") == ()
    assert rbac.rules_of("clusterroles", "", "lost") is None


@pytest.mark.parametrize("asked", ["r7", "r999", "other"])
def test_a_rule_for_very_many_rights_is_not_spread_out(asked: str) -> None:
    wide = [f"r{n}" for n in range(1000)]
    assert len(wide) * 10 > _WIDEST
    rule = {"verbs": ["get"], "apiGroups": [f"g{n}" for n in range(10)], "resources": wide}
    rbac = stored(
        (("clusterroles", "", "wide"), {"rules": [rule]}),
        (("clusterrolebindings", "", "b"), binding("wide", {"kind": "User", "name": "joe"})),
    )
    assert rbac.decide(Attributes(JOE, "get", True, "g3", asked)).allowed is (asked != "other")
    assert not rbac.decide(Attributes(User("jane"), "get", True, "g3", asked)).allowed
    assert not rbac._rights._resources
    rbac.changed([event(("clusterroles", "", "wide"), None)])
    assert not rbac.decide(Attributes(JOE, "get", True, "g3", asked)).allowed


def test_where_nobody_asks_little_is_kept() -> None:
    rbac = stored()
    for number in range(_MOST_NOTED + 1):
        rbac.changed([event(("roles", "x", f"r{number}"), None)])
    assert rbac._changed is None
    assert not rbac.decide(Attributes(JOE, "get")).allowed
    assert rbac._changed == {}


def test_many_paths() -> None:
    rule = {"verbs": ["get"], "nonResourceURLs": [f"/p{n}/*" for n in range(100)]}
    rbac = stored(
        (("clusterroles", "", "r"), {"rules": [rule]}),
        (("clusterrolebindings", "", "b"), binding("r", {"kind": "Group", "name": "g"})),
    )
    for path, allowed in (
        ("/p7/x", True),
        ("/p99/", True),
        ("/p7", False),
        ("/q/x", False),
        ("/p1" + "x" * 300, False),
    ):
        assert rbac.decide(Attributes(JOE, "get", False, path=path)).allowed is allowed
    assert rbac.rules(JOE, "").rules == [Rule(("get",), paths=tuple(rule["nonResourceURLs"]))]


def test_what_cannot_be_read_gives_no_rights_and_hides_nothing(caplog: pytest.LogCaptureFixture) -> None:
    everything = {"rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}
    joe = {"kind": "User", "name": "joe"}
    rbac = stored(
        (("clusterroles", "", "all"), everything),
        (("clusterrolebindings", "", "b"), binding("all", joe)),
        (("clusterroles", "", "other"), everything),
        (("clusterrolebindings", "", "c"), binding("other", {"kind": "User", "name": "jane"})),
    )
    asked, jane = Attributes(JOE, "get", resource="pods"), Attributes(User("jane"), "get", resource="pods")
    assert rbac.decide(asked).allowed
    broken = event(("clusterroles", "", "all"), {"rules": "none"})
    # What follows it counts all the same.
    rbac.changed([broken, event(("clusterrolebindings", "", "c"), None)])
    assert not rbac.decide(asked).allowed
    assert not rbac.decide(jane).allowed
    assert "all cannot be read" in caplog.text
    rbac.changed([event(("clusterroles", "", "all"), everything)])
    assert rbac.decide(asked).allowed
    rbac.changed([event(("clusterrolebindings", "", "b"), {"subjects": "none"})])
    assert not rbac.decide(asked).allowed
