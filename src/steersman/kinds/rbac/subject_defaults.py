"""The API group of subjects and roles, which may be left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.kinds.types.rbac_v1 import Subject

RBAC_GROUP = "rbac.authorization.k8s.io"


def default_subjects(subjects: Iterable[Subject] | None) -> None:
    """Users and groups are of the RBAC group; service accounts are of the core group, which is empty."""
    for subject in subjects or ():
        if not subject.apiGroup and subject.kind in ("User", "Group"):
            subject.apiGroup = RBAC_GROUP
