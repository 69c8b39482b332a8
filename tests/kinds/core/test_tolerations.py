"""Tolerations put together."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.kinds.core.tolerations import Coverage, merged
from steersman.kinds.types.core_v1 import Toleration

EQUAL = Toleration(key="k", operator="Equal", value="v")
EXISTS = Toleration(key="k", operator="Exists")
ALL = Toleration(operator="Exists")
SHORT = Toleration(key="k", operator="Exists", effect="NoExecute", tolerationSeconds=5)
LONG = Toleration(key="k", operator="Exists", effect="NoExecute", tolerationSeconds=50)
FOREVER = Toleration(key="k", operator="Exists", effect="NoExecute")


def includes(wide: Toleration, narrow: Toleration) -> bool:
    """The definition: whether `wide` tolerates everything that `narrow` does, and as long."""
    if wide == narrow:
        return True
    exists = wide.operator == "Exists"
    if wide.key != narrow.key and (wide.key or not exists):
        return False
    if wide.effect not in ("", narrow.effect):
        return False
    if wide.effect == "NoExecute" and wide.tolerationSeconds is not None:
        seconds = narrow.tolerationSeconds
        if seconds is None or seconds > wide.tolerationSeconds:
            return False
    if exists:
        return True
    equal = ("", "Equal")
    return wide.operator in equal and narrow.operator in equal and wide.value == narrow.value


def one_by_one(every: Sequence[Toleration]) -> list[Toleration]:
    kept: list[Toleration] = []
    for index, one in enumerate(every):
        later = (other for other in every[index + 1 :] if other != one)
        if not any(includes(other, one) for other in (*kept, *later)):
            kept.append(one)
    return kept


tolerations = st.builds(
    Toleration,
    key=st.sampled_from(["", "k", "l"]),
    operator=st.sampled_from(["", "Equal", "Exists", "Gt"]),
    value=st.sampled_from(["", "v"]),
    effect=st.sampled_from(["", "NoSchedule", "NoExecute"]),
    tolerationSeconds=st.sampled_from([None, -1, 0, 5]),
)


@given(st.lists(tolerations, max_size=6), st.lists(tolerations, max_size=6))
def test_all_with_all(first: list[Toleration], second: list[Toleration]) -> None:
    assert merged(first, second) == one_by_one([*first, *second])
    for one in second:
        assert Coverage(first).covers(one) is any(includes(wide, one) for wide in first)


def test_any_number() -> None:
    many = [Toleration(key=f"k{i}", operator="Exists", effect="NoExecute", tolerationSeconds=i) for i in range(20_000)]
    assert merged(many, many) == many


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        (EQUAL, EQUAL, True),
        (EQUAL, Toleration(key="k", value="v"), True),
        (EQUAL, Toleration(key="k", value="w"), False),
        (EQUAL, Toleration(key="x", operator="Equal", value="v"), False),
        (EXISTS, EQUAL, True),
        (EQUAL, EXISTS, False),
        (ALL, EXISTS, True),
        (EXISTS, ALL, False),
        (EXISTS, SHORT, True),
        (SHORT, EXISTS, False),
        (LONG, SHORT, True),
        (SHORT, LONG, False),
        (LONG, FOREVER, False),
        (FOREVER, LONG, True),
        (Toleration(key="k", operator="Gt", value="1"), Toleration(key="k", operator="Gt", value="2"), False),
    ],
)
def test_includes(wide: Toleration, narrow: Toleration, expected: bool) -> None:
    assert Coverage([wide]).covers(narrow) is expected
    assert includes(wide, narrow) is expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([], [], []),
        ([EQUAL], [EQUAL], [EQUAL]),
        ([EQUAL, SHORT], [EXISTS], [EXISTS]),
        ([EXISTS], [EQUAL], [EXISTS]),
        ([SHORT], [EQUAL], [SHORT, EQUAL]),
    ],
)
def test_merged(first: list[Toleration], second: list[Toleration], expected: list[Toleration]) -> None:
    assert merged(first, second) == expected
