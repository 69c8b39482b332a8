"""Requests, limits and claims of containers."""

from __future__ import annotations

import pytest

from steersman.api.field import Path
from steersman.kinds.core.resource_validation import check_requirements
from steersman.kinds.types import core_v1


def test_any_number_of_claims() -> None:
    """Minutes, where all are compared with all; the errors do not repeat the names of all in every one."""
    named = [core_v1.ResourceClaim(name=f"c{i}") for i in range(20_000)]
    requirements = core_v1.ResourceRequirements(claims=[*named, *named])
    assert len(check_requirements(requirements, {c.name for c in named}, Path("r"))) == len(named)
    errors = check_requirements(requirements, {"x" * 60 + str(i) for i in range(1_000)}, Path("r"))
    assert sum(len(str(e)) for e in errors) < 20_000_000


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ([("a", ""), ("b", "")], []),
        ([("a", "x"), ("a", "y")], []),
        ([("a", ""), ("a", "")], ["r.claims[1]"]),
        ([("a", "x"), ("a", "x")], ["r.claims[1]"]),
        ([("a", "x"), ("a", "")], ["r.claims[1]"]),
        ([("a", ""), ("a", "x")], ["r.claims[1]"]),
    ],
)
def test_a_claim_is_named_once(claims: list[tuple[str, str]], expected: list[str]) -> None:
    made = [core_v1.ResourceClaim(name=name, request=request) for name, request in claims]
    errors = check_requirements(core_v1.ResourceRequirements(claims=made), {"a", "b"}, Path("r"))
    assert [e.field for e in errors if "Duplicate" in str(e)] == expected
