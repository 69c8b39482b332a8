"""PriorityLevelConfiguration: a share of the API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.flowcontrol_v1 import PriorityLevelConfiguration

KIND: Kind[PriorityLevelConfiguration] = Kind(
    resource=Resource(
        "flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "PriorityLevelConfiguration", False
    ),
    subresources=frozenset({"status"}),
    generation=True,
)
