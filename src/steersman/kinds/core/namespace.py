"""Namespace: a scope for names and policies."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.core import namespace_rules
from steersman.kinds.kind import AGE, ALL_VERBS, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Namespace


def _row(obj: Namespace, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.status.phase, created(obj, now)]


KIND: Kind[Namespace] = Kind(
    resource=Resource("", "v1", "namespaces", "Namespace", False),
    short_names=("ns",),
    # As in Kubernetes, nobody ends all namespaces by one request.
    verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection"),
    subresources=frozenset({"finalize", "status"}),
    name_rule=names.dns1123_label,
    columns=(NAME, Column("Status"), AGE),
    row=_row,
    selectable=lambda obj: {"status.phase": obj.status.phase, "name": obj.metadata.name},
    default=namespace_rules.default,
    on_create=namespace_rules.on_create,
    on_update=namespace_rules.on_update,
    on_delete=namespace_rules.on_delete,
    blockers=namespace_rules.blockers,
    check=namespace_rules.check,
    check_status_update=namespace_rules.check_status_update,
    check_subresource={"finalize": lambda obj, old: namespace_rules.check_finalizers(obj)},
)
