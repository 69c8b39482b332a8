"""Requests to write stored objects again."""

import pytest
from tests.conformance.patterns import Crud, Resource, crud

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONDITION = {
    "type": "TestCondition",
    "status": "True",
    "reason": "Test",
    "message": "as it was said",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


async def test_storageversionmigration(api, unique):
    """StorageVersionMigration CRUD Tests storagemigration.k8s.io/v1 StorageVersionMigration"""
    case = Crud(
        {"metadata": {"name": unique}, "spec": {"resource": {"group": "", "resource": "foo"}}},
        {"metadata": {"labels": {"changed": "yes"}}},
        {"status": {"conditions": [CONDITION]}},
    )
    await crud(api, Resource("storagemigration.k8s.io/v1", "storageversionmigrations"), case, unique)
