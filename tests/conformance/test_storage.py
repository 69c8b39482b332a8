"""Volumes and what provides them: the objects of the storage API."""

import pytest
from tests.conformance.patterns import Resource, discovered, lifecycle, operations

pytestmark = pytest.mark.asyncio(loop_scope="session")

VERSION = "storage.k8s.io/v1"


def named(name, **content):
    return {"metadata": {"name": name}, **content}


async def test_should_run_through_the_lifecycle_of_a_csidriver(api, unique):
    """CSIInlineVolumes should run through the lifecycle of a CSIDriver"""
    policy = "ReadWriteOnceWithFSType"
    ephemeral = {"volumeLifecycleModes": ["Ephemeral"], "fsGroupPolicy": policy}
    both = {"volumeLifecycleModes": ["Persistent", "Ephemeral"], "fsGroupPolicy": policy}
    drivers = [named(f"driver-{unique}-{i}", spec=spec) for i, spec in enumerate((ephemeral, both))]
    await lifecycle(api, Resource(VERSION, "csidrivers"), *drivers, unique)


async def test_should_support_csivolumesource_in_pod_api(api, ns):
    """CSIInlineVolumes should support CSIVolumeSource in Pod API"""
    volumes = [
        {"name": "vol1", "csi": {"driver": "test.example.com"}},
        {"name": "vol2", "csi": {"driver": "test.example.com", "fsType": "ext4", "readOnly": True}},
    ]
    mounts = [{"name": v["name"], "mountPath": f"/mnt/{v['name']}"} for v in volumes]
    container = {"name": "c", "image": "busybox", "command": ["sh", "-c", "ls /mnt/*"], "volumeMounts": mounts}
    pod = named("inline", spec={"volumes": volumes, "containers": [container]})
    path = f"/api/v1/namespaces/{ns}/pods"
    created = await api.post(path, pod, code=201)
    assert created["spec"]["volumes"][:2] == volumes
    await api.post(path, pod, code=409)
    assert (await api.get(f"{path}/inline"))["metadata"]["uid"] == created["metadata"]["uid"]
    assert len(await api.items(path)) == 1
    patched = await api.patch(f"{path}/inline", {"metadata": {"annotations": {"patched": "true"}}})
    assert patched["metadata"]["annotations"]["patched"] == "true"
    await api.delete(f"{path}/inline")
    left = await api.raw("GET", f"{path}/inline")
    assert left.status == 404 or b"deletionTimestamp" in left.body


async def test_should_run_through_the_lifecycle_of_a_csinode(api, unique):
    """CSINodes CSI Conformance should run through the lifecycle of a csinode"""
    nodes = [named(f"csinode-{unique}-{i}", spec={"drivers": []}) for i in range(2)]
    await lifecycle(api, Resource(VERSION, "csinodes"), *nodes, unique)


async def test_should_support_csistoragecapacities_api_operations(api, ns, unique):
    """CSIStorageCapacity should support CSIStorageCapacities API operations"""
    topology = {"matchLabels": {"example.com/zone": "here"}}
    capacity = named("capacity", storageClassName="some-class", nodeTopology=topology, capacity="1Gi")
    await operations(api, Resource(VERSION, "csistoragecapacities", ns), capacity, unique)


def volume(name, unique, claim_class):
    csi = {"driver": f"{unique}.example.com", "volumeHandle": "conformance"}
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "2Gi"},
        "csi": csi,
        "storageClassName": claim_class,
        "persistentVolumeReclaimPolicy": "Retain",
    }
    return {"metadata": {"name": name, "labels": {"volumes-of": unique}}, "spec": spec}


def claim(name, claim_class):
    resources = {"requests": {"storage": "2Gi"}}
    return named(name, spec={"accessModes": ["ReadWriteOnce"], "resources": resources, "storageClassName": claim_class})


