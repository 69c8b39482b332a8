"""Dynamic resource allocation: what the API keeps of devices and of claims to them."""

import pytest
from tests.conformance.patterns import Crud, Resource, crud

pytestmark = pytest.mark.asyncio(loop_scope="session")

VERSION = "resource.k8s.io/v1"
LABELLED = {"metadata": {"labels": {"changed": "yes"}}}
CONDITION = {
    "type": "Tested",
    "status": "True",
    "reason": "Test",
    "message": "as it was said",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}
REQUEST = {"name": "req-0", "exactly": {"deviceClassName": "a-class"}}


async def test_deviceclass(api, unique):
    """[DRA] CRUD Tests resource.k8s.io/v1 DeviceClass"""
    selectors = [{"cel": {"expression": 'device.driver == "example.com"'}}]
    case = Crud({"metadata": {"name": unique}, "spec": {}}, {"spec": {"selectors": selectors}})
    await crud(api, Resource(VERSION, "deviceclasses"), case, unique)


async def test_devicetaintrule(api, unique):
    """[DRA] CRUD Tests resource.k8s.io/v1 DeviceTaintRule"""
    taint = {"key": "example.com/tainted", "value": "yes", "effect": "None"}
    spec = {"deviceSelector": {"driver": "example.com"}, "taint": taint}
    case = Crud(
        {"metadata": {"name": unique}, "spec": spec},
        {"spec": {"taint": {"value": "no"}}},
        {"status": {"conditions": [CONDITION]}},
    )
    await crud(api, Resource(VERSION, "devicetaintrules"), case, unique)


async def test_resourceclaim(api, ns, unique):
    """[DRA] CRUD Tests resource.k8s.io/v1 ResourceClaim"""
    allocation = {"results": [{"request": "req-0", "driver": "example.com", "pool": "pool", "device": "dev-0"}]}
    case = Crud(
        {"metadata": {"name": "claim"}, "spec": {"devices": {"requests": [REQUEST]}}},
        LABELLED,
        {"status": {"allocation": {"devices": allocation}}},
    )
    await crud(api, Resource(VERSION, "resourceclaims", ns), case, unique)


async def test_resourceclaimtemplate(api, ns, unique):
    """[DRA] CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate"""
    spec = {"spec": {"devices": {"requests": [REQUEST]}}}
    case = Crud({"metadata": {"name": "template"}, "spec": spec}, LABELLED)
    await crud(api, Resource(VERSION, "resourceclaimtemplates", ns), case, unique)


async def test_resourceslice(api, unique):
    """[DRA] CRUD Tests resource.k8s.io/v1 ResourceSlice"""
    spec = {
        "nodeName": "some-node",
        "driver": "example.com",
        "pool": {"name": "pool", "generation": 1, "resourceSliceCount": 1},
        "devices": [{"name": "dev-0"}],
    }
    case = Crud(
        {"metadata": {"name": unique}, "spec": spec}, {"spec": {"devices": [{"name": "dev-0"}, {"name": "dev-1"}]}}
    )
    await crud(api, Resource(VERSION, "resourceslices"), case, unique)
