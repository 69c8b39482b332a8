"""DeviceTaintRule: taints devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, Version
from steersman.kinds.resource import taint_rules

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import DeviceTaintRule

KIND: Kind[DeviceTaintRule] = Kind(
    resource=Resource("resource.k8s.io", "v1", "devicetaintrules", "DeviceTaintRule", False),
    subresources=frozenset({"status"}),
    versions=(
        Version(Resource("resource.k8s.io", "v1beta2", "devicetaintrules", "DeviceTaintRule", False)),
        Version(Resource("resource.k8s.io", "v1alpha3", "devicetaintrules", "DeviceTaintRule", False)),
    ),
    generation=True,
    check=taint_rules.check_rule,
    check_status_update=taint_rules.check_rule_status,
)
