"""A type with every way in which fields merge, and its values, for the tests of walks and of apply."""

from __future__ import annotations

from typing import Annotated, Any

from hypothesis import strategies as st

from steersman.api.schema import ApiType, ListInfo, Scalar
from steersman.api.typed import schema_of

Quantity = Annotated[str | int | float, Scalar.QUANTITY]


class Port(ApiType, kw_only=True):
    __key_defaults__ = {"protocol": "TCP"}
    port: int | None = None
    protocol: str = ""
    name: str = ""


class Reference(ApiType, kw_only=True):
    __atomic__ = True
    kind: str = ""
    name: str = ""


class Item(ApiType, kw_only=True):
    __merge__ = {"ports": ListInfo("map", ("port", "protocol"))}
    name: str = ""
    image: str = ""
    args: list[str] | None = None
    ports: list[Port] | None = None


class Sample(ApiType, kw_only=True):
    __merge__ = {
        "items": ListInfo("map", ("name",)),
        "tags": ListInfo("set"),
        "selector": ListInfo("atomic"),
        "old": ListInfo("", (), "merge", "name"),
        "words": ListInfo("", (), "merge"),
        "claim": ListInfo("granular"),
        "whole": ListInfo("atomic"),
    }
    count: int | None = None
    flag: bool | None = None
    size: Quantity | None = None
    text: str = ""
    args: list[str] | None = None
    items: list[Item] | None = None
    old: list[Item] | None = None
    words: list[str] | None = None
    tags: list[str] | None = None
    labels: dict[str, str] | None = None
    selector: dict[str, str] | None = None
    nested: Sample | None = None
    ref: Reference | None = None
    claim: Reference | None = None
    whole: Item | None = None
    raw: Any = None


SCHEMA = schema_of(Sample)

NAMES = st.sampled_from(["a", "b", "c"])
WORDS = st.sampled_from(["x", "y", "z"])
_items = st.dictionaries(
    NAMES,
    st.fixed_dictionaries({}, optional={"image": WORDS, "args": st.lists(WORDS, max_size=2)}),
    max_size=3,
).map(lambda d: [{"name": name, **rest} for name, rest in d.items()])
_fields: dict[str, st.SearchStrategy[Any]] = {
    "count": st.integers(0, 2),
    "text": WORDS,
    "args": st.lists(WORDS, max_size=2),
    "items": _items,
    "tags": st.lists(WORDS, max_size=3, unique=True),
    "labels": st.dictionaries(NAMES, WORDS, max_size=3),
    "selector": st.dictionaries(NAMES, WORDS, max_size=2),
    "ref": st.fixed_dictionaries({"kind": WORDS}),
    "raw": st.recursive(WORDS, lambda s: st.dictionaries(NAMES, s, max_size=2) | st.lists(s, max_size=2), max_leaves=4),
}
_flat = st.fixed_dictionaries({}, optional=_fields)
DOCUMENTS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional={**_fields, "nested": _flat})
"""Values of the type: as a configuration or a live object would be, without nulls."""
