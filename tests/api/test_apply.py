"""Server-side apply on plain values: the documented cases as a table, and its laws."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.typed_samples import DOCUMENTS, SCHEMA

from steersman.api import fieldset
from steersman.api.apply import (
    Applied,
    Conflicts,
    Document,
    Manager,
    Owned,
    Owners,
    apply,
    merge,
    remove,
    settled,
    update,
)
from steersman.api.typed import Node
from steersman.api.typed_walk import added_fields, fields_of

V1 = "example/v1"


class OneVersion:
    def schema(self, version: str) -> Node | None:
        return SCHEMA if version == V1 else None

    def convert(self, document: Document, source: str, target: str) -> Document:
        raise AssertionError("one version only")


class TwoVersions:
    """In v2 `text` is called `count`'s neighbour: there both are kept in `labels`."""

    def schema(self, version: str) -> Node | None:
        return SCHEMA if version in (V1, "example/v2") else None

    def convert(self, document: Document, source: str, target: str) -> Document:
        out = dict(document)
        if source == V1 and "text" in out:
            out["labels"] = {**(out.get("labels") or {}), "text": out.pop("text")}
        elif source != V1 and "text" in (out.get("labels") or {}):
            labels = dict(out["labels"])
            out["text"] = labels.pop("text")
            out["labels"] = labels
            if not labels:
                del out["labels"]
        return out


ONE = OneVersion()


class Cluster:
    """One object and its owners, under writes of several managers."""

    def __init__(self, document: Document | None = None, versions: Any = ONE) -> None:
        self.document: Document = document or {}
        self.owners: Owners = {}
        self.versions = versions

    def apply(self, name: str, config: Document, *, force: bool = False, version: str = V1) -> Applied:
        me = Manager(name, "Apply")
        done = apply(self.document, config, version, self.owners, me, self.versions, force=force)
        self.document, self.owners = done
        return done

    def update(self, name: str, new: Document, version: str = V1) -> None:
        me = Manager(name, "Update", version)
        left, written = update(self.document, new, version, self.owners, me, self.versions)
        if written:
            mine = left[me].fields if me in left else fieldset.LEAF
            left[me] = Owned(fieldset.union(mine, written), version)
        self.document, self.owners = new, left

    def owned(self, name: str) -> set[str]:
        return {
            fieldset.describe(path)
            for manager, owned in self.owners.items()
            if manager.name == name
            for path in fieldset.paths(owned.fields)
        }


def conflicts(cluster: Cluster, name: str, config: Document) -> list[tuple[str, str]]:
    with pytest.raises(Conflicts) as caught:
        cluster.apply(name, config)
    return [(c.manager.name, fieldset.describe(c.path)) for c in caught.value.found]


def test_first_apply() -> None:
    cluster = Cluster()
    cluster.apply("a", {"count": 1, "labels": {"x": "1"}})
    assert cluster.document == {"count": 1, "labels": {"x": "1"}}
    assert cluster.owned("a") == {".count", ".labels.x"}


def test_conflict_with_an_update_and_force() -> None:
    cluster = Cluster()
    cluster.apply("a", {"count": 1, "text": "x"})
    cluster.update("scaler", {**cluster.document, "count": 3})
    assert (cluster.owned("a"), cluster.owned("scaler")) == ({".text"}, {".count"})
    assert conflicts(cluster, "a", {"count": 1, "text": "x"}) == [("scaler", ".count")]
    assert cluster.document["count"] == 3
    cluster.apply("a", {"count": 1, "text": "x"}, force=True)
    assert cluster.document["count"] == 1
    assert (cluster.owned("a"), cluster.owned("scaler")) == ({".text", ".count"}, set())


def test_handing_a_field_over() -> None:
    """The documentation's case: the applier states the scaler's value, then leaves the field to it."""
    cluster = Cluster()
    cluster.apply("a", {"count": 1, "text": "x"})
    cluster.apply("scaler", {"count": 3}, force=True)
    cluster.apply("a", {"count": 3, "text": "x"})
    assert cluster.owned("a") == {".text", ".count"}
    cluster.apply("a", {"text": "x"})
    assert cluster.document == {"count": 3, "text": "x"}
    assert (cluster.owned("a"), cluster.owned("scaler")) == ({".text"}, {".count"})
    cluster.apply("scaler", {})
    assert cluster.document == {"text": "x"}


def test_shared_fields_stay_until_the_last_owner_goes() -> None:
    cluster = Cluster()
    cluster.apply("a", {"labels": {"x": "1"}})
    cluster.apply("b", {"labels": {"x": "1"}})
    cluster.apply("a", {})
    assert cluster.document == {"labels": {"x": "1"}}
    cluster.apply("b", {})
    assert not cluster.document.get("labels")


