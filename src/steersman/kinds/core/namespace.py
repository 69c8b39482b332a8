"""Namespace: a scope for names and policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Namespace

KIND: Kind[Namespace] = Kind(
    resource=Resource("", "v1", "namespaces", "Namespace", False),
    short_names=("ns",),
    subresources=frozenset({"finalize", "status"}),
    name_rule=names.dns1123_label,
)
