"""The order of discovery."""

from __future__ import annotations

import pytest
from tests.apiserver.conftest import CATALOG

from steersman.apiserver.aggregator.priorities import CUSTOM, Priority, arrange, builtin, name_of, registered


@pytest.mark.parametrize(
    ("group", "version", "expected"),
    [
        ("", "v1", (18000, 1)),
        ("apps", "v1", (17800, 15)),
        ("autoscaling", "v2", (17500, 30)),
        ("autoscaling", "v1", (17500, 15)),
        ("policy", "v1beta1", (17100, 9)),
        ("coordination.k8s.io", "v1alpha2", (16500, 12)),
        ("node.k8s.io", "v1alpha1", (16300, 1)),
    ],
)
def test_builtin(group: str, version: str, expected: tuple[int, int]) -> None:
    assert builtin(group, version) == expected


def test_every_group_version_of_our_own_can_be_registered() -> None:
    keys = {(s.resource.group, s.resource.version) for s in CATALOG.served}
    found = registered(keys)
    assert "v1." in found
    assert "v1.apiregistration.k8s.io" not in found
    for key, priority in found.values():
        assert 0 < priority.group <= 20000, key
        assert 0 < priority.version <= 1000, key


def test_without_apiservices_groups_are_where_kubernetes_has_them() -> None:
    own = CATALOG.groups(all_versions=True)
    groups = {g: dict.fromkeys(versions, 0) for g, versions in reversed(own.items())}
    found = arrange({**groups, "b.io": {"v1": 0}, "a.io": {"v1beta1": 0, "v2": 0, "v10": 0}, "empty": {}}, {})
    names = list(found)
    assert names[:4] == ["", "apiregistration.k8s.io", "apps", "events.k8s.io"]
    assert names[names.index("flowcontrol.apiserver.k8s.io") :][:5] == [
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "resource.k8s.io",
        "storagemigration.k8s.io",
        "lifecycle.k8s.io",
    ]
    assert names[names.index("lifecycle.k8s.io") + 1 :][:2] == ["a.io", "b.io"]
    assert list(found["a.io"]) == ["v10", "v2", "v1beta1"]
    assert "empty" not in found
    for group, versions in own.items():
        assert list(found[group]) == list(versions)


def test_apiservices_decide() -> None:
    groups = {"apps": {"v1": 0}, "b.io": {"v1": 0, "v2": 0}, "": {"v1": 0}, "apiregistration.k8s.io": {"v1": 0}}
    told = {("b.io", "v1"): Priority(20000, 500), ("b.io", "v2"): CUSTOM}
    found = arrange(groups, told)
    assert list(found) == ["", "apiregistration.k8s.io", "b.io", "apps"]
    assert list(found["b.io"]) == ["v1", "v2"]


def test_name_of() -> None:
    assert (name_of(("", "v1")), name_of(("a.io", "v1"))) == ("v1.", "v1.a.io")
