"""Every role and binding of the beginning is served as two tables say, row by row, and no other is: `defaults.tsv` has those of
Kubernetes 1.37, `ours.tsv` what comes on top."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from steersman.api import codec
from steersman.apiserver.rbacpolicy import policy
from steersman.testing import Cluster

_RULES = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_ANNOTATIONS = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
_GROUP = "rbac.authorization.k8s.io"
Row = tuple[str, ...]


def _table(name: str) -> tuple[Row, ...]:
    return tuple(tuple(line.split("\t")) for line in Path(__file__).with_name(name).read_text().splitlines())


EXPECTED, OURS = _table("defaults.tsv"), _table("ours.tsv")


def _words(values: list[str] | None) -> str:
    return " ".join(value or '""' for value in values or ()) or "-"


def _rows(plain: dict[str, Any]) -> Iterator[Row]:
    meta = plain["metadata"]
    at = (plain["kind"], meta.get("namespace", "-"), meta["name"])
    for label, value in meta.get("labels", {}).items():
        if label not in _LABELS:
            assert value == "true"
            yield (*at, "label", label)
    for selector in (plain.get("aggregationRule") or {}).get("clusterRoleSelectors", ()):
        ((label, value),) = selector["matchLabels"].items()
        assert value == "true"
        yield (*at, "aggregates", label)
    for rule in plain.get("rules") or ():
        yield (*at, "rule", *(_words(rule.get(name)) for name in _RULES))
    if "roleRef" in plain:
        ref = plain["roleRef"]
        assert ref["apiGroup"] == _GROUP
        yield (*at, "to", f"{ref['kind']}/{ref['name']}")
    for subject in plain.get("subjects") or ():
        assert subject.get("apiGroup", "") == ("" if subject["kind"] == "ServiceAccount" else _GROUP)
        yield (*at, "subject", subject["kind"], subject.get("namespace", "-"), subject["name"])


@pytest.fixture
async def served() -> AsyncIterator[list[dict[str, Any]]]:
    """All four kinds as a client reads them, before any controller has added them up."""
    found: list[dict[str, Any]] = []
    async with Cluster(nodes=0, controllers=False, scheduler=False) as cluster:
        for plural in ("clusterroles", "roles", "clusterrolebindings", "rolebindings"):
            response = await cluster.client.request("GET", f"/apis/{_GROUP}/v1/{plural}")
            body = codec.parse(bytes(response.body))
            found += [{"kind": body["kind"].removesuffix("List"), **item} for item in body["items"]]
        yield found


def _place(plain: dict[str, Any]) -> tuple[str, str, str]:
    return plain["kind"], plain["metadata"].get("namespace", "-"), plain["metadata"]["name"]


def _is_ours(plain: dict[str, Any]) -> bool:
    return not _LABELS.items() <= plain["metadata"].get("labels", {}).items()


async def test_every_row_is_served_and_no_other(served: list[dict[str, Any]]) -> None:
    rows = [row for plain in served if not _is_ours(plain) for row in _rows(plain)]
    assert sorted(rows) == sorted(EXPECTED)


async def test_what_kubernetes_has_not_is_what_the_other_table_says(served: list[dict[str, Any]]) -> None:
    rows = [row for plain in served if _is_ours(plain) for row in _rows(plain)]
    assert sorted(rows) == sorted(OURS)


async def test_rules_are_in_their_order(served: list[dict[str, Any]]) -> None:
    for plain in served:
        place = (plain["kind"], plain["metadata"].get("namespace", "-"), plain["metadata"]["name"])
        assert [r for r in _rows(plain) if r[3] == "rule"] == [
            r for r in EXPECTED + OURS if r[:3] == place and r[3] == "rule"
        ]


async def test_objects_are_marked(served: list[dict[str, Any]]) -> None:
    for plain in served:
        assert plain["metadata"]["annotations"] == _ANNOTATIONS


@pytest.mark.parametrize("obj", list(policy.objects()), ids=lambda obj: f"{obj.kind}/{obj.metadata.name}")
def test_what_is_declared_is_valid(obj: Any) -> None:
    from steersman.kinds import catalog

    resource = obj.__resource__
    served = catalog.load().find(resource.group, resource.version, resource.plural)
    assert served is not None
    assert not served.kind.validate(obj)


def test_no_binding_is_to_a_role_that_is_not_there() -> None:
    declared = {(o.kind, o.metadata.namespace, o.metadata.name) for o in policy.objects()}
    for obj in policy.objects():
        if hasattr(obj, "roleRef"):
            namespace = obj.metadata.namespace if obj.roleRef.kind == "Role" else ""
            assert (obj.roleRef.kind, namespace, obj.roleRef.name) in declared
