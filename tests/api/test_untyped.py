"""Untyped objects: encoding, copies, and equality."""

from __future__ import annotations

import json

from steersman.api import codec
from steersman.api.untyped import Untyped
from steersman.kinds.types.meta_v1 import ObjectMeta


def obj(**content: object) -> Untyped:
    return Untyped("Foo", "a.b/v1", ObjectMeta(name="x", labels={"b": "1", "a": "2"}), dict(content))


def test_encode_does_not_depend_on_order() -> None:
    one, other = (
        obj(spec={"a": 1, "b": [{"y": 1, "x": 2}]}, other=1),
        obj(other=1, spec={"b": [{"x": 2, "y": 1}], "a": 1}),
    )
    assert one.encode() == other.encode()
    assert one == other
    assert one.encode().startswith(b'{"kind":"Foo","apiVersion":"a.b/v1","metadata":{')
    assert json.loads(obj().encode())["metadata"]["labels"] == {"a": "2", "b": "1"}


def test_codec_knows_them() -> None:
    one = obj(spec={"a": [1]})
    assert json.loads(codec.encode([one])) == [codec.to_builtins(one)]
    copy = codec.clone(one)
    copy.content["spec"]["a"].append(2)
    copy.metadata.labels["a"] = "3"
    assert one.content == {"spec": {"a": [1]}}
    assert one.metadata.labels == {"b": "1", "a": "2"}
    assert copy != one
