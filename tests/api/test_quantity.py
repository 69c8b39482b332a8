"""Quantities: canonical forms, rounding, errors, and arithmetic that never loses anything."""

from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from steersman.api import quantity as q

CANONICAL = [
    ("0", "0"), ("0Mi", "0"), ("-0", "0"), ("0.0", "0"), ("1", "1"), ("1000m", "1"), ("0.5", "500m"), ("1.5", "1500m"),
    (".5", "500m"), ("1.", "1"), ("100", "100"), ("1000", "1k"), ("1500", "1500"), ("1000000", "1M"), ("2k", "2k"),
    ("2000k", "2M"), ("1E", "1E"), ("1000P", "1E"), ("1000E", "1000E"), ("1Ki", "1Ki"), ("1024Ki", "1Mi"),
    ("1536Mi", "1536Mi"), ("1.5Gi", "1536Mi"), ("0.5Gi", "512Mi"), ("512", "512"), ("0.5Ki", "512"), ("1023Ki", "1023Ki"),
    ("1.1Ki", "1126400m"), ("0.1Mi", "104857600m"), ("1n", "1n"), ("0.1n", "1n"), ("1.1n", "2n"),
    ("-1.1n", "-2n"), ("1000n", "1u"), ("100m", "100m"), ("0.1", "100m"), ("1e3", "1e3"), ("12e6", "12e6"),
    ("12E6", "12e6"), ("12e2", "1200"), ("1e-3", "1e-3"), ("1e0", "1"), ("+5", "5"), ("-5", "-5"), ("-1.5Gi", "-1536Mi"),
    (" 1Gi ", "1Gi"), ("8Ei", "9223372036854775807"), (5, "5"), (0.25, "250m"), (1e22, "10e21"), (1000.0, "1k"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "want"), CANONICAL)
def test_canonical(text: q.Quantity, want: str) -> None:
    assert q.canonical(text) == want


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", q.FORMAT_ERROR), ("-", q.FORMAT_ERROR), (".", q.FORMAT_ERROR), ("abc", q.FORMAT_ERROR), ("1 Gi", q.FORMAT_ERROR),
        ("1.2.3", q.FORMAT_ERROR), ("1Z", q.FORMAT_ERROR), ("1kk", q.SUFFIX_ERROR), ("1K", q.SUFFIX_ERROR),
        ("1mi", q.SUFFIX_ERROR), ("1e", q.SUFFIX_ERROR), ("1e999999999", q.NUMERIC_ERROR), ("9" * 500, q.NUMERIC_ERROR),
        (True, q.FORMAT_ERROR),
    ],
)  # fmt: skip
def test_errors(text: q.Quantity, message: str) -> None:
    with pytest.raises(q.QuantityError) as caught:
        q.canonical(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "units", "thousandths"),
    [
        ("100m", 1, 100),
        ("1", 1, 1000),
        ("1.0001", 2, 1001),
        ("1Ki", 1024, 1024000),
        ("0", 0, 0),
        ("1n", 1, 1),
        ("-1.5", -2, -1500),
    ],
)
def test_rounding_up(text: str, units: int, thousandths: int) -> None:
    assert (q.value(text), q.milli(text)) == (units, thousandths)


@pytest.mark.parametrize(
    ("a", "b", "added", "subtracted"),
    [
        ("1Gi", "512Mi", "1536Mi", "512Mi"),
        ("0", "1Gi", "1Gi", "-1Gi"),
        ("100m", "900m", "1", "-800m"),
        ("1Gi", "1", "1073741825", "1073741823"),
        ("1k", "24", "1024", "976"),
    ],
)
def test_add_and_sub(a: str, b: str, added: str, subtracted: str) -> None:
    assert q.add(a, b) == added
    assert q.sub(a, b) == subtracted


def test_whole_amounts_are_ints_and_others_fractions() -> None:
    assert q.parse("2Gi") == 2 * 1024**3
    assert isinstance(q.parse("2Gi"), int)
    assert q.parse("100m") == Fraction(1, 10)


def test_constructors() -> None:
    assert q.from_value(1024) == "1024"
    assert q.from_value(1024, binary=True) == "1Ki"
    assert q.from_milli(1500) == "1500m"
    assert q.from_milli(2000) == "2"
    assert q.total([]) == "0"
    assert q.equal("1000m", "1")
    assert not q.equal("1", "2")


suffixes = st.sampled_from(["", "n", "u", "m", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "e3", "E-3", "e6"])
texts = st.builds(
    lambda sign, whole, part, suffix: f"{sign}{whole}{part}{suffix}",
    st.sampled_from(["", "-", "+"]),
    st.integers(0, 10**6),
    st.sampled_from(["", ".5", ".25", ".001", ".000000001"]),
    suffixes,
)


@given(texts)
def test_canonical_form_is_stable_and_keeps_the_amount(text: str) -> None:
    once = q.canonical(text)
    assert q.canonical(once) == once
    assert q.nano(once) == q.nano(text)
    assert "." not in once


@given(texts, texts)
@example("1Ki", "9223.5P")
def test_sums_are_exact(a: str, b: str) -> None:
    assume(abs(q.nano(a)) + abs(q.nano(b)) < 2**63 * q.NANO)  # powers of two go no further
    assert q.nano(q.add(a, b)) == q.nano(a) + q.nano(b)
    assert q.nano(q.sub(a, b)) == q.nano(a) - q.nano(b)
    assert q.compare(a, b) == -q.compare(b, a)
    assert (q.compare(a, b) == 0) == q.equal(a, b)


@pytest.mark.parametrize(
    "text", ["1" * 1_000_000 + "!", "1" * 1_000_000, "." + "1" * 1_000_000 + "e+!", "K" * 1_000_000 + "!"]
)
def test_texts_of_any_length_are_refused_quickly(text: str) -> None:
    # With a shape that can be read in two ways this would take an hour, in which nobody else is served.
    with pytest.raises(q.QuantityError):
        q.canonical(text)
