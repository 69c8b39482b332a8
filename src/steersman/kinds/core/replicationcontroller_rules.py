"""Validation of ReplicationControllers and of stored pod templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.apps import workload_rules as rules
from steersman.kinds.core import pod_validation

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PodTemplate, ReplicationController


def check(controller: ReplicationController) -> Errors:
    spec, path = controller.spec, rules.SPEC
    errors = rules.check_counts(spec, path, "minReadySeconds")
    if not spec.selector:
        errors.append(field.required(path.child("selector")))
    errors += rules.check_counts(spec, path, "replicas")
    template = spec.template
    if template is None:
        return [*errors, field.required(path.child("template"))]
    labels = template.metadata.labels or {}
    if spec.selector and not spec.selector.items() <= labels.items():
        at = path.child("template", "metadata", "labels")
        errors.append(field.invalid(at, template.metadata.labels, "`selector` does not match template `labels`"))
    return errors + rules.check_template(template, "ReplicationController")


def check_status_update(controller: ReplicationController, old: ReplicationController) -> Errors:
    status, path = controller.status, Path("status")
    errors = rules.check_counts(
        status, path, "replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"
    )
    return errors + rules.check_bounds(status, path, "fullyLabeledReplicas", "readyReplicas", "availableReplicas")


def check_pod_template(obj: PodTemplate) -> Errors:
    return pod_validation.check_template(obj.template, Path("template"))