def test_an_update_keeps_what_an_applier_drops() -> None:
    cluster = Cluster()
    cluster.apply("a", {"count": 1, "text": "x"})
    cluster.update("b", {**cluster.document, "count": 2})
    cluster.apply("a", {"text": "x"})
    assert cluster.document == {"count": 2, "text": "x"}


def test_what_nobody_owns_stays() -> None:
    cluster = Cluster({"flag": True, "labels": {"x": "1"}})
    cluster.apply("a", {"labels": {"y": "1", "z": "1"}, "count": 1})
    cluster.apply("a", {"labels": {"y": "1"}})
    assert cluster.document == {"flag": True, "labels": {"x": "1", "y": "1"}}


def test_a_dropped_part_takes_its_defaults_along() -> None:
    """What the server has filled in below a part that only its applier wanted goes with the part."""
    cluster = Cluster()
    cluster.apply("a", {"nested": {"text": "x"}, "count": 1})
    cluster.document = {**cluster.document, "nested": {"text": "x", "flag": True}}
    cluster.apply("a", {"count": 1})
    assert cluster.document == {"count": 1}


def test_a_dropped_part_stays_where_others_own_some_of_it() -> None:
    cluster = Cluster()
    cluster.apply("a", {"nested": {"text": "x"}})
    cluster.update("b", {"nested": {"text": "x", "count": 1}})
    cluster.apply("a", {})
    assert cluster.document == {"nested": {"count": 1}}


def test_several_conflicts_read_by_manager() -> None:
    cluster = Cluster()
    cluster.update("x", {"count": 1, "items": [{"name": "a", "image": "i"}]})
    cluster.apply("y", {"text": "t"})
    with pytest.raises(Conflicts) as caught:
        cluster.apply("a", {"count": 2, "items": [{"name": "a", "image": "j"}], "text": "u"})
    assert str(caught.value) == (
        "Apply failed with 3 conflicts: "
        f'conflicts with "x" using {V1}:\n- .count\n- .items[name="a"].image\n'
        'conflicts with "y":\n- .text'
    )
    assert caught.value.fields == {"f:count": {}, "f:items": {'k:{"name":"a"}': {"f:image": {}}}, "f:text": {}}


def test_one_conflict_reads_in_one_line() -> None:
    cluster = Cluster()
    cluster.owners = {Manager("hpa", "Update", V1, "scale"): Owned({"f:count": {}}, V1)}
    cluster.document = {"count": 1}
    with pytest.raises(Conflicts) as caught:
        cluster.apply("a", {"count": 2})
    assert str(caught.value) == (
        f'Apply failed with 1 conflict: conflict with "hpa" with subresource "scale" using {V1}: .count'
    )


def test_atomic_parts_have_one_owner() -> None:
    cluster = Cluster()
    cluster.apply("a", {"selector": {"x": "1"}, "args": ["1"], "ref": {"kind": "K"}})
    assert conflicts(cluster, "b", {"selector": {"y": "1"}, "args": ["2"], "ref": {"name": "n"}}) == [
        ("a", ".args"), ("a", ".ref"), ("a", ".selector"),
    ]  # fmt: skip
    cluster.apply("b", {"selector": {"y": "1"}, "ref": {"name": "n"}}, force=True)
    assert cluster.document == {"selector": {"y": "1"}, "args": ["1"], "ref": {"name": "n"}}


def test_items_of_a_keyed_list() -> None:
    cluster = Cluster()
    cluster.apply("a", {"items": [{"name": "one", "image": "i"}]})
    cluster.apply("b", {"items": [{"name": "two", "image": "j"}, {"name": "one", "args": ["x"]}]})
    assert cluster.document == {"items": [{"name": "two", "image": "j"}, {"name": "one", "image": "i", "args": ["x"]}]}
    cluster.apply("b", {"items": [{"name": "one", "args": ["x"]}]})
    assert cluster.document == {"items": [{"name": "one", "image": "i", "args": ["x"]}]}
    cluster.apply("a", {})
    assert cluster.document == {"items": [{"name": "one", "args": ["x"]}]}


def test_keys_with_defaults() -> None:
    live = {"items": [{"name": "a", "ports": [{"port": 80, "protocol": "TCP"}]}]}
    cluster = Cluster(live)
    cluster.apply("a", {"items": [{"name": "a", "ports": [{"port": 80, "name": "http"}]}]})
    assert cluster.document["items"][0]["ports"] == [{"port": 80, "protocol": "TCP", "name": "http"}]


