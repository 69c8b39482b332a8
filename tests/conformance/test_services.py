"""Services as objects."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")


def service(name, unique, **spec):
    ports = [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 80}]
    return {"metadata": {"name": name, "labels": {"of": unique}}, "spec": {"ports": ports, **spec}}


async def test_should_complete_a_service_status_lifecycle(api, ns, unique):
    """Services should complete a service status lifecycle"""
    services = f"/api/v1/namespaces/{ns}/services"
    path, labels = f"{services}/tested", f"of={unique}"
    revision = (await api.get("/api/v1/services"))["metadata"]["resourceVersion"]
    async with api.watch(services, labelSelector=labels, resourceVersion=revision) as watch:
        created = await api.post(services, service("tested", unique, type="LoadBalancer"), code=201)
        await watch.until("ADDED")
        assert (await api.get(f"{path}/status"))["metadata"]["uid"] == created["metadata"]["uid"]
        ingress = [{"ip": "203.0.113.1"}]
        patch = {
            "metadata": {"annotations": {"patchedstatus": "true"}},
            "status": {"loadBalancer": {"ingress": ingress}},
        }
        await api.patch(f"{path}/status", patch)
        await watch.until(
            "MODIFIED", lambda o: o["status"]["loadBalancer"].get("ingress", [{}])[0].get("ip") == "203.0.113.1"
        )
        condition = {"type": "StatusUpdate", "status": "True", "reason": "Test", "message": "Set by the test"}
        updated = await api.change(path, lambda o: o["status"].update(conditions=[condition]), "/status")
        assert condition.items() <= updated["status"]["conditions"][0].items()
        await watch.until("MODIFIED", lambda o: "conditions" in o["status"])
        patched = await api.patch(path, {"metadata": {"labels": {"test-service": "patched"}}}, "strategic")
        assert patched["metadata"]["labels"]["test-service"] == "patched"
        assert patched["status"]["loadBalancer"]["ingress"][0]["ip"] == "203.0.113.1"
        await watch.until("MODIFIED", lambda o: o["metadata"]["labels"].get("test-service") == "patched")
        await api.delete(path)
        await watch.until("DELETED")


async def test_should_delete_a_collection_of_services(api, ns, unique):
    """Services should delete a collection of services"""
    services, labels = f"/api/v1/namespaces/{ns}/services", f"of={unique}"
    kinds = {"a": {"type": "ClusterIP"}, "b": {"type": "NodePort"}, "c": {"type": "ClusterIP", "clusterIP": "None"}}
    for name, spec in kinds.items():
        await api.post(services, service(name, unique, **spec), code=201)
    await api.post(services, service("other", "nobody"))
    assert len(await api.items(services, labels)) == 3
    assert len(await api.items("/api/v1/services", labels)) == 3
    await api.delete_all(services, labels)
    assert await api.items(services, labels) == []
    assert [o["metadata"]["name"] for o in await api.items(services)] == ["other"]