async def test_should_run_through_the_lifecycle_of_a_pv_and_a_pvc(api, ns, unique):
    """PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC"""
    volumes, claims = "/api/v1/persistentvolumes", f"/api/v1/namespaces/{ns}/persistentvolumeclaims"
    every = f"volumes-of={unique}"
    for number in range(2):
        names = {volumes: f"{unique}-{number}", claims: f"claim-{number}"}
        await api.post(volumes, volume(names[volumes], unique, ns), code=201)
        await api.post(claims, claim(names[claims], ns), code=201)
        assert [v["metadata"]["name"] for v in await api.items(volumes, every)] == [names[volumes]]
        assert [c["metadata"]["name"] for c in await api.items(claims)] == [names[claims]]
        for path, name in names.items():
            patched = await api.patch(f"{path}/{name}", {"metadata": {"labels": {unique: "patched"}}}, "strategic")
            assert patched["metadata"]["labels"][unique] == "patched"
            assert (await api.get(f"{path}/{name}"))["metadata"]["uid"] == patched["metadata"]["uid"]
            updated = await api.change(f"{path}/{name}", lambda o: o["metadata"]["labels"].update({unique: "updated"}))
            assert updated["metadata"]["labels"][unique] == "updated"
        assert len(await api.items("/api/v1/persistentvolumeclaims", f"{unique}=updated")) == 1
        for path in (claims, volumes):
            if number == 0:
                await api.delete(f"{path}/{names[path]}")
            else:
                await api.delete_all(path, f"{unique}=updated")
            await api.gone(f"{path}/{names[path]}")


async def test_should_apply_changes_to_a_pv_pvc_status(api, ns, unique):
    """PersistentVolumes CSI Conformance should apply changes to a pv/pvc status"""
    pv = f"/api/v1/persistentvolumes/{unique}"
    pvc = f"/api/v1/namespaces/{ns}/persistentvolumeclaims/claim"
    await api.post("/api/v1/persistentvolumes", volume(unique, unique, ns))
    await api.post(f"/api/v1/namespaces/{ns}/persistentvolumeclaims", claim("claim", ns))
    assert (await api.get(f"{pvc}/status"))["status"]["phase"] in ("Pending", "Bound")
    assert (await api.get(f"{pv}/status"))["status"]["phase"] in ("Pending", "Available", "Bound")
    condition = {"type": "Patched", "status": "True", "reason": "Test", "message": "said by the test"}
    patched = await api.patch(f"{pvc}/status", {"status": {"conditions": [condition]}})
    assert condition.items() <= patched["status"]["conditions"][0].items()
    patched = await api.patch(f"{pv}/status", {"status": {"message": "StatusPatched", "reason": "Test"}})
    assert (patched["status"]["message"], patched["status"]["reason"]) == ("StatusPatched", "Test")
    another = condition | {"type": "Updated"}
    updated = await api.change(pvc, lambda o: o["status"].setdefault("conditions", []).append(another), "/status")
    assert "Updated" in [c["type"] for c in updated["status"]["conditions"]]
    updated = await api.change(pv, lambda o: o["status"].update(message="StatusUpdated"), "/status")
    assert updated["status"]["message"] == "StatusUpdated"
    await api.delete(pvc)
    await api.delete(pv)


async def test_should_run_through_the_lifecycle_of_a_storageclass(api, unique):
    """StorageClasses CSI Conformance should run through the lifecycle of a StorageClass"""
    classes = [named(f"class-{unique}-{i}", provisioner="example.com/test") for i in range(2)]
    await lifecycle(api, Resource(VERSION, "storageclasses"), *classes, unique)


def attachment(name):
    return named(
        name,
        spec={
            "attacher": "test.example.com",
            "nodeName": "some-node",
            "source": {"persistentVolumeName": "some-volume"},
        },
    )


async def test_should_run_through_the_lifecycle_of_a_volumeattachment(api, unique):
    """VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment"""
    attachments = [attachment(f"attachment-{unique}-{i}") for i in range(2)]
    await lifecycle(api, Resource(VERSION, "volumeattachments"), *attachments, unique)


async def test_should_apply_changes_to_a_volumeattachment_status(api, unique):
    """VolumeAttachment Conformance should apply changes to a volumeattachment status"""
    resource = Resource(VERSION, "volumeattachments")
    await discovered(api, resource, "status")
    path = resource.named(unique)
    created = await api.post(resource.path, attachment(unique))
    assert not created["status"]["attached"]
    patched = await api.patch(f"{path}/status", {"status": {"attached": True}})
    assert patched["status"]["attached"]
    read = await api.get(f"{path}/status")
    assert read["status"]["attached"]
    assert read["spec"] == created["spec"]
    updated = await api.change(path, lambda o: o["status"].update(attached=False), "/status")
    assert not updated["status"]["attached"]
    await api.delete(path)


async def test_should_run_through_the_lifecycle_of_a_volumeattributesclass(api, unique):
    """VolumeAttributesClass [FeatureGate:VolumeAttributesClass] should run through the lifecycle of a VolumeAttributesClass"""
    classes = [
        named(f"attributes-{unique}-{i}", driverName="test.example.com", parameters={"speed": "7"}) for i in range(2)
    ]
    await lifecycle(api, Resource(VERSION, "volumeattributesclasses"), *classes, unique)
