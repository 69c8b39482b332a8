"""RuntimeClass: a way to run containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.node_v1 import RuntimeClass

KIND: Kind[RuntimeClass] = Kind(
    resource=Resource("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", False),
    name_rule=names.dns1123_label,
    allow_unconditional_update=False,
)
