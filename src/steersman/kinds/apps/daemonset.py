"""DaemonSet: a pod on every node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import DaemonSet

KIND: Kind[DaemonSet] = Kind(
    resource=Resource("apps", "v1", "daemonsets", "DaemonSet", True),
    short_names=("ds",),
    categories=("all",),
    subresources=frozenset({"status"}),
    generation=True,
)