def test_sets() -> None:
    cluster = Cluster()
    cluster.apply("a", {"tags": ["x", "y"]})
    cluster.apply("b", {"tags": ["y", "z"]})
    assert cluster.document == {"tags": ["x", "y", "z"]}
    cluster.apply("a", {})
    assert cluster.document == {"tags": ["y", "z"]}


def test_removal_by_an_update_is_nobodys_conflict() -> None:
    cluster = Cluster()
    cluster.apply("a", {"count": 1, "labels": {"x": "1"}})
    cluster.update("b", {"count": 1})
    assert cluster.owned("a") == {".count"}
    cluster.apply("a", {"count": 1, "labels": {"x": "1"}})
    assert cluster.document == {"count": 1, "labels": {"x": "1"}}


def test_null_takes_a_value_away() -> None:
    cluster = Cluster({"count": 1})
    cluster.apply("a", {"count": None})
    assert cluster.document == {"count": None}
    assert cluster.owned("a") == {".count"}


def test_repeated_live_items_are_replaced() -> None:
    cluster = Cluster({"tags": ["x", "x", "y"], "items": [{"name": "a", "image": "1"}, {"name": "a", "image": "2"}]})
    cluster.apply("a", {"tags": ["x"], "items": [{"name": "a", "image": "3"}]})
    assert cluster.document == {"tags": ["x", "y"], "items": [{"name": "a", "image": "3"}]}


def test_nothing_changes() -> None:
    cluster = Cluster()
    cluster.apply("a", {"count": 1})
    before = cluster.document
    assert cluster.apply("a", {"count": 1}).document is before
    assert cluster.apply("b", {"count": 1}).document is before
    assert cluster.owned("b") == {".count"}


def test_reset_fields_are_not_owned() -> None:
    reset = fieldset.at(("f:nested",))
    me = Manager("a", "Apply")
    done = apply({"nested": {"count": 1}}, {"count": 1, "nested": {"count": 2}}, V1, {}, me, ONE, reset=reset)
    assert done.owners[me].fields == {"f:count": {}}
    left, written = update({}, {"nested": {"count": 1}, "text": "x"}, V1, {}, me, ONE, reset=reset)
    assert (left, written) == ({}, {"f:text": {}})


def test_versions() -> None:
    cluster = Cluster(versions=TwoVersions())
    cluster.apply("a", {"text": "x", "count": 1})
    # The other version calls the field otherwise, and its applier meets the same conflict.
    cluster.document = cluster.versions.convert(cluster.document, V1, "example/v2")
    with pytest.raises(Conflicts):
        cluster.apply("b", {"labels": {"text": "y"}}, version="example/v2")
    cluster.apply("a", {"count": 1}, version="example/v2")
    assert cleaned(cluster.document) == {"count": 1}
    assert cluster.owners[Manager("a", "Apply")] == Owned({"f:count": {}}, "example/v2")


def test_what_has_become_atomic_is_owned_whole() -> None:
    fields: Any = {
        "f:args": {".": {}, 'v:"x"': {}},
        "f:count": {},
        "f:items": {'k:{"name":"a"}': {".": {}, "f:args": {'v:"y"': {}}, "f:image": {}}},
        "f:raw": {"f:x": {}},
        "f:selector": {"f:x": {}},
    }
    assert settled(SCHEMA, fields) == {
        "f:args": {},
        "f:count": {},
        "f:items": {'k:{"name":"a"}': {".": {}, "f:args": {}, "f:image": {}}},
        "f:raw": {"f:x": {}},
        "f:selector": {},
    }
    cluster = Cluster({"selector": {"x": "1"}})
    cluster.owners = {Manager("a", "Apply"): Owned({"f:selector": {"f:x": {}}}, V1)}
    assert conflicts(cluster, "b", {"selector": {"y": "1"}}) == [("a", ".selector")]


def test_owners_in_a_version_that_is_gone() -> None:
    cluster = Cluster()
    cluster.owners = {Manager("a", "Update", "example/v0"): Owned({"f:count": {}}, "example/v0")}
    cluster.document = {"count": 1}
    cluster.apply("b", {"count": 2})
    assert cluster.owned("a") == set()


@pytest.mark.parametrize(
    ("live", "config", "merged"),
    [
        (["a", "b", "c"], ["c", "a"], ["b", "c", "a"]),
        (["a", "b", "c"], ["a", "x", "c"], ["a", "b", "x", "c"]),
        (["a", "b"], ["x", "b", "a"], ["x", "b", "a"]),
        (["a", "b"], [], ["a", "b"]),
        ([], ["a"], ["a"]),
        (["a", "p", "b", "q"], ["b", "a"], ["p", "b", "q", "a"]),
        (["a", "b"], ["c"], ["a", "b", "c"]),
    ],
)
def test_order_of_merged_lists(live: list[str], config: list[str], merged: list[str]) -> None:
    assert merge(SCHEMA, {"tags": live}, {"tags": config}) == {"tags": merged}


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdef"), unique=True))
def test_merged_lists(live: list[str], config: list[str]) -> None:
    merged = merge(SCHEMA, {"tags": live}, {"tags": config})["tags"]
    assert sorted(merged) == sorted(set(live) | set(config))
    assert [m for m in merged if m in config] == config
    only = [e for e in live if e not in config]
    assert [m for m in merged if m in only] == only


