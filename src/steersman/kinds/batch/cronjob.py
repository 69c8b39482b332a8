"""CronJob: Jobs at set times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.batch_v1 import CronJob

KIND: Kind[CronJob] = Kind(
    resource=Resource("batch", "v1", "cronjobs", "CronJob", True),
    short_names=("cj",),
    categories=("all",),
    subresources=frozenset({"status"}),
    generation=True,
)
