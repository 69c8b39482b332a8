"""Authorizers that look at no object: all, nothing, and the policies of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from steersman.api.configuration import ConfigurationError
from steersman.api.http import User
from steersman.apiserver.authorizers import abac
from steersman.apiserver.authorizers.abac import ABAC
from steersman.apiserver.authorizers.modes import AlwaysAllow, AlwaysDeny
from steersman.apiserver.authz import Attributes, Authorizer, Rule

JOE = User("joe", ("team", "system:authenticated"))
POLICIES = """
# Comments and empty lines are left out.
{"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy", "spec": {"user": "joe", "namespace": "a", "resource": "pods", "apiGroup": "*"}}
{"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy", "spec": {"group": "team", "namespace": "*", "resource": "maps", "apiGroup": "", "readonly": true}}
{"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy", "spec": {"user": "*", "nonResourcePath": "/v*", "readonly": true}}
{"user": "old", "readonly": true, "namespace": "b"}
"""


@pytest.mark.parametrize(
    ("user", "verb", "group", "resource", "namespace", "allowed"),
    [
        (JOE, "delete", "", "pods", "a", True),
        (JOE, "delete", "apps", "pods", "a", True),
        (JOE, "delete", "", "pods", "b", False),
        (JOE, "get", "", "maps", "b", True),
        (JOE, "update", "", "maps", "b", False),
        (JOE, "get", "apps", "maps", "b", False),
        (User("jane", ("team",)), "get", "", "pods", "a", False),
        (User("old"), "list", "any", "thing", "b", True),
        (User("old"), "create", "any", "thing", "b", False),
        (User("old"), "list", "any", "thing", "c", False),
    ],
)
def test_policies(
    tmp_path: Path, user: User, verb: str, group: str, resource: str, namespace: str, allowed: bool
) -> None:
    file = tmp_path / "policies"
    file.write_text(POLICIES)
    decision = ABAC(abac.read(file)).decide(Attributes(user, verb, True, group, resource, "", namespace))
    assert decision.allowed is allowed
    assert allowed or decision.reason == "No policy matched."


def test_paths_and_rules(tmp_path: Path) -> None:
    file = tmp_path / "policies"
    file.write_text(POLICIES)
    authorizer = ABAC(abac.read(file))
    for user, path, allowed in ((JOE, "/version", True), (JOE, "/x", False), (User("nobody"), "/version", False)):
        assert authorizer.decide(Attributes(user, "get", False, path=path)).allowed is allowed
    assert authorizer.rules(JOE, "a").rules == [
        Rule(("*",), ("*",), ("pods",)),
        Rule(("get", "list", "watch"), ("",), ("maps",)),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"kind": "Policy"}',
        '{"users": "joe"}',
        '{"apiVersion": "abac.authorization.kubernetes.io/v2", "kind": "Policy"}',
    ],
)
def test_mistakes_name_the_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "policies"
    file.write_text(f"\n{line}\n")
    with pytest.raises(ConfigurationError, match=f"error reading policy file {file}, line 2: "):
        abac.read(file)


def test_all_and_nothing() -> None:
    asked = Attributes(JOE, "get", resource="pods")
    nothing = Authorizer([AlwaysDeny("no")], lambda: 0)
    decision = nothing.decide(asked)
    assert decision is not None
    assert (decision.allowed, decision.reason) == (False, "no: Everything is forbidden.")
    both = Authorizer([AlwaysDeny("no"), AlwaysAllow("yes")], lambda: 0).decide(asked)
    assert both is not None
    assert both.allowed
    root = nothing.decide(Attributes(User("root", ("system:masters",)), "get", resource="pods"))
    assert root is not None
    assert root.allowed
