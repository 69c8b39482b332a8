"""Validation of StatefulSets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds import label_selector
from steersman.kinds.apps import workload_rules as rules
from steersman.kinds.apps import workload_warnings
from steersman.kinds.core import claim_validation, claim_warnings, pod_validation

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import StatefulSet, StatefulSetSpec
    from steersman.kinds.types.core_v1 import PodTemplateSpec

_IMMUTABLE = ("selector", "volumeClaimTemplates", "serviceName", "podManagementPolicy")
_ALL_REVISIONS = (
    "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
)
_RETENTION = ("Retain", "Delete")


def check(stateful_set: StatefulSet) -> Errors:
    spec, path = stateful_set.spec, rules.SPEC
    errors = _check_management(spec.podManagementPolicy, path.child("podManagementPolicy"))
    errors += _check_strategy(spec, path.child("updateStrategy"))
    if spec.persistentVolumeClaimRetentionPolicy is not None:
        for name in ("whenDeleted", "whenScaled"):
            value = getattr(spec.persistentVolumeClaimRetentionPolicy, name)
            at = path.child("persistentVolumeClaimRetentionPolicy", name)
            if value not in _RETENTION:
                errors.append(field.not_supported(at, value, _RETENTION))
    errors += rules.check_counts(spec, path, "replicas", "minReadySeconds")
    if spec.ordinals is not None:
        errors += rules.check_counts(spec.ordinals, path.child("ordinals"), "start")
    errors += rules.check_selector(spec.selector, "statefulset", "")
    if label_selector.compiled_or_none(spec.selector) is not None:
        errors += label_selector.check_match(spec.selector, spec.template, path)
        errors += pod_validation.check_template(_as_made(spec), path.child("template"))
    return errors + rules.check_for_ever(spec.template, "StatefulSet")


def check_new(stateful_set: StatefulSet) -> Errors:
    """What does not change any more, so that what was taken once can stay."""
    spec, path = stateful_set.spec, rules.SPEC
    claims = path.child("volumeClaimTemplates")
    errors = [
        error
        for i, claim in enumerate(spec.volumeClaimTemplates or ())
        for error in claim_validation.check_spec(claim.spec, claims.index(i).child("spec"))
    ]
    if spec.serviceName:
        errors += field.all_invalid(path.child("serviceName"), spec.serviceName, names.dns1123_label(spec.serviceName))
    return errors


def _check_management(policy: str, path: Path) -> Errors:
    if not policy:
        return [field.required(path)]
    if policy in ("OrderedReady", "Parallel"):
        return []
    return [field.invalid(path, policy, "must be 'OrderedReady' or 'Parallel'")]


def _as_made(spec: StatefulSetSpec) -> PodTemplateSpec:
    """The template as its pods will be: each claim is one of their volumes, and their names are not the template's."""
    from steersman.kinds.types.core_v1 import PersistentVolumeClaimVolumeSource, Volume

    template = spec.template
    pod = template.spec
    claims = list(dict.fromkeys(c.metadata.name for c in spec.volumeClaimTemplates or ()))
    if not claims and not pod.subdomain and not pod.hostname:
        return template
    added = [Volume(name=n, persistentVolumeClaim=PersistentVolumeClaimVolumeSource(claimName=n)) for n in claims]
    volumes = [*added, *(v for v in pod.volumes or () if v.name not in claims)]
    made = structs.replace(pod, volumes=volumes or None, subdomain="", hostname="")
    return structs.replace(template, spec=made)


def _check_strategy(spec: StatefulSetSpec, path: Path) -> Errors:
    strategy = spec.updateStrategy
    if strategy is None:
        return [field.required(path)]
    rolling, at = strategy.rollingUpdate, path.child("rollingUpdate")
    if strategy.type == "OnDelete":
        detail = "only allowed for updateStrategy 'RollingUpdate'"
        shown = rules.shown(strategy, "partition", "maxUnavailable")
        return [] if rolling is None else [field.invalid(at, shown["RollingUpdate"], detail)]
    if strategy.type != "RollingUpdate":
        if not strategy.type:
            return [field.required(path)]
        shown = rules.shown(strategy, "partition", "maxUnavailable")
        return [field.invalid(path, shown, "must be 'RollingUpdate' or 'OnDelete'")]
    if rolling is None:
        return []
    errors = rules.check_counts(rolling, at, "partition")
    if rolling.maxUnavailable is not None:
        errors += rules.check_int_or_percent(rolling.maxUnavailable, at.child("maxUnavailable"))
        if rules.is_zero(rolling.maxUnavailable):
            errors.append(field.invalid(at.child("maxUnavailable"), rolling.maxUnavailable, "cannot be 0"))
        errors += rules.check_at_most_all(rolling.maxUnavailable, at.child("maxUnavailable"))
    return errors


def check_update(stateful_set: StatefulSet, old: StatefulSet) -> Errors:
    spec, before = stateful_set.spec, old.spec
    return [
        error
        for name in _IMMUTABLE
        for error in field.immutable(rules.SPEC.child(name), getattr(spec, name), getattr(before, name))
    ]


def check_status_update(stateful_set: StatefulSet, old: StatefulSet) -> Errors:
    status, path = stateful_set.status, Path("status")
    counts = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
    errors = rules.check_counts(status, path, "replicas", *counts, "observedGeneration", "collisionCount")
    errors += rules.check_bounds(status, path, *counts, ready="status.readyReplicas")
    return errors + rules.check_collisions(status, old.status, path)


def warnings(stateful_set: StatefulSet) -> list[str]:
    return workload_warnings.of_template(stateful_set) + _warnings_of_claims(stateful_set)


def update_warnings(stateful_set: StatefulSet, old: StatefulSet) -> list[str]:
    changed = workload_warnings.of_change(workload_warnings.of_template)(stateful_set, old)
    return changed + _warnings_of_claims(stateful_set, "Spec")


def _warnings_of_claims(stateful_set: StatefulSet, *inside: str) -> list[str]:
    """Claims and revisions; `inside` is what Kubernetes adds to the path of a claim when something is changed."""
    spec, path = stateful_set.spec, rules.SPEC.child("volumeClaimTemplates")
    out = [
        warning
        for i, claim in enumerate(spec.volumeClaimTemplates or ())
        for warning in claim_warnings.of_spec(claim.spec, path.index(i).child(*inside))
    ]
    return out if spec.revisionHistoryLimit is None or spec.revisionHistoryLimit >= 0 else [*out, _ALL_REVISIONS]
