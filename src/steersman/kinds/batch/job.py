"""Job: pods that run to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.batch_v1 import Job

KIND: Kind[Job] = Kind(
    resource=Resource("batch", "v1", "jobs", "Job", True),
    categories=("all",),
    subresources=frozenset({"status"}),
    generation=True,
)
