"""RuntimeClass: a way to run containers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.kind import AGE, NAME, Column, Kind
from steersman.kinds.node import older_versions, runtimeclass_rules

if TYPE_CHECKING:
    from steersman.kinds.types.node_v1 import RuntimeClass


def _row(obj: RuntimeClass, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.handler, created(obj, now)]


KIND: Kind[RuntimeClass] = Kind(
    resource=Resource("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", False),
    versions=older_versions.RUNTIME_CLASS,
    allow_unconditional_update=False,
    columns=(NAME, Column("Handler"), AGE),
    row=_row,
    check=runtimeclass_rules.check,
    check_update=runtimeclass_rules.check_update,
    warnings=runtimeclass_rules.warnings,
)
