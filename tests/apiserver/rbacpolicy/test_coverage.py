"""Which rights of one set of rules another lacks: upstream's cases, and a simple model against the quick answer."""

from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.apiserver.authz import Rule
from steersman.apiserver.rbacpolicy.coverage import MOST, describe, missing


def rule(verbs: str, groups: str, resources: str, names: str = "") -> Rule:
    return Rule(
        tuple(verbs.split()), tuple(groups.split()), tuple(resources.split()), tuple(names.split()) if names else ()
    )


def paths(verbs: str, urls: str) -> Rule:
    return Rule(tuple(verbs.split()), paths=tuple(urls.split()))


@pytest.mark.parametrize(
    ("owned", "wanted", "lacking"),
    [
        ([rule("get", "v1", "builds")], [rule("get", "v1", "builds")], []),
        ([rule("get", "v1", "*/scale")], [rule("get", "v1", "foo/scale")], []),
        ([rule("get", "v1", "*/scale")], [rule("get", "v1", "foo/status")], [rule("get", "v1", "foo/status")]),
        ([rule("get", "v1", "foo")], [rule("get", "v1", "foo/scale")], [rule("get", "v1", "foo/scale")]),
        (
            [
                rule("delete", "v1", "deployments"),
                rule("delete", "v1", "builds"),
                rule("update", "v1", "builds deployments"),
            ],
            [rule("delete update", "v1", "builds deployments")],
            [],
        ),
        (
            [rule("delete update", "v1", "builds deployments"), rule("delete", "v1", "pods")],
            [rule("delete update", "v1", "builds deployments pods")],
            [rule("update", "v1", "pods")],
        ),
        ([rule("get", "*", "roles")], [rule("get", "g1 g2", "roles")], []),
        ([rule("get", "g1", "roles")], [rule("get", "*", "roles")], [rule("get", "*", "roles")]),
        ([rule("*", "g1", "roles")], [rule("get list", "g1", "roles")], []),
        ([rule("get list", "g1", "roles")], [rule("*", "g1", "roles")], [rule("*", "g1", "roles")]),
        ([rule("get", "g1", "*")], [rule("get", "g1", "roles/x")], []),
        ([rule("get", "g1", "roles")], [rule("get", "g1", "*")], [rule("get", "g1", "*")]),
        ([rule("get", "g1", "roles", "a b")], [rule("get", "g1", "roles", "a")], []),
        ([rule("get", "g1", "roles")], [rule("get", "g1", "roles", "a")], []),
        ([rule("get", "g1", "roles", "a")], [rule("get", "g1", "roles")], [rule("get", "g1", "roles")]),
        (
            [rule("get", "g1", "roles", "a")],
            [rule("get list", "g1", "roles", "a b")],
            [rule("list", "g1", "roles", "a"), rule("get list", "g1", "roles", "b")],
        ),
        ([paths("get", "/foo /bar")], [paths("get", "/foo")], []),
        ([paths("get", "/apis/*")], [paths("get", "/apis/x /apis/")], []),
        ([paths("get", "/apis/*")], [paths("get", "/apis")], [paths("get", "/apis")]),
        ([paths("get", "/apis/x")], [paths("get", "/apis/*")], [paths("get", "/apis/*")]),
        ([paths("*", "*")], [paths("get post", "/x *")], []),
        ([paths("get", "/a/**")], [paths("get", "/a/b")], []),
        ([rule("*", "*", "*")], [paths("get", "/x")], [paths("get", "/x")]),
        ([], [rule("create get list", "g", "r")], [rule("create get list", "g", "r")]),
        # The order of verbs is that of the rule, whatever is held elsewhere.
        ([rule("get", "h", "r")], [rule("create get list", "g", "r")], [rule("create get list", "g", "r")]),
        # What several rules want of one resource is told as one.
        ([], [rule("get", "g", "r"), rule("list get", "g", "r")], [rule("get list", "g", "r")]),
        ([rule("get", "g", "r")], [], []),
    ],
)
def test_missing(owned: list[Rule], wanted: list[Rule], lacking: list[Rule]) -> None:
    assert sorted(map(describe, missing(owned, wanted))) == sorted(map(describe, lacking))


def test_describe() -> None:
    assert describe(rule("get list", "apps", "deployments")) == (
        '{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}'
    )
    core = Rule(("get",), ("",), ("secrets",), ("a",))
    assert describe(core) == '{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get"]}'
    assert describe(paths("get", "/x")) == '{NonResourceURLs:["/x"], Verbs:["get"]}'


_words = st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=3).map(tuple)
_resources = st.lists(st.sampled_from(["r", "s", "*", "r/x", "*/x"]), min_size=1, max_size=3).map(tuple)
_names = st.lists(st.sampled_from(["m", "n"]), max_size=2).map(tuple)
_rules = st.builds(Rule, _words, _words, _resources, _names)


def _covered(owned: list[Rule], verb: str, group: str, resource: str, name: str | None) -> bool:
    return any(
        ("*" in o.verbs or verb in o.verbs)
        and ("*" in o.groups or group in o.groups)
        and (
            "*" in o.resources
            or resource in o.resources
            or ("/" in resource and f"*/{resource.split('/', 1)[1]}" in o.resources)
        )
        and (not o.names or name in o.names)
        for o in owned
    )


@given(st.lists(_rules, max_size=4), st.lists(_rules, max_size=3))
def test_it_is_what_breaking_rules_down_gives(owned: list[Rule], wanted: list[Rule]) -> None:
    model = {
        (verb, group, resource, name)
        for w in wanted
        for verb, group, resource, name in product(w.verbs, w.groups, w.resources, w.names or (None,))
        if not _covered(owned, verb, group, resource, name)
    }
    found = {
        (verb, group, resource, name)
        for m in missing(owned, wanted)
        for verb, group, resource, name in product(m.verbs, m.groups, m.resources, m.names or (None,))
    }
    assert found == model


def test_a_rule_that_stands_for_too_much_is_answered_soon() -> None:
    many = tuple(f"x{i}" for i in range(20_000))
    bomb = Rule(many, many, many, many)
    edit = [rule("get list watch create", f"g{i} ", f"r{i} s{i}") for i in range(200)]
    before = time.process_time()
    assert not missing([rule("*", "*", "*")], [bomb])
    found = missing(edit, [bomb])
    assert sum(len(f.verbs) for f in found) == MOST
    assert time.process_time() - before < 2
