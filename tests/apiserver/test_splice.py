"""The resourceVersion goes into stored bytes and comes out again."""

from __future__ import annotations

import msgspec
import pytest

from steersman.apiserver.splice import splice, unsplice

HEAD = b'{"kind":"Pod","apiVersion":"v1","metadata":{'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (HEAD + b'"name":"a"},"spec":{}}', HEAD + b'"resourceVersion":"12","name":"a"},"spec":{}}'),
        (HEAD + b"}}", HEAD + b'"resourceVersion":"12"}}'),
        (
            HEAD + b'"name":"a"},"spec":{"template":{"metadata":{"name":"b"}}}}',
            HEAD + b'"resourceVersion":"12","name":"a"},"spec":{"template":{"metadata":{"name":"b"}}}}',
        ),
    ],
)
def test_splice(value: bytes, expected: bytes) -> None:
    assert splice(value, 12) == expected
    assert msgspec.json.decode(expected)["metadata"]["resourceVersion"] == "12"
    assert unsplice(expected) == value
    assert unsplice(value) == value


def test_what_has_no_metadata() -> None:
    with pytest.raises(ValueError, match="not found"):
        splice(b'{"kind":"Pod"}', 1)
