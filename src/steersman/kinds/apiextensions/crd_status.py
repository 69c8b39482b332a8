"""The status of a custom resource definition: which of its names it has got, and whether it is served. Decisions only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from steersman.api import codec
from steersman.api.field import same
from steersman.kinds.types.apiextensions_v1 import (
    CustomResourceDefinitionCondition,
    CustomResourceDefinitionNames,
)

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinition, CustomResourceDefinitionVersion

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
ESTABLISHED, NAMES_ACCEPTED, TERMINATING = "Established", "NamesAccepted", "Terminating"


class Condition(NamedTuple):
    """What a condition says, without its time."""

    type: str
    status: str
    reason: str
    message: str


def find(crd: CustomResourceDefinition, type_: str) -> CustomResourceDefinitionCondition | None:
    return next((c for c in crd.status.conditions or () if c.type == type_), None)


def is_true(crd: CustomResourceDefinition, type_: str) -> bool:
    found = find(crd, type_)
    return found is not None and found.status == "True"


def is_served(crd: CustomResourceDefinition) -> bool:
    """Whether its resources have paths."""
    return is_true(crd, ESTABLISHED)


def is_terminating(crd: CustomResourceDefinition) -> bool:
    return bool(crd.metadata.deletionTimestamp) or is_true(crd, TERMINATING)


def storage_version(crd: CustomResourceDefinition) -> CustomResourceDefinitionVersion:
    """The version that is stored; validation sees to it that there is one."""
    return next(v for v in crd.spec.versions if v.storage)


def set_condition(crd: CustomResourceDefinition, condition: Condition, now: str) -> None:
    """Put a condition into the status, in place; its time changes with its status only."""
    found = find(crd, condition.type)
    if found is None:
        found = CustomResourceDefinitionCondition(type=condition.type, lastTransitionTime=now)
        crd.status.conditions = [*(crd.status.conditions or ()), found]
    elif found.status != condition.status or not found.lastTransitionTime:
        found.lastTransitionTime = now
    found.status, found.reason, found.message = condition.status, condition.reason, condition.message


def says(crd: CustomResourceDefinition, condition: Condition) -> bool:
    """Whether the status has the condition already."""
    found = find(crd, condition.type)
    return found is not None and (found.status, found.reason, found.message) == condition[1:]


def store(crd: CustomResourceDefinition) -> None:
    """Remember in the status, in place, that objects may be stored in the storage version."""
    stored = crd.status.storedVersions or []
    for version in crd.spec.versions:
        if version.storage:
            if version.name not in stored:
                crd.status.storedVersions = [*stored, version.name]
            return


class Naming(NamedTuple):
    names: CustomResourceDefinitionNames
    accepted: Condition


def accept_names(crd: CustomResourceDefinition, others: Iterable[CustomResourceDefinition]) -> Naming:
    """Which of the wanted names are free, among all definitions (of which only those of the group matter)."""
    resources, kinds = _taken(crd, others)
    wanted, had = crd.spec.names, crd.status.acceptedNames or CustomResourceDefinitionNames()
    names = codec.clone(had)
    reason = message = ""
    for attribute, taken, word in (
        ("plural", resources, "Plural"),
        ("singular", resources, "Singular"),
        ("shortNames", resources, "ShortNames"),
        ("kind", kinds, "Kind"),
        ("listKind", kinds, "ListKind"),
    ):
        mine = getattr(had, attribute)
        value = getattr(wanted, attribute)
        conflict = _short_conflict(value, mine, taken) if attribute == "shortNames" else _conflict(value, mine, taken)
        if conflict:
            reason, message = f"{word}Conflict", conflict
        else:
            setattr(names, attribute, value)
    names.categories = wanted.categories
    if reason:
        return Naming(names, Condition(NAMES_ACCEPTED, "False", reason, message))
    return Naming(names, Condition(NAMES_ACCEPTED, "True", "NoConflicts", "no conflicts found"))


def _taken(
    crd: CustomResourceDefinition, others: Iterable[CustomResourceDefinition]
) -> tuple[frozenset[str], frozenset[str]]:
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        names = other.status.acceptedNames
        if names is None or other.spec.group != crd.spec.group:
            continue
        resources |= {names.plural, names.singular, *(names.shortNames or ())}
        kinds |= {names.kind, names.listKind}
    return frozenset(resources), frozenset(kinds)


def _conflict(wanted: str, had: str, taken: frozenset[str]) -> str:
    return "" if wanted == had or wanted not in taken else f'"{wanted}" is already in use'


def _short_conflict(wanted: list[str] | None, had: list[str] | None, taken: frozenset[str]) -> str:
    mine = had or ()
    found = [c for c in (_conflict(n, "", taken) for n in wanted or () if n not in mine) if c]
    return found[0] if len(found) == 1 else f"[{', '.join(found)}]" if found else ""


def establishment(crd: CustomResourceDefinition, accepted: Condition) -> Condition | None:
    """What Established says before the resources are served; None where it stays as it is."""
    found = find(crd, ESTABLISHED)
    if found is not None and found.status == "True":
        return None
    if accepted.status == "True":
        return Condition(ESTABLISHED, "False", "Installing", "the initial names have been accepted")
    if found is None:
        return Condition(ESTABLISHED, "False", "NotAccepted", "not all names are accepted")
    return None


def named(crd: CustomResourceDefinition) -> bool:
    """Whether the accepted names are the wanted ones."""
    return crd.status.acceptedNames is not None and same(crd.spec.names, crd.status.acceptedNames)


ESTABLISHED_NOW = Condition(ESTABLISHED, "True", "InitialNamesAccepted", "the initial names have been accepted")
DELETION_PENDING = Condition(
    TERMINATING,
    "True",
    "InstanceDeletionPending",
    "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
)
DELETION_IN_PROGRESS = Condition(
    TERMINATING, "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress"
)
DELETION_COMPLETED = Condition(TERMINATING, "False", "InstanceDeletionCompleted", "removed all instances")
NEVER_ESTABLISHED = Condition(TERMINATING, "False", "NeverEstablished", "resource was never established")
