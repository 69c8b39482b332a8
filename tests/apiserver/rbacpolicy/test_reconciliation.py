"""What is done to stored roles and bindings: what is missing is added, what is more is kept, who opted out is left alone."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.api import codec
from steersman.apiserver.rbacpolicy.reconciliation import Verdict, migrated, reconciled
from steersman.kinds.types.rbac_v1 import ClusterRole, ClusterRoleBinding

AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
GROUP = "rbac.authorization.k8s.io"


def role(*rules: tuple[str, str], labels: dict[str, str] | None = None, update: str = "true", **fields: Any) -> Any:
    plain = {
        "metadata": {"name": "r", "labels": labels or {}, "annotations": {AUTOUPDATE: update} if update else {}},
        "rules": [{"verbs": v.split(), "apiGroups": [""], "resources": r.split()} for v, r in rules],
        **fields,
    }
    return codec.from_builtins(ClusterRole, plain)[0]


def binding(*users: str, to: str = "r", update: str = "true") -> Any:
    plain = {
        "metadata": {"name": "b", "annotations": {AUTOUPDATE: update} if update else {}},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": to},
        "subjects": [{"kind": "User", "name": user, "apiGroup": GROUP} for user in users],
    }
    return codec.from_builtins(ClusterRoleBinding, plain)[0]


def collecting(*labels: str) -> dict[str, Any]:
    return {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {label: "true"}} for label in labels]}}


@pytest.mark.parametrize(
    ("existing", "expected", "verdict", "result"),
    [
        (role(("get", "pods")), role(("get", "pods")), Verdict.KEEP, role(("get", "pods"))),
        (
            role(("get", "pods")),
            role(("get list", "pods")),
            Verdict.UPDATE,
            role(("get", "pods"), ("list", "pods")),
        ),
        # What it covers by other words, or beyond, is as good.
        (role(("*", "*")), role(("get list", "pods")), Verdict.KEEP, role(("*", "*"))),
        (role(), role(("get", "pods")), Verdict.UPDATE, role(("get", "pods"))),
        (role(("get", "pods"), update="false"), role(("list", "pods")), Verdict.KEEP, None),
        (role(("get", "pods"), update=""), role(("get", "pods")), Verdict.UPDATE, role(("get", "pods"))),
        (
            role(labels={"a": "mine", "c": "d"}),
            role(labels={"a": "theirs", "b": "new"}),
            Verdict.UPDATE,
            role(labels={"a": "mine", "b": "new", "c": "d"}),
        ),
        (role(**collecting("x")), role(**collecting("x")), Verdict.KEEP, None),
        (role(**collecting("x")), role(**collecting("y")), Verdict.UPDATE, role(**collecting("x", "y"))),
        (role(), role(**collecting("y")), Verdict.UPDATE, role(**collecting("y"))),
        (role(**collecting("x")), role(), Verdict.UPDATE, role()),
        (binding("a"), binding("a"), Verdict.KEEP, None),
        (binding("a", "b"), binding("a"), Verdict.KEEP, None),
        (binding("b"), binding("a"), Verdict.UPDATE, binding("b", "a")),
        (binding(), binding("a"), Verdict.UPDATE, binding("a")),
        (binding("a", to="x"), binding("a"), Verdict.RECREATE, binding("a")),
        (binding("b", to="x", update=""), binding("a"), Verdict.RECREATE, binding("a")),
        (binding("b", to="x", update="false"), binding("a"), Verdict.KEEP, None),
    ],
)
def test_reconciled(existing: Any, expected: Any, verdict: Verdict, result: Any) -> None:
    before = codec.encode(existing)
    found, new = reconciled(existing, expected)
    assert found is verdict
    assert codec.encode(existing) == before
    wanted = codec.to_builtins(existing if result is None else result)
    got = codec.to_builtins(new)
    for plain in (wanted, got):
        for name in ("labels", "annotations"):
            plain["metadata"].setdefault(name, {})
    assert got == wanted
    # It comes to rest.
    if verdict is Verdict.UPDATE:
        assert reconciled(new, expected)[0] is Verdict.KEEP


def test_rules_of_a_role_that_becomes_a_sum_move_to_a_part_of_it() -> None:
    before = role(("get", "widgets"), labels={"a": "b"})
    before.metadata.uid, before.metadata.resourceVersion = "u", "7"
    part = migrated(before, "system:aggregate-to-view")
    assert part.rules == before.rules
    assert (part.metadata.name, part.metadata.uid, part.metadata.resourceVersion) == (
        "system:aggregate-to-view",
        "",
        "",
    )
    assert part.metadata.labels == {"a": "b"}
