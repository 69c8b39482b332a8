"""Tables as kubectl prints them."""

import pytest
from tests.apiserver.conftest import MAPS, PODS, Api, config_map, pod

TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
PARTIAL = {"accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"}


async def test_rows(api: Api) -> None:
    await api.post(MAPS, config_map("a", k="v"))
    await api.clock.advance(90)
    answer = await api.get(MAPS, headers=TABLE)
    assert (answer["kind"], answer["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert [c["name"] for c in answer["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert answer["columnDefinitions"][0]["format"] == "name"
    (row,) = answer["rows"]
    assert row["cells"] == ["a", 1, "90s"]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    assert row["object"]["metadata"]["name"] == "a"


@pytest.mark.parametrize(("include", "kind"), [("Object", "ConfigMap"), ("Metadata", "PartialObjectMetadata")])
async def test_objects_in_rows(api: Api, include: str, kind: str) -> None:
    await api.post(MAPS, config_map())
    answer = await api.get(f"{MAPS}?includeObject={include}", headers=TABLE)
    assert answer["rows"][0]["object"]["kind"] == kind


async def test_rows_without_objects(api: Api) -> None:
    await api.post(MAPS, config_map())
    assert (await api.get(f"{MAPS}/a?includeObject=None", headers=TABLE))["rows"][0]["object"] is None
    answer = await api.get(f"{MAPS}?includeObject=Foo", headers=TABLE, code=400)
    assert answer["message"] == (
        'Unable to convert to Table as requested: includeObject: Invalid value: "Foo": '
        "must be 'Metadata', 'Object', 'None', or empty"
    )


async def test_pages(api: Api) -> None:
    for i in range(3):
        await api.post(PODS, pod(f"p{i}"))
    answer = await api.get(f"{PODS}?limit=1", headers=TABLE)
    assert answer["metadata"]["remainingItemCount"] == 2
    assert answer["metadata"]["continue"]
    partial = await api.get(f"{PODS}?limit=1", headers=PARTIAL)
    assert partial["kind"] == "PartialObjectMetadataList"
    assert [set(i) for i in partial["items"]] == [{"kind", "apiVersion", "metadata"}]
    assert partial["metadata"]["remainingItemCount"] == 2
