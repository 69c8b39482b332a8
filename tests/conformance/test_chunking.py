"""Lists in parts."""

import asyncio

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEMPLATES = 400
CONTAINERS = {"containers": [{"name": "test", "image": "test2"}]}


@pytest.fixture
def fill():
    """Makes a namespace with so many pod templates that a list of them wants to be cut."""

    async def make(api, name):
        path = f"/api/v1/namespaces/{name}/podtemplates"

        async def create(numbers):
            for number in numbers:
                body = {"metadata": {"name": f"template-{number:04}"}, "template": {"spec": CONTAINERS}}
                await api.post(path, body)

        await asyncio.gather(*(create(range(start, TEMPLATES, 8)) for start in range(8)))
        return path

    return make


async def test_should_return_chunks_of_results_for_list_calls(api, ns, fill):
    """Servers with support for API chunking should return chunks of results for list calls"""
    path = await fill(api, ns)
    for limit in (TEMPLATES // 3, 1000):
        names, token, revision = [], None, ""
        while True:
            part = await api.get(path, limit=limit, **{"continue": token})
            meta = part["metadata"]
            names += [o["metadata"]["name"] for o in part["items"]]
            assert len(part["items"]) <= limit
            assert revision in ("", meta["resourceVersion"])
            revision, token = meta["resourceVersion"], meta.get("continue")
            assert meta.get("remainingItemCount", 0) == (TEMPLATES - len(names) if token else 0)
            if not token:
                break
        assert names == [f"template-{number:04}" for number in range(TEMPLATES)]
        whole = await api.get(path, resourceVersion=revision)
        assert [o["metadata"]["name"] for o in whole["items"]] == names


async def test_should_support_continue_listing_from_the_last_key_if_the_original_version_has_been_compacted_away(
    driven, unique, fill
):
    """Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow]"""
    await driven.post("/api/v1/namespaces", {"metadata": {"name": unique}})
    path = await fill(driven, unique)
    first = await driven.get(path, limit=40)
    token, revision = first["metadata"]["continue"], first["metadata"]["resourceVersion"]

    # What came before is forgotten by its age, once there is something newer.
    await driven.patch(f"{path}/template-0399", {"metadata": {"annotations": {"newer": "true"}}})
    await driven.cluster.advance(15 * 60)
    refused = await driven.get(path, limit=40, code=410, **{"continue": token})
    assert refused["reason"] == "Expired"
    inconsistent = refused["metadata"]["continue"]
    assert inconsistent
    second = await driven.get(path, limit=40, **{"continue": inconsistent})
    assert int(second["metadata"]["resourceVersion"]) > int(revision)
    names = [o["metadata"]["name"] for part in (first, second) for o in part["items"]]
    assert second["metadata"]["remainingItemCount"] == TEMPLATES - len(names)
    rest = await driven.get(path, limit=TEMPLATES, **{"continue": second["metadata"]["continue"]})
    assert rest["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
    names += [o["metadata"]["name"] for o in rest["items"]]
    assert names == [f"template-{number:04}" for number in range(TEMPLATES)]