def test_remove() -> None:
    value = {"count": 1, "labels": {"a": "1", "b": "2"}, "items": [{"name": "x", "image": "i"}, {"name": "y"}]}
    fields: Any = {"f:labels": {"f:a": {}}, "f:items": {'k:{"name":"x"}': {"f:image": {}}, 'k:{"name":"y"}': {}}}
    assert remove(SCHEMA, value, fields) == {"count": 1, "labels": {"b": "2"}, "items": [{"name": "x"}]}
    assert remove(SCHEMA, {"count": 1}, {"f:count": {}}) is None
    assert remove(SCHEMA, {"selector": {"a": "1"}}, {"f:selector": {"f:a": {}}}) == {"selector": None}


# Laws


def cleaned(value: Any) -> Any:
    """The value without what is empty: that is what a typed object is left with."""
    if isinstance(value, dict):
        return {k: c for k, v in value.items() if (c := cleaned(v)) not in (None, {}, [])}
    return [cleaned(v) for v in value] if isinstance(value, list) else value


def stated(config: Document) -> set[str]:
    return {fieldset.describe(p) for p in fieldset.paths(fields_of(SCHEMA, config))}


@given(DOCUMENTS, DOCUMENTS)
def test_applying_again_changes_nothing(live: Document, config: Document) -> None:
    cluster = Cluster(live)
    cluster.apply("a", config, force=True)
    document, owners = cluster.document, cluster.owners
    again = cluster.apply("a", config)
    assert again.document is document
    assert again.owners == owners


@given(DOCUMENTS, DOCUMENTS)
def test_the_object_is_as_stated(live: Document, config: Document) -> None:
    cluster = Cluster(live)
    cluster.apply("a", config)
    assert merge(SCHEMA, cluster.document, config) == cluster.document
    assert cluster.owned("a") == stated(config)


@given(DOCUMENTS, DOCUMENTS)
def test_disjoint_appliers_commute(one: Document, two: Document) -> None:
    two = {name: value for name, value in two.items() if name not in one}
    first, second = Cluster(), Cluster()
    first.apply("a", one)
    first.apply("b", two)
    second.apply("b", two)
    second.apply("a", one)
    assert first.document == second.document
    assert first.owners == second.owners


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_what_is_dropped_is_gone(live: Document, before: Document, after: Document) -> None:
    """Fields that only the applier had, and states no longer, are gone; those of others and of nobody are there."""
    cluster = Cluster(live)
    cluster.update("other", live)
    cluster.apply("a", before, force=True)
    cluster.apply("b", {"labels": {"a": "kept"}}, force=True)
    cluster.apply("a", after, force=True)
    fresh = Cluster(cluster.document)
    dropped = fieldset.difference(fields_of(SCHEMA, before), fields_of(SCHEMA, after))
    dropped = fieldset.difference(dropped, fields_of(SCHEMA, {"labels": {"a": "kept"}}))
    there = fields_of(SCHEMA, cleaned(fresh.document))
    assert set(fieldset.paths(fieldset.intersection(there, leaves(dropped, after)))) == set()
    if "labels" not in after or "a" not in (after["labels"] or {}):
        assert fresh.document["labels"]["a"] == "kept"


def leaves(dropped: fieldset.FieldSet, after: Document) -> fieldset.FieldSet:
    """The dropped fields that nothing stated later makes necessary (a list item stays for its other fields)."""
    still = fields_of(SCHEMA, after)
    return fieldset.from_paths(
        p
        for p in fieldset.paths(dropped)
        if not any(q[: len(p)] == p or p[: len(q)] == q for q in fieldset.paths(still))
    )


@given(DOCUMENTS, DOCUMENTS)
def test_an_update_takes_what_it_changes(old: Document, new: Document) -> None:
    cluster = Cluster()
    cluster.apply("a", old)
    cluster.update("b", new)
    assert cluster.owned("a") & cluster.owned("b") == set()
    gone = fieldset.difference(fields_of(SCHEMA, old), added_fields(SCHEMA, new))
    assert cluster.owned("a") & {fieldset.describe(p) for p in fieldset.paths(gone)} == set()
