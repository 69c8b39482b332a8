"""ConfigMaps and Secrets: changed, and made unchangeable."""

import base64

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")


def encoded(text):
    return base64.b64encode(text.encode()).decode()


async def test_should_update_configmap_successfully(api, ns):
    """ConfigMap should update ConfigMap successfully [NodeConformance]"""
    path = f"/api/v1/namespaces/{ns}/configmaps"
    await api.post(path, {"metadata": {"name": "tested"}, "data": {"data": "value"}}, code=201)
    await api.change(f"{path}/tested", lambda o: o.update(data={"data": "value-2"}))
    assert (await api.get(f"{path}/tested"))["data"] == {"data": "value-2"}


async def be_immutable(api, collection, data, change):
    path = f"{collection}/immutable"
    await api.post(collection, {"metadata": {"name": "immutable"}, "data": data}, code=201)
    await api.patch(path, {"data": change})
    sealed = await api.change(path, lambda o: o.update(immutable=True))
    assert sealed["immutable"] is True
    forbidden = "field is immutable when `immutable` is set"
    refused = await api.put(path, sealed | {"data": data}, code=422)
    assert forbidden in refused["message"]
    assert refused["details"]["causes"][0]["field"] == "data"
    refused = await api.put(path, sealed | {"immutable": False}, code=422)
    assert forbidden in refused["message"]
    unset = {key: value for key, value in sealed.items() if key != "immutable"}
    await api.put(path, unset, code=422)
    labelled = await api.patch(path, {"metadata": {"labels": {"label1": "value1"}}})
    assert labelled["metadata"]["labels"] == {"label1": "value1"}
    await api.delete(path)
    await api.get(path, code=404)


async def test_configmap_should_be_immutable_if_immutable_field_is_set(api, ns):
    """ConfigMap should be immutable if `immutable` field is set"""
    await be_immutable(api, f"/api/v1/namespaces/{ns}/configmaps", {"data-1": "value-1"}, {"data-4": "value-4"})


async def test_secrets_should_be_immutable_if_immutable_field_is_set(api, ns):
    """Secrets should be immutable if `immutable` field is set"""
    data, change = {"data-1": encoded("value-1")}, {"data-4": encoded("value-4")}
    await be_immutable(api, f"/api/v1/namespaces/{ns}/secrets", data, change)
