"""Discovery, group by group."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_should_locate_the_groupversion_and_a_resource_within_each_apigroup(api):
    """Discovery should locate the groupVersion and a resource within each APIGroup"""
    groups = (await api.get("/apis"))["groups"]
    assert len(groups) > 15
    for group in groups:
        for version in group["versions"]:
            assert version["groupVersion"] == f"{group['name']}/{version['version']}"
            found = await api.get(f"/apis/{group['name']}/{version['version']}")
            assert found["groupVersion"] == version["groupVersion"]
            assert found["resources"]
            first = found["resources"][0]
            assert first["name"]
            assert first["kind"]
            assert first["verbs"]
        assert group["preferredVersion"] in group["versions"]
