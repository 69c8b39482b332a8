"""ComponentStatuses, which are made up when somebody asks."""

import pytest
from tests.apiserver.conftest import Api

PATH = "/api/v1/componentstatuses"
HEALTHY = [{"type": "Healthy", "status": "True", "message": "ok"}]
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


async def test_the_store_is_told_of(api: Api) -> None:
    found = await api.get(PATH)
    assert (found["kind"], found["apiVersion"]) == ("ComponentStatusList", "v1")
    assert [(s["metadata"], s["conditions"]) for s in found["items"]] == [({"name": "etcd-0"}, HEALTHY)]
    one = await api.get(f"{PATH}/etcd-0")
    assert (one["kind"], one["metadata"], one["conditions"]) == ("ComponentStatus", {"name": "etcd-0"}, HEALTHY)


async def test_as_a_table(api: Api) -> None:
    for path in (PATH, f"{PATH}/etcd-0"):
        shown = await api.get(path, headers=TABLE)
        assert [c["name"] for c in shown["columnDefinitions"]] == ["Name", "Status", "Message", "Error"]
        assert [r["cells"] for r in shown["rows"]] == [["etcd-0", "Healthy", "ok", ""]]


@pytest.mark.parametrize("path", [PATH, f"{PATH}/etcd-0"])
async def test_in_protobuf_with_a_warning(api: Api, path: str) -> None:
    response = await api.raw("GET", path, headers={"accept": "application/vnd.kubernetes.protobuf"})
    assert response.status == 200
    assert isinstance(response.body, bytes)
    assert response.body.startswith(b"k8s\x00")
    assert response.headers["Warning"] == '299 - "v1 ComponentStatus is deprecated in v1.19+"'


async def test_there_is_no_more(api: Api) -> None:
    answer = await api.get(f"{PATH}/scheduler", code=404)
    assert answer["message"] == 'componentstatuses "scheduler" not found'
    await api.post(PATH, {}, code=405)
    await api.delete(f"{PATH}/etcd-0", code=405)
    await api.get(f"{PATH}/etcd-0/status", code=404)
    await api.get("/apis/authentication.k8s.io/v1/tokenreviews/x", code=404)
