"""Names that are accepted or taken, and conditions."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.apiextensions import crd_status
from steersman.kinds.apiextensions.crd_status import Condition
from steersman.kinds.apiextensions.customresourcedefinition import KIND
from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinition


def crd(accepted: dict[str, Any] | None = None, group: str = "a.example", **names: Any) -> CustomResourceDefinition:
    given: dict[str, Any] = {"spec": {"group": group, "names": {"plural": "foos", "kind": "Foo", **names}}}
    obj = codec.from_builtins(CustomResourceDefinition, given)[0]
    KIND.default(obj)
    if accepted is not None:
        obj.status.acceptedNames = codec.from_builtins(type(obj.spec.names), accepted)[0]
    return obj


ALL = {"plural": "foos", "singular": "foo", "kind": "Foo", "listKind": "FooList"}


def test_free_names_are_accepted() -> None:
    new = crd(shortNames=["f"], categories=["all"])
    names, accepted = crd_status.accept_names(new, [new, crd(ALL, group="b.example")])
    assert names == new.spec.names
    assert accepted == Condition("NamesAccepted", "True", "NoConflicts", "no conflicts found")


@pytest.mark.parametrize(
    ("names", "reason", "message", "left"),
    [
        ({"plural": "foos"}, "PluralConflict", '"foos" is already in use', {"plural": ""}),
        ({"plural": "bars", "singular": "foo"}, "SingularConflict", '"foo" is already in use', {"singular": ""}),
        ({"plural": "bars", "singular": "bar", "shortNames": ["foo", "b"]}, "ShortNamesConflict", '"foo" is already in use', {}),
        ({"plural": "bars", "singular": "bar", "kind": "FooList"}, "KindConflict", '"FooList" is already in use', {"kind": ""}),
        (
            {"plural": "bars", "singular": "bar", "kind": "Bar", "listKind": "FooList"},
            "ListKindConflict",
            '"FooList" is already in use',
            {"listKind": ""},
        ),
    ],
)  # fmt: skip
def test_taken_names_are_not(names: dict[str, Any], reason: str, message: str, left: dict[str, Any]) -> None:
    given = {"kind": "Bar", **names}
    found, accepted = crd_status.accept_names(crd(**given), [crd(ALL)])
    assert (accepted.status, accepted.reason, accepted.message) == ("False", reason, message)
    for name, value in left.items():
        assert getattr(found, name) == value
    assert found.shortNames is None


def test_own_names_are_kept() -> None:
    mine = crd({**ALL, "shortNames": ["f"]}, shortNames=["f", "g"])
    names, accepted = crd_status.accept_names(mine, [mine])
    assert accepted.status == "True"
    assert names.shortNames == ["f", "g"]


def test_conditions() -> None:
    obj = crd()
    first = Condition("Established", "False", "Installing", "x")
    crd_status.set_condition(obj, first, "2020-01-01T00:00:00Z")
    crd_status.set_condition(obj, first._replace(message="y"), "2021-01-01T00:00:00Z")
    found = crd_status.find(obj, "Established")
    assert found is not None
    assert (found.message, found.lastTransitionTime) == ("y", "2020-01-01T00:00:00Z")
    crd_status.set_condition(obj, crd_status.ESTABLISHED_NOW, "2022-01-01T00:00:00Z")
    assert crd_status.is_served(obj)
    assert found.lastTransitionTime == "2022-01-01T00:00:00Z"
    assert crd_status.says(obj, crd_status.ESTABLISHED_NOW)


def test_establishment() -> None:
    good = Condition("NamesAccepted", "True", "", "")
    bad = Condition("NamesAccepted", "False", "", "")
    obj = crd()
    assert crd_status.establishment(obj, good) == Condition(
        "Established", "False", "Installing", "the initial names have been accepted"
    )
    assert crd_status.establishment(obj, bad) == Condition(
        "Established", "False", "NotAccepted", "not all names are accepted"
    )
    crd_status.set_condition(obj, crd_status.ESTABLISHED_NOW, "")
    assert crd_status.establishment(obj, bad) is None


def test_the_first_deletion_marks() -> None:
    obj = crd()
    assert KIND.blockers(obj) == (crd_status.CLEANUP,)
    obj.metadata.deletionTimestamp = "2020-01-01T00:00:00Z"
    KIND.on_delete(obj)
    assert obj.metadata.finalizers == [crd_status.CLEANUP]
    assert crd_status.is_terminating(obj)
    KIND.on_delete(obj)
    assert obj.metadata.finalizers == [crd_status.CLEANUP]
    obj.metadata.finalizers = None
    assert KIND.blockers(obj) == ()
