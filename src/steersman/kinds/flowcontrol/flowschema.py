"""FlowSchema: which requests share a priority level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.flowcontrol_v1 import FlowSchema

KIND: Kind[FlowSchema] = Kind(
    resource=Resource("flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "FlowSchema", False),
    subresources=frozenset({"status"}),
    generation=True,
)
