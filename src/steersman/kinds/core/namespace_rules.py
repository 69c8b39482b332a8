"""What the API server sets on namespaces and checks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds import metadata
from steersman.kinds.finalizers import NAMESPACE

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Namespace

NAME_LABEL = "kubernetes.io/metadata.name"


def default(namespace: Namespace) -> None:
    """A label with the name, so that selectors can name namespaces; a generated name gets it on creation."""
    name = namespace.metadata.name
    if name and (namespace.metadata.labels or {}).get(NAME_LABEL) != name:
        namespace.metadata.labels = {**(namespace.metadata.labels or {}), NAME_LABEL: name}
    namespace.status.phase = namespace.status.phase or "Active"


def on_create(namespace: Namespace) -> None:
    """A new namespace is Active and has the finalizer of the namespace controller."""
    default(namespace)
    namespace.status.phase = "Active"
    finalizers = namespace.spec.finalizers or []
    if NAMESPACE not in finalizers:
        namespace.spec.finalizers = [*finalizers, NAMESPACE]


def on_update(namespace: Namespace, old: Namespace) -> None:
    """Finalizers change through their own subresource only."""
    namespace.spec.finalizers = old.spec.finalizers


def on_delete(namespace: Namespace) -> None:
    """Nothing new may come into it from now on."""
    namespace.status.phase = "Terminating"


def blockers(namespace: Namespace) -> list[str]:
    """A deleted namespace stays until both kinds of finalizers are gone."""
    return [*(namespace.metadata.finalizers or ()), *(namespace.spec.finalizers or ())]


def check(namespace: Namespace) -> Errors:
    return check_finalizers(namespace, indexed=False)


def check_finalizers(namespace: Namespace, *, indexed: bool = True) -> Errors:
    """What is wrong with the namespace's own finalizers; its `finalize` says which of them."""
    errors: Errors = []
    for i, name in enumerate(namespace.spec.finalizers or ()):
        at = Path("spec", "finalizers")
        at = at.index(i) if indexed else at
        errors += field.all_invalid(at, name, names.qualified_name(name))
        errors += metadata.check_finalizer(name, at)
    return errors


def check_status_update(namespace: Namespace, old: Namespace) -> Errors:
    """The phase follows from the deletion timestamp."""
    at = Path("status", "Phase")
    phase = namespace.status.phase
    if not namespace.metadata.deletionTimestamp:
        detail = "may only be 'Active' if `deletionTimestamp` is empty"
        return [] if phase == "Active" else [field.invalid(at, phase, detail)]
    detail = "may only be 'Terminating' if `deletionTimestamp` is not empty"
    return [] if phase == "Terminating" else [field.invalid(at, phase, detail)]
