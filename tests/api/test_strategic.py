"""Strategic merge patch: merge keys, primitive lists, every directive, bad patches, and properties over random objects."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import strategic
from steersman.api.errors import BadRequest
from steersman.api.schema import ApiType, ListInfo


class Port(ApiType, kw_only=True):
    containerPort: int = 0
    protocol: str = ""


class Container(ApiType, kw_only=True):
    __merge__ = {
        "ports": ListInfo("map", ("containerPort", "protocol"), "merge", "containerPort"),
        "args": ListInfo("atomic"),
    }
    name: str = ""
    image: str = ""
    ports: list[Port] | None = None
    args: list[str] | None = None


class Meta(ApiType, kw_only=True):
    __merge__ = {"finalizers": ListInfo("set", (), "merge")}
    finalizers: list[str] | None = None
    labels: dict[str, str] | None = None


class Spec(ApiType, kw_only=True):
    __merge__ = {
        "containers": ListInfo("map", ("name",), "merge", "name"),
        "volumes": ListInfo("map", ("name",), "merge,retainKeys", "name"),
    }
    containers: list[Container] = msgspec.field(default_factory=list)
    volumes: list[dict[str, Any]] | None = None
    strategy: dict[str, Any] | None = None


class Thing(ApiType, kw_only=True):
    metadata: Meta = msgspec.field(default_factory=Meta)
    spec: Spec | None = None


def _containers(*names: str, **more: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": n, **more} for n in names]}}


def _order(*names: str) -> list[dict[str, str]]:
    return [{"name": n} for n in names]


A, B, C = {"name": "a", "image": "1"}, {"name": "b", "image": "1"}, {"name": "c", "image": "1"}

CASES: list[tuple[str, Any, Any, Any]] = [
    ("a map merges", {"metadata": {"labels": {"x": "1"}}}, {"metadata": {"labels": {"y": "2"}}}, {"metadata": {"labels": {"x": "1", "y": "2"}}}),
    ("null deletes", {"metadata": {"labels": {"x": "1", "y": "2"}}}, {"metadata": {"labels": {"x": None, "z": None}}}, {"metadata": {"labels": {"y": "2"}}}),
    ("nulls in new values vanish", {}, {"metadata": {"labels": {"x": None, "y": "1"}}}, {"metadata": {"labels": {"y": "1"}}}),
    ("an element merges by its key", {"spec": {"containers": [A, B]}}, _containers("b", image="2"), {"spec": {"containers": [A, {"name": "b", "image": "2"}]}}),
    ("a new element comes first", {"spec": {"containers": [A]}}, {"spec": {"containers": [B]}}, {"spec": {"containers": [B, A]}}),
    ("a new element loses nulls", {"spec": {"containers": [A]}}, _containers("b", image=None), {"spec": {"containers": [{"name": "b"}, A]}}),
    ("an element is deleted", {"spec": {"containers": [A, B]}}, {"spec": {"containers": [{"name": "a", "$patch": "delete"}]}}, {"spec": {"containers": [B]}}),
    ("a list is replaced", {"spec": {"containers": [A, B]}}, {"spec": {"containers": [C, {"$patch": "replace"}]}}, {"spec": {"containers": [C]}}),
    ("a map is replaced", {"metadata": {"labels": {"x": "1"}}}, {"metadata": {"labels": {"$patch": "replace", "y": "2"}}}, {"metadata": {"labels": {"y": "2"}}}),
    ("a map is emptied", {"metadata": {"labels": {"x": "1"}}}, {"metadata": {"labels": {"$patch": "delete"}}}, {"metadata": {"labels": {}}}),
    ("deleting what is not there", {"metadata": {}}, {"metadata": {"labels": {"$patch": "delete"}}}, {"metadata": {}}),
    ("an atomic list is replaced", {"spec": {"containers": [{"name": "a", "args": ["x"]}]}}, _containers("a", args=["y"]), _containers("a", args=["y"])),
    ("nested lists merge", _containers("a", ports=[{"containerPort": 80}]), _containers("a", ports=[{"containerPort": 80, "protocol": "UDP"}]), _containers("a", ports=[{"containerPort": 80, "protocol": "UDP"}])),
    ("scalars merge without doubles", {"metadata": {"finalizers": ["a", "b"]}}, {"metadata": {"finalizers": ["b", "c"]}}, {"metadata": {"finalizers": ["a", "b", "c"]}}),
    ("scalars are deleted", {"metadata": {"finalizers": ["a", "b"]}}, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}, {"metadata": {"finalizers": ["b"]}}),
    ("deleting from no list", {"metadata": {}}, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}, {"metadata": {}}),
    ("scalars: all at once", {"metadata": {"finalizers": ["a", "b"]}}, {"metadata": {"finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["a"], "$setElementOrder/finalizers": ["c", "b"]}}, {"metadata": {"finalizers": ["c", "b"]}}),
    ("the order list decides", {"spec": {"containers": [A, B]}}, {"spec": {"$setElementOrder/containers": _order("b", "a")}}, {"spec": {"containers": [B, A]}}),
    ("server's elements stay between", {"spec": {"containers": [A, B, C]}}, {"spec": {"$setElementOrder/containers": _order("c", "a")}}, {"spec": {"containers": [B, C, A]}}),
    ("kubectl apply adds at the end", {"spec": {"containers": [A]}}, {"spec": {"$setElementOrder/containers": _order("a", "b"), "containers": [B]}}, {"spec": {"containers": [A, B]}}),
    ("kubectl apply removes", {"spec": {"containers": [A, B]}}, {"spec": {"$setElementOrder/containers": _order("a"), "containers": [{"name": "b", "$patch": "delete"}]}}, {"spec": {"containers": [A]}}),
    ("an order without a list", {"spec": {}}, {"spec": {"$setElementOrder/containers": _order("a")}}, {"spec": {}}),
    ("retainKeys clears", {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"x": 1}}}}, {"spec": {"strategy": {"type": "Recreate", "$retainKeys": ["type"]}}}, {"spec": {"strategy": {"type": "Recreate"}}}),
    ("retainKeys in an element", {"spec": {"containers": [{"name": "a", "image": "1", "args": ["x"]}]}}, {"spec": {"containers": [{"name": "a", "image": "2", "$retainKeys": ["name", "image"]}]}}, {"spec": {"containers": [{"name": "a", "image": "2"}]}}),
    ("retainKeys of a new map", {}, {"spec": {"strategy": {"type": "Recreate", "$retainKeys": ["type"]}}}, {"spec": {"strategy": {"type": "Recreate"}}}),
    ("types differ: the patch wins", {"spec": {"strategy": "x"}}, {"spec": {"strategy": {"type": "y"}}}, {"spec": {"strategy": {"type": "y"}}}),
    ("unknown fields merge plainly", {"other": {"a": [1], "b": 1}}, {"other": {"a": [2]}}, {"other": {"a": [2], "b": 1}}),
    ("the whole object is replaced", {"metadata": {"labels": {"x": "1"}}}, {"$patch": "replace", "spec": {}}, {"spec": {}}),
]  # fmt: skip


@pytest.mark.parametrize(("document", "patch", "want"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_cases(document: Any, patch: Any, want: Any) -> None:
    before = copy.deepcopy((document, patch))
    assert strategic.apply(document, patch, Thing) == want
    assert (document, patch) == before


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ([], "must be an object"),
        ({"$patch": "frob"}, "unknown patch type: frob in map"),
        ({"spec": {"containers": [{"name": "a", "$patch": "frob"}]}}, "unknown patch type: frob in map"),
        ({"spec": {"containers": [{"name": "a", "$patch": "merge"}]}}, "merging lists cannot yet be specified"),
        ({"spec": {"containers": [{"$patch": "delete"}]}}, "does not contain declared merge key: name"),
        ({"spec": {"containers": [{"image": "x"}]}}, "does not contain declared merge key: name"),
        ({"spec": {"containers": [["x"]]}}, "lists of lists are not supported"),
        ({"spec": {"containers": ["x"]}}, "expected an object in the list"),
        ({"spec": {"containers": [{"name": {}}]}}, "expected a scalar"),
        ({"spec": {"$retainKeys": "x"}}, "invalid patch format of retainKeys"),
        ({"spec": {"$retainKeys": ["x"], "strategy": {}}}, "invalid patch format of retainKeys"),
        ({"spec": {"$setElementOrder/containers": {}}}, "invalid patch format of setElementOrder list"),
        ({"spec": {"$setElementOrder": []}}, "invalid patch format of setElementOrder list"),
        ({"spec": {"containers": [A, B], "$setElementOrder/containers": _order("b", "a")}}, "The order in patch list"),
        ({"metadata": {"$deleteFromPrimitiveList/finalizers": "a"}}, "invalid patch format of primitive list"),
    ],
)  # fmt: skip
def test_bad_patches(patch: Any, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        strategic.apply({"spec": {"containers": [A]}, "metadata": {}}, patch, Thing)
    assert message in caught.value.message


names = st.lists(st.sampled_from("abcd"), unique=True, max_size=4)
images = st.sampled_from(["1", "2"])


@st.composite
def things(draw: st.DrawFn) -> dict[str, Any]:
    containers = [{"name": n, "image": draw(images)} for n in draw(names)]
    return {"metadata": {"finalizers": draw(names)}, "spec": {"containers": containers}}


def _diff(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The patch that kubectl apply sends to make `new` of `old`."""
    was = {c["name"]: c for c in old["spec"]["containers"]}
    wanted = new["spec"]["containers"]
    changed = [c for c in wanted if was.get(c["name"]) != c]
    gone = [{"name": n, "$patch": "delete"} for n in was if n not in {c["name"] for c in wanted}]
    before, after = old["metadata"]["finalizers"], new["metadata"]["finalizers"]
    return {
        "metadata": {
            "finalizers": [f for f in after if f not in before],
            "$deleteFromPrimitiveList/finalizers": [f for f in before if f not in after],
            "$setElementOrder/finalizers": after,
        },
        "spec": {
            "containers": changed + gone,
            "$setElementOrder/containers": [{"name": c["name"]} for c in wanted],
        },
    }


@given(things(), things())
def test_a_diff_applied_to_the_old_object_gives_the_new_one(old: dict[str, Any], new: dict[str, Any]) -> None:
    patch = _diff(old, new)
    before = copy.deepcopy((old, patch))
    assert strategic.apply(old, patch, Thing) == new
    assert (old, patch) == before


@given(things(), things(), things())
def test_three_way_what_the_server_added_is_kept_and_what_the_user_dropped_goes(
    last: dict[str, Any], mine: dict[str, Any], live: dict[str, Any]
) -> None:
    got = strategic.apply(live, _diff(last, mine), Thing)
    have = {c["name"] for c in got["spec"]["containers"]}
    user, old, server = ({c["name"] for c in t["spec"]["containers"]} for t in (mine, last, live))
    assert server - old <= have
    assert not (old - user) & have
    order = [c["name"] for c in mine["spec"]["containers"] if c["name"] in have]
    assert [c["name"] for c in got["spec"]["containers"] if c["name"] in user] == order


@given(things())
def test_an_empty_patch_changes_nothing(thing: dict[str, Any]) -> None:
    assert strategic.apply(thing, {}, Thing) == thing
    assert strategic.apply(thing, _diff(thing, thing), Thing) == thing
