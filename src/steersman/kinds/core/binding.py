"""Binding: assigns a pod to a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import CREATE_ONLY, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Binding

KIND: Kind[Binding] = Kind(
    resource=Resource("", "v1", "bindings", "Binding", True),
    stored=False,
    verbs=CREATE_ONLY,
)
