"""What concerns nodes and what pods ask of them, before anything runs."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")


def pod(name, **spec):
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "busybox"}], **spec}}


async def test_should_run_through_the_lifecycle_of_a_node(api, unique):
    """Node Lifecycle should run through the lifecycle of a node"""
    condition = {"type": "Ready", "status": "True", "reason": "Test", "message": "Set by the test"}
    status = {"phase": "Running", "conditions": [condition]}
    node = {"metadata": {"name": unique}, "spec": {"unschedulable": True}, "status": status}
    created = await api.post("/api/v1/nodes", node, code=201)
    assert created["status"]["conditions"][0]["reason"] == "Test"
    path = f"/api/v1/nodes/{unique}"
    assert (await api.get(path))["metadata"]["name"] == unique
    patched = await api.patch(path, {"metadata": {"labels": {unique: "patched"}}}, "strategic")
    assert patched["metadata"]["labels"][unique] == "patched"
    assert len(await api.items("/api/v1/nodes", f"{unique}=patched")) == 1
    updated = await api.change(path, lambda o: o["metadata"]["labels"].update({unique: "updated"}))
    assert updated["metadata"]["labels"][unique] == "updated"
    await api.delete(path)
    await api.gone(path)


async def test_should_replace_a_pod_template(api, ns):
    """PodTemplates should replace a pod template"""
    path = f"/api/v1/namespaces/{ns}/podtemplates"
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod("x")["spec"]}
    await api.post(path, {"metadata": {"name": "tested"}, "template": template}, code=201)

    def change(obj):
        obj["metadata"].setdefault("annotations", {})["updated"] = "true"
        obj["template"]["spec"]["containers"][0]["image"] = "busybox:2"

    replaced = await api.change(f"{path}/tested", change)
    assert replaced["metadata"]["annotations"] == {"updated": "true"}
    assert replaced["template"]["spec"]["containers"][0]["image"] == "busybox:2"


async def test_should_reject_invalid_sysctls(api, ns):
    """Sysctls [LinuxOnly] should reject invalid sysctls [NodeConformance]"""
    names = ("foo-", "kernel.shmmax", "safe-and-unsafe", "bar..")
    sysctls = [{"name": name, "value": "100000000"} for name in names]
    refused = await api.post(f"/api/v1/namespaces/{ns}/pods", pod("a", securityContext={"sysctls": sysctls}), code=422)
    for index, name in enumerate(names):
        invalid = f'spec.securityContext.sysctls[{index}].name: Invalid value: "{name}"'
        assert (invalid in refused["message"]) is (name in ("foo-", "bar.."))


async def test_should_reject_a_pod_requesting_a_non_existent_runtimeclass(api, ns):
    """RuntimeClass should reject a Pod requesting a non-existent RuntimeClass [NodeConformance]"""
    await api.post(f"/api/v1/namespaces/{ns}/pods", pod("a", runtimeClassName="no-such-class"), code=403)


async def test_should_reject_a_pod_requesting_a_deleted_runtimeclass(api, ns, unique):
    """RuntimeClass should reject a Pod requesting a deleted RuntimeClass [NodeConformance]"""
    classes = "/apis/node.k8s.io/v1/runtimeclasses"
    await api.post(classes, {"metadata": {"name": unique}, "handler": "runc"})
    await api.delete(f"{classes}/{unique}")
    await api.gone(f"{classes}/{unique}")
    await api.post(f"/api/v1/namespaces/{ns}/pods", pod("a", runtimeClassName=unique), code=403)


async def scheduled(api, ns, unique, **content):
    """A pod of a RuntimeClass of that content, once it is on a node."""
    classes = "/apis/node.k8s.io/v1/runtimeclasses"
    await api.post(classes, {"metadata": {"name": unique}, "handler": "test-handler", **content})
    await api.post(f"/api/v1/namespaces/{ns}/pods", pod("a", runtimeClassName=unique), code=201)
    found = await api.until(f"/api/v1/namespaces/{ns}/pods/a", lambda o: o["spec"].get("nodeName"))
    await api.delete(f"{classes}/{unique}")
    return found


async def test_should_schedule_a_pod_requesting_a_runtimeclass_without_podoverhead(api, ns, unique):
    """RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead [NodeConformance]"""
    found = await scheduled(api, ns, unique)
    assert "overhead" not in found["spec"]


async def test_should_schedule_a_pod_requesting_a_runtimeclass_and_initialize_its_overhead(api, ns, unique):
    """RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead [NodeConformance]"""
    overhead = {"cpu": "10m", "memory": "1Mi"}
    found = await scheduled(api, ns, unique, overhead={"podFixed": overhead})
    assert found["spec"]["overhead"] == overhead
