"""Field selectors: parsing, escaping, messages and matching."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import fields
from steersman.api.fields import FieldSelector, FieldSelectorError


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("", ""),
        ("a=b", "a=b"),
        ("a==b", "a=b"),
        ("a!=b", "a!=b"),
        ("z=1,a=2", "a=2,z=1"),
        ("a=b,,", "a=b"),
        (r"a=b\,c\=d\\e", r"a=b\,c\=d\\e"),
        ("a=", "a="),
    ],
)
def test_parse(text: str, want: str) -> None:
    assert str(fields.parse(text)) == want


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("x=y,a", "invalid selector: 'x=y,a'; can't understand 'a'"),
        (r"a=b\c", r"invalid field selector: invalid escape sequence: \c"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
    ],
)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(FieldSelectorError) as caught:
        fields.parse(text)
    assert str(caught.value) == message


def test_matches() -> None:
    selector = fields.parse("metadata.name=web,spec.nodeName!=n1")
    assert selector.matches({"metadata.name": "web", "spec.nodeName": "n2"})
    assert selector.matches({"metadata.name": "web"})
    assert not selector.matches({"metadata.name": "web", "spec.nodeName": "n1"})
    assert not selector.matches({"metadata.name": "db"})
    assert fields.parse("a=").matches({})
    assert selector.requires("metadata.name") == "web"
    assert selector.requires("spec.nodeName") is None
    assert selector.fields == ["metadata.name", "spec.nodeName"]
    assert FieldSelector.everything().empty
    assert FieldSelector.of({"b": "1", "a": "2"}) == fields.parse("a=2,b=1")


@given(st.text(max_size=20))
def test_escaping_round_trips(value: str) -> None:
    assert fields.unescape(fields.escape(value)) == value
    assert fields.parse(f"a={fields.escape(value)}").requires("a") == value
