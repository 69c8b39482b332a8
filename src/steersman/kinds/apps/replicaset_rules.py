"""Defaults and validation of ReplicaSets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.apps import workload_rules as rules
from steersman.kinds.core.pod_defaults import default_template

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import ReplicaSet


def default(replica_set: ReplicaSet) -> None:
    default_template(replica_set.spec.template)
    if replica_set.spec.replicas is None:
        replica_set.spec.replicas = 1


def check(replica_set: ReplicaSet) -> Errors:
    spec = replica_set.spec
    errors = rules.check_counts(spec, rules.SPEC, "replicas", "minReadySeconds")
    errors += rules.check_selector(spec.selector, "deployment")
    return errors + rules.check_pods(spec.selector, spec.template, "ReplicaSet")


def check_update(replica_set: ReplicaSet, old: ReplicaSet) -> Errors:
    return field.immutable(rules.SPEC.child("selector"), replica_set.spec.selector, old.spec.selector)


def check_status_update(replica_set: ReplicaSet, old: ReplicaSet) -> Errors:
    status, path = replica_set.status, Path("status")
    errors = rules.check_counts(
        status, path, "replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration",
        "terminatingReplicas",
    )  # fmt: skip
    return errors + rules.check_bounds(status, path, "fullyLabeledReplicas", "readyReplicas", "availableReplicas")
