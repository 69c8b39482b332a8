"""The columns of role bindings, which show their subjects by kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from steersman.kinds.kind import AGE, NAME, Column, wide

if TYPE_CHECKING:
    from steersman.kinds.types.rbac_v1 import Subject

BINDING_COLUMNS = (NAME, Column("Role"), AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts"))


def subject_cells(subjects: Iterable[Subject] | None) -> list[Any]:
    """The users, groups and service accounts among the subjects."""
    found: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in subjects or ():
        name = f"{subject.namespace}/{subject.name}" if subject.kind == "ServiceAccount" else subject.name
        found.setdefault(subject.kind, []).append(name)
    return [", ".join(found[kind]) for kind in ("User", "Group", "ServiceAccount")]
