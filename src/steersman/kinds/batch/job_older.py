"""Job as extensions/v1beta1 knew it: its selector follows from the template unless it is to be made."""

from __future__ import annotations

from steersman.api.meta import Resource
from steersman.kinds.apps.older_versions import default_labels
from steersman.kinds.kind import Plain, older


def _default(plain: Plain) -> None:
    spec = plain.setdefault("spec", {})
    automatic = spec.setdefault("autoSelector", False)
    given = spec.get("selector")
    default_labels(plain)
    if automatic and given is None:
        spec.pop("selector", None)


def to_stored(plain: Plain) -> None:
    spec = plain.get("spec") or {}
    automatic = spec.pop("autoSelector", None)
    if automatic is not None and bool(spec.get("manualSelector")) is automatic:
        spec["manualSelector"] = not automatic


def from_stored(plain: Plain) -> None:
    spec = plain.setdefault("spec", {})
    spec["autoSelector"] = not spec.get("manualSelector")


JOB = (
    older(
        Resource("extensions", "v1beta1", "jobs", "Job", True),
        "1.5",
        "1.6",
        to_stored=to_stored,
        from_stored=from_stored,
        default=_default,
    ),
)
