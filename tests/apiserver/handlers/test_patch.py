"""The kinds of patch, and what they may not do."""

import pytest
from tests.apiserver.conftest import MAPS, PODS, Api, config_map, pod


async def test_merge(api: Api) -> None:
    await api.post(MAPS, config_map(a="1", b="2"))
    assert (await api.patch(f"{MAPS}/a", {"data": {"a": None, "c": "3"}}))["data"] == {"b": "2", "c": "3"}


async def test_json(api: Api) -> None:
    await api.post(MAPS, config_map(a="1"))
    operations = [{"op": "test", "path": "/data/a", "value": "1"}, {"op": "add", "path": "/data/b", "value": "2"}]
    patched = await api.patch(f"{MAPS}/a", operations, "json-patch+json")
    assert patched["data"] == {"a": "1", "b": "2"}


async def test_strategic_merges_lists_by_key(api: Api) -> None:
    await api.post(PODS, pod())
    patch = {"spec": {"containers": [{"name": "c", "image": "y"}]}}
    patched = await api.patch(f"{PODS}/a", patch, "strategic-merge-patch+json")
    assert [(c["name"], c["image"]) for c in patched["spec"]["containers"]] == [("c", "y")]
    assert patched["spec"]["containers"][0]["volumeMounts"]


async def test_resource_version_is_a_condition(api: Api) -> None:
    await api.post(MAPS, config_map())
    patch = {"metadata": {"resourceVersion": "1"}, "data": {"a": "1"}}
    assert (await api.patch(f"{MAPS}/a", patch, code=409))["reason"] == "Conflict"


@pytest.mark.parametrize(
    ("type", "body", "code", "message"),
    [
        ("apply-patch+cbor", {}, 415, "unknown format"),
        ("apply-patch+yaml", {}, 422, "fieldManager: Required value: is required for apply patch"),
        ("foo", {}, 415, "unknown format"),
        ("json", {}, 415, "unknown format"),
        ("merge-patch+json", b"{", 400, "error decoding patch"),
        ("merge-patch+json", {"metadata": {"name": "b"}}, 400, "does not match the name on the URL"),
        ("merge-patch+json", {"data": {"a": 1}}, 400, "cannot unmarshal number"),
        ("json-patch+json", [{"op": "test", "path": "/data/a", "value": "2"}], 422, ""),
    ],
)
async def test_refused(api: Api, type: str, body: object, code: int, message: str) -> None:
    await api.post(MAPS, config_map(a="1"))
    answer = await api.patch(f"{MAPS}/a", body, type, code=code)
    assert message in answer["message"]


async def test_absent(api: Api) -> None:
    await api.patch(f"{MAPS}/a", {}, code=404)


async def test_strict(api: Api) -> None:
    await api.post(PODS, pod())
    answer = await api.patch(f"{PODS}/a?fieldValidation=Strict", {"spec": {"foo": 1}}, code=400)
    assert 'unknown field "spec.foo"' in answer["message"]


async def test_dry_run(api: Api) -> None:
    await api.post(MAPS, config_map())
    await api.patch(f"{MAPS}/a?dryRun=All", {"data": {"a": "1"}})
    assert not (await api.get(f"{MAPS}/a")).get("data")
