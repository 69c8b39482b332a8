"""StorageVersionMigration: rewrites stored objects in the current version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, Version
from steersman.kinds.storagemigration import migration_rules

if TYPE_CHECKING:
    from steersman.kinds.types.storagemigration_v1 import StorageVersionMigration

KIND: Kind[StorageVersionMigration] = Kind(
    resource=Resource("storagemigration.k8s.io", "v1", "storageversionmigrations", "StorageVersionMigration", False),
    subresources=frozenset({"status"}),
    versions=(
        Version(
            Resource("storagemigration.k8s.io", "v1beta1", "storageversionmigrations", "StorageVersionMigration", False)
        ),
    ),
    check=migration_rules.check,
    check_update=migration_rules.check_update,
    check_status_update=migration_rules.check_status_update,
)
