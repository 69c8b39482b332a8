"""Node: a machine that runs pods."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import NONE, UNKNOWN, condition, created
from steersman.kinds.core import node_rules
from steersman.kinds.kind import AGE, NAME, Column, Kind, wide

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Node


def _row(obj: Node, now: datetime) -> list[Any]:
    info = obj.status.nodeInfo
    return [
        obj.metadata.name,
        _status(obj),
        ",".join(_roles(obj)) or NONE,
        created(obj, now),
        info.kubeletVersion if info else "",
        _address(obj, "InternalIP"),
        _address(obj, "ExternalIP"),
        (info.osImage if info else "") or UNKNOWN,
        (info.kernelVersion if info else "") or UNKNOWN,
        (info.containerRuntimeVersion if info else "") or UNKNOWN,
    ]


_ROLE_PREFIX, _ROLE_LABEL = "node-role.kubernetes.io/", "kubernetes.io/role"


def _status(obj: Node) -> str:
    ready = condition(obj, "Ready")
    text = "Unknown" if ready is None else ("Ready" if ready.status == "True" else "NotReady")
    return f"{text},SchedulingDisabled" if obj.spec.unschedulable else text


def _roles(obj: Node) -> list[str]:
    labels = obj.metadata.labels or {}
    roles = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)}
    return sorted((roles | {labels.get(_ROLE_LABEL, "")}) - {""})


def _address(obj: Node, kind: str) -> str:
    return next((a.address for a in obj.status.addresses or () if a.type == kind), NONE)


KIND: Kind[Node] = Kind(
    resource=Resource("", "v1", "nodes", "Node", False),
    short_names=("no",),
    subresources=frozenset({"proxy", "status"}),
    status_on_create=True,
    columns=(
        NAME,
        Column("Status"),
        Column("Roles"),
        AGE,
        Column("Version"),
        wide("Internal-IP"),
        wide("External-IP"),
        wide("OS-Image"),
        wide("Kernel-Version"),
        wide("Container-Runtime"),
    ),
    row=_row,
    selectable=lambda obj: {"spec.unschedulable": "true" if obj.spec.unschedulable else "false"},
    default=node_rules.default,
    on_create=node_rules.on_create,
    on_update=node_rules.on_update,
    on_status_update=node_rules.on_status_update,
    check=node_rules.check,
    check_update=node_rules.check_update,
    check_status_update=node_rules.check_status_update,
    warnings=node_rules.warnings,
)
