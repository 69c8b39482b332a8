"""The scale of what has replicas."""

import pytest
from tests.apiserver.conftest import Api, pod

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


async def deploy(api: Api) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]}
    spec = {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    await api.post(DEPLOYMENTS, {"metadata": {"name": "d"}, "spec": spec})


async def test_scale(api: Api) -> None:
    await deploy(api)
    scale = await api.get(f"{DEPLOYMENTS}/d/scale")
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert scale["spec"] == {"replicas": 2}
    assert scale["status"] == {"replicas": 0, "selector": "a=b"}
    scale["spec"]["replicas"] = 5
    changed = await api.put(f"{DEPLOYMENTS}/d/scale", scale)
    assert changed["spec"]["replicas"] == 5
    assert (await api.put(f"{DEPLOYMENTS}/d/scale", scale, code=409))["reason"] == "Conflict"
    patched = await api.patch(f"{DEPLOYMENTS}/d/scale", {"spec": {"replicas": 0}})
    assert patched["spec"].get("replicas", 0) == 0
    deployment = await api.get(f"{DEPLOYMENTS}/d")
    assert deployment["spec"]["replicas"] == 0
    assert deployment["metadata"]["generation"] == 3


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"spec": {"replicas": -1}}, 422, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        ({"metadata": {"name": "x"}}, 400, "does not match the name on the URL"),
        ({"metadata": {"namespace": "other"}}, 400, "does not match the namespace sent on the request"),
        ({"spec": {"replicas": "x"}}, 400, 'Scale in version "v1" cannot be handled as a Scale'),
    ],
)
async def test_refused(api: Api, body: object, code: int, message: str) -> None:
    await deploy(api)
    assert message in (await api.put(f"{DEPLOYMENTS}/d/scale", body, code=code))["message"]


async def test_only_what_has_replicas(api: Api) -> None:
    await api.get("/api/v1/namespaces/default/configmaps/a/scale", code=404)
    await api.get(f"{DEPLOYMENTS}/no/scale", code=404)
    await api.delete(f"{DEPLOYMENTS}/no/scale", code=405)
