"""Fields that pods may ask for of themselves."""

from __future__ import annotations

import pytest

from steersman.api.field import Path
from steersman.kinds.core.downward_validation import check_field_ref
from steersman.kinds.types.core_v1 import ObjectFieldSelector

ALLOWED = ("metadata.name", "metadata.labels")
UNSUPPORTED = "error converting fieldPath: field label not supported: "


def said(field_path: str) -> str:
    ref = ObjectFieldSelector(apiVersion="v1", fieldPath=field_path)
    return ", ".join(str(e) for e in check_field_ref(ref, ALLOWED, Path("f")))


@pytest.mark.parametrize(
    ("field_path", "expected"),
    [
        ("metadata.name", ""),
        ("metadata.labels", ""),
        ("metadata.labels['a.b/c']", ""),
        ("metadata.annotations['A.B/c']", ""),
        ("metadata.labels['']", "name part must be non-empty"),
        ("metadata.labels['a['b']", "name part must consist of"),
        ("metadata.name['a']", "does not support subscript"),
        ("['a']", f"{UNSUPPORTED}['a']"),
        ("metadata.labels['a'", UNSUPPORTED),
        ("metadata.labels[a']", UNSUPPORTED),
        ("metadata.labels']", UNSUPPORTED),
        ("status.phase", "supported values"),
    ],
)
def test_field_paths(field_path: str, expected: str) -> None:
    assert expected in said(field_path)
    assert bool(expected) is bool(said(field_path))


@pytest.mark.parametrize("end", ["", "']", "x"])
def test_a_path_of_any_length(end: str) -> None:
    """Minutes, where anything but a single pass is made."""
    assert said("metadata.labels" + "['" * 100_000 + end)
