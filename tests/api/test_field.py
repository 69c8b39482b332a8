"""Field errors: paths, messages, causes and how several are told in one text."""

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import field as f
from steersman.api.errors import Invalid
from steersman.api.field import Path
from steersman.api.meta import Resource

CONTAINER = Path("spec", "containers").index(0)


def test_paths() -> None:
    assert str(Path("spec")) == "spec"
    assert str(Path("metadata", "name")) == "metadata.name"
    assert str(CONTAINER.child("image")) == "spec.containers[0].image"
    assert str(Path("spec").child("limits").key("cpu")) == "spec.limits[cpu]"
    assert str(Path("a").child("b", "c").index(1).child("d")) == "a.b.c[1].d"
    assert str(Path()) == "<nil>"
    assert str(Path("")) == ""
    assert str(Path("").child("a")) == "a"
    assert str(Path().child("values").index(0).key("x")) == "values[0][x]"
    assert Path("a").child("b") == Path("a", "b")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (f.required(CONTAINER.child("image")), "spec.containers[0].image: Required value"),
        (f.required(Path("a"), "must be set"), "a: Required value: must be set"),
        (f.invalid(Path("a"), "x y", "no spaces"), 'a: Invalid value: "x y": no spaces'),
        (f.invalid(Path("a"), 'q"\n', "bad"), 'a: Invalid value: "q\\"\\n": bad'),
        (f.invalid(Path("a"), "\x01é\x7f", "bad"), 'a: Invalid value: "\\x01é\\x7f": bad'),
        (f.invalid(Path("a"), -1, f.NOT_NEGATIVE), "a: Invalid value: -1: must be greater than or equal to 0"),
        (f.invalid(Path("a"), True, "no"), "a: Invalid value: true: no"),
        (f.invalid(Path("a"), {"b": "1", "a": "2"}, "no"), 'a: Invalid value: {"a":"2","b":"1"}: no'),
        (f.invalid(Path("a"), None, "no"), "a: Invalid value: null: no"),
        (f.not_supported(Path("a"), "x", ["b", "a"]), 'a: Unsupported value: "x": supported values: "b", "a"'),
        (f.duplicate(Path("a"), "x"), 'a: Duplicate value: "x"'),
        (f.forbidden(Path("a"), "not now"), "a: Forbidden: not now"),
        (f.too_long(Path("a"), 63), "a: Too long: may not be more than 63 bytes"),
        (f.too_long(Path("a"), 1), "a: Too long: may not be more than 1 byte"),
        (f.too_many(Path("a"), 3, 2), "a: Too many: 3: must have at most 2 items"),
        (f.not_found(Path("a"), "x"), 'a: Not found: "x"'),
        (f.internal(Path("a"), "boom"), "a: Internal error: boom"),
    ],
)
def test_messages(error: f.FieldError, text: str) -> None:
    assert str(error) == text


def test_causes_have_reason_message_and_field() -> None:
    assert f.required(Path("a")).cause() == {
        "reason": "FieldValueRequired",
        "message": "Required value",
        "field": "a",
    }


def test_several_errors_are_told_once_each_in_brackets() -> None:
    errors = [f.required(Path("a")), f.required(Path("b")), f.required(Path("a"))]
    assert f.aggregate(errors) == "[a: Required value, b: Required value]"
    assert f.aggregate(errors[:1]) == "a: Required value"
    pods = Resource("", "v1", "pods", "Pod", True)
    assert Invalid.of(pods, "x", errors[:1]).message == 'Pod "x" is invalid: a: Required value'
    assert Invalid.of(pods, "x", errors).message == f'Pod "x" is invalid: {f.aggregate(errors)}'


def test_sameness_does_not_mind_absent_lists_and_maps() -> None:
    class Inner(msgspec.Struct):
        items: list[int] | None = None

    class Outer(msgspec.Struct):
        inner: Inner | None = None
        labels: dict[str, str] | None = None

    assert f.same(Outer(inner=Inner(), labels={}), Outer(inner=Inner(items=[])))
    assert f.same([Outer()], [Outer(labels={})])
    assert f.same({"a": None}, {"a": []})
    assert not f.same(Outer(inner=Inner()), Outer())
    assert not f.same([1], None)
    assert not f.same({"a": []}, None)
    assert not f.same([1], [2])
    assert not f.same("", None)


def test_immutable_and_not_negative() -> None:
    assert f.immutable(Path("a"), {"x": 1}, {"x": 1}) == []
    assert [str(e) for e in f.immutable(Path("a"), "n", "o")] == ['a: Invalid value: "n": field is immutable']
    assert f.not_negative(Path("a"), None) == []
    assert f.not_negative(Path("a"), 0) == []
    assert len(f.not_negative(Path("a"), -1)) == 1


def test_what_is_repeated() -> None:
    assert f.repeated(()) == []
    assert f.repeated(["a", "b", "a", "c", "b", "a"]) == [2, 4, 5]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", '""'),
        ("a b", '"a b"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("\n\t\x00\x7f", '"\\n\\t\\x00\\x7f"'),
        ("é\u2028\U000e0001", '"é\\u2028\\U000e0001"'),
    ],
)
def test_quoted(text: str, quoted: str) -> None:
    assert f.quote(text) == quoted


@given(st.text())
def test_quoted_letter_by_letter(text: str) -> None:
    assert f.quote(text) == f'"{"".join(f.quote(c)[1:-1] for c in text)}"'


def test_long_texts_are_quoted_at_once() -> None:
    """Clients send megabytes of what is refused, and get it back in the answer, more than once."""
    text = "a." * 1_000_000
    began = time.process_time()
    f.quote(text)
    assert time.process_time() - began < 0.05
