"""Claims, volumes and attributes are deleted when nobody uses them any more, and not before."""

import pytest

from steersman.api.errors import NotFound
from steersman.controllers import pvcprotection, pvprotection, vacprotection
from steersman.kinds.types.core_v1 import (
    Container,
    HostPathVolumeSource,
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimVolumeSource,
    PersistentVolumeSpec,
    Pod,
    PodSpec,
    ServiceAccount,
    Volume,
    VolumeResourceRequirements,
)
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.kinds.types.storage_v1 import VolumeAttributesClass


def claim(name="data", attributes=None):
    resources = VolumeResourceRequirements(requests={"storage": "1Gi"})
    spec = PersistentVolumeClaimSpec(accessModes=["ReadWriteOnce"], resources=resources, storageClassName="")
    spec.volumeAttributesClassName = attributes
    return PersistentVolumeClaim(metadata=ObjectMeta(name=name, namespace="default"), spec=spec)


def volume():
    spec = PersistentVolumeSpec(accessModes=["ReadWriteOnce"], capacity={"storage": "1Gi"})
    spec.hostPath = HostPathVolumeSource(path="/a")
    return PersistentVolume(metadata=ObjectMeta(name="disk"), spec=spec)


def user(node="n"):
    volumes = [Volume(name="v", persistentVolumeClaim=PersistentVolumeClaimVolumeSource(claimName="data"))]
    spec = PodSpec(containers=[Container(name="c", image="x")], volumes=volumes, nodeName=node)
    return Pod(metadata=ObjectMeta(name="p", namespace="default"), spec=spec)


async def gone(world, type_, name, namespace=""):
    try:
        await world.client.get(type_, name, namespace)
    except NotFound:
        return True
    return False


async def test_a_claim_stays_while_a_pod_uses_it(world, make):
    await world.client.create(make(ServiceAccount, "default"))
    await world.start(pvcprotection)
    assert (await world.client.create(claim())).metadata.finalizers == [pvcprotection.FINALIZER]
    await world.client.create(user())
    await world.client.delete(PersistentVolumeClaim, "data", "default")
    await world.settle()
    assert not await gone(world, PersistentVolumeClaim, "data", "default")
    await world.client.delete(Pod, "p", "default", grace=0)
    await world.settle()
    assert await gone(world, PersistentVolumeClaim, "data", "default")


async def test_a_pod_without_node_is_no_reason(world, make):
    await world.client.create(make(ServiceAccount, "default"))
    await world.start(pvcprotection)
    await world.client.create(claim())
    await world.client.create(user(node=""))
    await world.client.delete(PersistentVolumeClaim, "data", "default")
    await world.settle()
    assert await gone(world, PersistentVolumeClaim, "data", "default")


async def test_a_claim_gets_its_protection_back(world):
    await world.client.create(claim())
    await world.client.patch(PersistentVolumeClaim, "data", {"metadata": {"finalizers": None}}, "default")
    await world.start(pvcprotection)
    found = await world.client.get(PersistentVolumeClaim, "data", "default")
    assert found.metadata.finalizers == [pvcprotection.FINALIZER]


async def test_a_volume_stays_while_it_is_bound(world):
    await world.start(pvprotection)
    disk = await world.client.create(volume())
    assert disk.metadata.finalizers == [pvprotection.FINALIZER]
    assert disk.status.lastPhaseTransitionTime == disk.metadata.creationTimestamp
    await world.pass_time(5)
    disk.status.phase = "Bound"
    disk = await world.client.update_status(disk)
    assert disk.status.lastPhaseTransitionTime > disk.metadata.creationTimestamp
    await world.client.delete(PersistentVolume, "disk")
    await world.settle()
    disk = await world.client.get(PersistentVolume, "disk")
    disk.status.phase = "Released"
    await world.client.update_status(disk)
    await world.settle()
    assert await gone(world, PersistentVolume, "disk")


async def test_attributes_stay_while_a_claim_wants_them(world):
    await world.start(vacprotection)
    gold = VolumeAttributesClass(metadata=ObjectMeta(name="gold"), driverName="d.example", parameters={"a": "b"})
    assert (await world.client.create(gold)).metadata.finalizers == [vacprotection.FINALIZER]
    await world.client.create(claim(attributes="gold"))
    await world.client.delete(VolumeAttributesClass, "gold")
    await world.settle()
    assert not await gone(world, VolumeAttributesClass, "gold")
    await world.client.patch(PersistentVolumeClaim, "data", {"metadata": {"finalizers": None}}, "default")
    await world.client.delete(PersistentVolumeClaim, "data", "default")
    await world.settle()
    assert await gone(world, VolumeAttributesClass, "gold")


@pytest.mark.parametrize("owned", [True, False])
def test_a_claim_made_for_a_pod_is_used_by_that_pod_only(owned):
    from steersman.kinds.types.core_v1 import EphemeralVolumeSource
    from steersman.kinds.types.meta_v1 import OwnerReference

    pod = user()
    pod.metadata.uid = "u"
    pod.spec.volumes = [Volume(name="scratch", ephemeral=EphemeralVolumeSource())]
    made = claim("p-scratch")
    uid = "u" if owned else "other"
    made.metadata.ownerReferences = [OwnerReference(apiVersion="v1", kind="Pod", name="p", uid=uid, controller=True)]
    assert list(pvcprotection.claims_of(pod)) == ["default/p-scratch"]
    assert pvcprotection.uses(pod, made) is owned
