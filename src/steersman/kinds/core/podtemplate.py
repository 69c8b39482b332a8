"""PodTemplate: a stored description of a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PodTemplate

KIND: Kind[PodTemplate] = Kind(
    resource=Resource("", "v1", "podtemplates", "PodTemplate", True),
    generation=True,
)
