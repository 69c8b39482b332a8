"""Validation of StatefulSets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.apps import workload_rules as rules
from steersman.kinds.core import claim_validation

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import StatefulSet, StatefulSetSpec
    from steersman.kinds.types.core_v1 import PodTemplateSpec

_CHANGEABLE = (
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
)  # fmt: skip
_RETENTION = ("Retain", "Delete")


def check(stateful_set: StatefulSet) -> Errors:
    spec, path = stateful_set.spec, rules.SPEC
    errors = _check_management(spec.podManagementPolicy, path.child("podManagementPolicy"))
    errors += _check_strategy(spec, path.child("updateStrategy"))
    errors += rules.check_counts(spec, path, "replicas", "minReadySeconds", "revisionHistoryLimit")
    if spec.ordinals is not None:
        errors += rules.check_counts(spec.ordinals, path.child("ordinals"), "start")
    if spec.persistentVolumeClaimRetentionPolicy is not None:
        for name in ("whenDeleted", "whenScaled"):
            value = getattr(spec.persistentVolumeClaimRetentionPolicy, name)
            at = path.child("persistentVolumeClaimRetentionPolicy", name)
            if value not in _RETENTION:
                errors.append(field.not_supported(at, value, _RETENTION))
    errors += rules.check_selector(spec.selector, spec.template, "statefulset")
    errors += rules.check_template(_with_claims(spec), "StatefulSet")
    for i, claim in enumerate(spec.volumeClaimTemplates or ()):
        errors += claim_validation.check_spec(claim.spec, path.child("volumeClaimTemplates").index(i).child("spec"))
    return errors


def _check_management(policy: str, path: Path) -> Errors:
    if not policy:
        return [field.required(path)]
    if policy in ("OrderedReady", "Parallel"):
        return []
    return [field.invalid(path, policy, "must be 'OrderedReady' or 'Parallel'")]


def _with_claims(spec: StatefulSetSpec) -> PodTemplateSpec:
    """The template as its pods will be: each claim is one of their volumes."""
    from steersman.kinds.types.core_v1 import PersistentVolumeClaimVolumeSource, Volume

    template = spec.template
    known = {volume.name for volume in template.spec.volumes or ()}
    claims = [c.metadata.name for c in spec.volumeClaimTemplates or () if c.metadata.name not in known]
    if not claims:
        return template
    added = [Volume(name=n, persistentVolumeClaim=PersistentVolumeClaimVolumeSource(claimName=n)) for n in claims]
    volumes = [*(template.spec.volumes or ()), *added]
    return structs.replace(template, spec=structs.replace(template.spec, volumes=volumes))


def _check_strategy(spec: StatefulSetSpec, path: Path) -> Errors:
    strategy = spec.updateStrategy
    if strategy is None:
        return [field.required(path)]
    rolling, at = strategy.rollingUpdate, path.child("rollingUpdate")
    if strategy.type == "OnDelete":
        detail = "only allowed for updateStrategy 'RollingUpdate'"
        return [] if rolling is None else [field.invalid(at, rolling, detail)]
    if strategy.type != "RollingUpdate":
        if not strategy.type:
            return [field.required(path)]
        return [field.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")]
    if rolling is None:
        return []
    errors = rules.check_counts(rolling, at, "partition")
    if rolling.maxUnavailable is not None:
        errors += rules.check_int_or_percent(rolling.maxUnavailable, at.child("maxUnavailable"))
        if not errors and rules.is_zero(rolling.maxUnavailable):
            errors.append(field.invalid(at.child("maxUnavailable"), rolling.maxUnavailable, "cannot be 0"))
        errors += rules.check_at_most_all(rolling.maxUnavailable, at.child("maxUnavailable"))
    return errors


def check_update(stateful_set: StatefulSet, old: StatefulSet) -> Errors:
    spec, before = stateful_set.spec, old.spec
    allowed = structs.replace(before, **{name: getattr(spec, name) for name in _CHANGEABLE})
    if field.same(spec, allowed):
        return []
    listed = ", ".join(f"'{name}'" for name in _CHANGEABLE[:-1])
    detail = f"updates to statefulset spec for fields other than {listed} and '{_CHANGEABLE[-1]}' are forbidden"
    return [field.forbidden(rules.SPEC, detail)]


def check_status_update(stateful_set: StatefulSet, old: StatefulSet) -> Errors:
    status, path = stateful_set.status, Path("status")
    errors = rules.check_counts(status, path, "replicas", "observedGeneration", "collisionCount")
    return errors + rules.check_bounds(
        status, path, "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"
    )
