"""Tolerations put together."""

import pytest

from steersman.kinds.core.tolerations import includes, merged
from steersman.kinds.types.core_v1 import Toleration

EQUAL = Toleration(key="k", operator="Equal", value="v")
EXISTS = Toleration(key="k", operator="Exists")
ALL = Toleration(operator="Exists")
SHORT = Toleration(key="k", operator="Exists", effect="NoExecute", tolerationSeconds=5)
LONG = Toleration(key="k", operator="Exists", effect="NoExecute", tolerationSeconds=50)
FOREVER = Toleration(key="k", operator="Exists", effect="NoExecute")


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
