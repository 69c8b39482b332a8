"""What is decided about one pod, or one template of pods, in a namespace with a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from steersman.api import codec
from steersman.api.field import FieldError, aggregate
from steersman.api.memo import LARGEST, Memo
from steersman.apiserver.podsecurity.policy import ENFORCED, ERROR, VIOLATIONS, Policy, Standard
from steersman.apiserver.podsecurity.standards import details, evaluate
from steersman.apiserver.podsecurity.subject import Subject
from steersman.kinds.types.core_v1 import EphemeralContainer, PodSpec


@dataclass(slots=True)
class Decision:
    """`refused` says why the pod is, if it is; `warning` is for who asked, `annotations` are for the audit."""

    refused: str = ""
    warning: str = ""
    annotations: dict[str, str] = field(default_factory=dict)


_known: Memo[Decision] = Memo()
# Of all annotations, controls look at these.
_LOOKED_AT = (
    "container.apparmor.security.beta.kubernetes.io/",
    "container.seccomp.security.alpha.kubernetes.io/",
    "seccomp.security.alpha.kubernetes.io/",
)


def decide(
    policy: Policy,
    errors: Sequence[FieldError],
    annotations: Mapping[str, str] | None,
    spec: PodSpec,
    *,
    enforce: bool,
) -> Decision:
    """`errors` are what could not be read of the policy; without `enforce` nothing is refused.

    The decision is shared and must not be changed: few pods are without siblings.
    """
    if errors:
        return _decide(policy, errors, annotations, spec, enforce)
    looked_at = tuple(sorted(a for a in (annotations or {}).items() if a[0].startswith(_LOOKED_AT)))
    about, data = (policy, looked_at, enforce), codec.encode(spec)
    found = _known.get(about, data)
    if found is None:
        found = _decide(policy, errors, annotations, spec, enforce)
        if len(str(looked_at)) <= LARGEST:
            _known.put(about, data, found)
    return found


def _decide(
    policy: Policy, errors: Sequence[FieldError], annotations: Mapping[str, str] | None, spec: PodSpec, enforce: bool
) -> Decision:
    decision = Decision()
    if errors:
        decision.annotations[ERROR] = f"Failed to parse policy: {aggregate(errors)}"
    subject = Subject.of(annotations, spec)
    known: dict[Standard, str] = {}

    def against(standard: Standard) -> str:
        found = known.get(standard)
        if found is None:
            found = known[standard] = details(evaluate(standard, subject))
        return found

    if enforce:
        decision.annotations[ENFORCED] = str(policy.enforce)
        if wrong := against(policy.enforce):
            decision.refused = f'violates PodSecurity "{policy.enforce}": {wrong}'
    if wrong := against(policy.audit):
        decision.annotations[VIOLATIONS] = f'would violate PodSecurity "{policy.audit}": {wrong}'
    if not decision.refused and (wrong := against(policy.warn)):
        decision.warning = f'would violate PodSecurity "{policy.warn}": {wrong}'
    return decision


def is_significant(new: PodSpec, old: PodSpec) -> bool:
    """Whether an update of a pod changes what controls look at: of what may change, that is its containers' images."""
    if len(new.containers) != len(old.containers) or len(new.initContainers or ()) != len(old.initContainers or ()):
        return True
    pairs = zip(
        (*new.containers, *(new.initContainers or ())), (*old.containers, *(old.initContainers or ())), strict=True
    )
    if any(one.image != other.image for one, other in pairs):
        return True
    before: dict[str, EphemeralContainer] = {c.name: c for c in old.ephemeralContainers or ()}
    return any((known := before.get(c.name)) is None or known.image != c.image for c in new.ephemeralContainers or ())
