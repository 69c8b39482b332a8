"""PodTemplate: a stored description of a pod."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.field import Path
from steersman.api.meta import Resource
from steersman.kinds.apps import workload_warnings
from steersman.kinds.columns import containers, label_map
from steersman.kinds.core import pod_warnings, replicationcontroller_rules
from steersman.kinds.core.pod_defaults import default_template
from steersman.kinds.kind import NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PodTemplate


def _row(obj: PodTemplate, now: datetime) -> list[Any]:
    return [obj.metadata.name, *containers(obj.template.spec.containers), label_map(obj.template.metadata.labels)]


def _default(obj: PodTemplate) -> None:
    default_template(obj.template)


def _warnings(obj: PodTemplate) -> list[str]:
    return pod_warnings.of_template(obj.template, Path("template"))


KIND: Kind[PodTemplate] = Kind(
    resource=Resource("", "v1", "podtemplates", "PodTemplate", True),
    generation=True,
    columns=(NAME, Column("Containers"), Column("Images"), Column("Pod Labels")),
    row=_row,
    default=_default,
    check=replicationcontroller_rules.check_pod_template,
    warnings=_warnings,
    update_warnings=workload_warnings.of_change(_warnings),
)
