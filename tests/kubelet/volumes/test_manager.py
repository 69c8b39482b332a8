"""All volumes of a pod: made, mounted, refreshed, given back."""

import os
from pathlib import Path

import pytest
from tests.kubelet.builders import UID, container, pod
from tests.kubelet.test_env import Objects

from steersman.kubelet.downward import NodeFacts
from steersman.kubelet.env import ConfigError
from steersman.kubelet.runtime.types import MountPropagation
from steersman.kubelet.volumes import mounting
from steersman.kubelet.volumes.manager import VolumeManager
from steersman.kubelet.volumes.payload import PayloadContext
from steersman.kubelet.volumes.problem import VolumeError


def context(made, objects=None):
    return PayloadContext(made, NodeFacts("n"), (), objects or Objects(), None)


def with_volumes(*volumes, mounts=(), **spec):
    return pod([container(volumeMounts=list(mounts))], volumes=list(volumes), **spec)


@pytest.fixture
def manager(tmp_path):
    yield VolumeManager(tmp_path)
    mounting.unmount_below(tmp_path)


async def test_empty_dir(manager):
    made = with_volumes({"name": "e", "emptyDir": {}}, securityContext={"fsGroup": 2000})
    await manager.set_up(context(made))
    path = manager.path(UID, made.spec.volumes[0])
    assert path.stat().st_mode & 0o7777 == 0o2777
    assert path.stat().st_gid == 2000
    (path / "kept").touch()
    await manager.set_up(context(made))
    assert (path / "kept").exists()


async def test_counts(manager):
    kinds = ({"emptyDir": {}}, {"configMap": {"name": "m"}}, {"nfs": {"server": "s", "path": "/"}})
    made = with_volumes(*({"name": f"v{n}", **kind} for n, kind in enumerate(kinds)))
    await manager.set_up(context(with_volumes({"name": "v0", "emptyDir": {}})))
    assert manager.counts([made]) == {
        ("kubernetes.io/empty-dir", "desired_state_of_world"): 1,
        ("kubernetes.io/empty-dir", "actual_state_of_world"): 1,
        ("kubernetes.io/configmap", "desired_state_of_world"): 1,
        ("kubernetes.io/configmap", "actual_state_of_world"): 0,
    }


async def test_content_is_refreshed(manager):
    made = with_volumes({"name": "m", "configMap": {"name": "m"}})
    objects = Objects({"m": {"a": "1"}})
    await manager.set_up(context(made, objects))
    path = manager.path(UID, made.spec.volumes[0])
    assert (path / "a").read_text() == "1"
    objects.maps["m"] = {"a": "2"}
    await manager.set_up(context(made, objects))
    assert (path / "a").read_text() == "2"


@pytest.mark.parametrize(
    ("kind", "exists", "works"),
    [
        ("", "", True), ("DirectoryOrCreate", "", True), ("DirectoryOrCreate", "dir", True), ("DirectoryOrCreate", "file", False),
        ("Directory", "", False), ("Directory", "dir", True), ("FileOrCreate", "", True), ("FileOrCreate", "file", True),
        ("File", "", False), ("File", "file", True), ("File", "dir", False), ("Socket", "file", False), ("Odd", "file", False),
    ],
)  # fmt: skip
async def test_host_path(manager, tmp_path, kind, exists, works):
    path = tmp_path / "host"
    if exists == "dir":
        path.mkdir()
    elif exists:
        path.touch()
    made = with_volumes({"name": "h", "hostPath": {"path": str(path), "type": kind}})
    if works:
        await manager.set_up(context(made))
        assert manager.path(UID, made.spec.volumes[0]) == path
        assert path.exists() == (kind != "" or bool(exists))
    else:
        with pytest.raises(VolumeError, match=r'MountVolume\.SetUp failed for volume "h" : '):
            await manager.set_up(context(made))


async def test_what_cannot_be(manager):
    with pytest.raises(VolumeError, match='configmaps "none" not found'):
        await manager.set_up(context(with_volumes({"name": "m", "configMap": {"name": "none"}})))
    with pytest.raises(VolumeError, match="volumes of kind nfs are not supported on this node"):
        await manager.set_up(context(with_volumes({"name": "n", "nfs": {"server": "s", "path": "/"}})))
    bad = {"name": "m", "configMap": {"name": "m", "items": [{"key": "a", "path": "../out"}]}}
    with pytest.raises(VolumeError, match="invalid path"):
        await manager.set_up(context(with_volumes(bad), Objects({"m": {"a": "1"}})))


async def test_mounts(manager):
    mounts = [
        {"name": "e", "mountPath": "/data", "mountPropagation": "HostToContainer"},
        {"name": "e", "mountPath": "rel", "subPath": "in", "readOnly": True},
        {"name": "e", "mountPath": "/env", "subPathExpr": "$(POD)/x"},
        {"name": "m", "mountPath": "/map"},
    ]
    made = with_volumes({"name": "e", "emptyDir": {}}, {"name": "m", "configMap": {"name": "m"}}, mounts=mounts)
    await manager.set_up(context(made, Objects({"m": {}})))
    empty, config = (str(manager.path(UID, v)) for v in made.spec.volumes)
    found = manager.mounts(made, made.spec.containers[0], {"POD": "p"})
    places = f"{manager.pod_folder(UID)}/volume-subpaths/e/c"
    assert [(m.container_path, m.host_path, m.readonly) for m in found] == [
        ("/data", empty, False),
        ("/rel", f"{places}/1", True),
        ("/env", f"{places}/2", False),
        ("/map", config, True),
    ]
    assert found[0].propagation is MountPropagation.HOST_TO_CONTAINER
    for place, real in (("1", "in"), ("2", "p/x")):
        assert (Path(places) / place).samefile(Path(empty) / real)


@pytest.mark.parametrize(
    "mount", [{"name": "none", "mountPath": "/x"}, {"name": "e", "mountPath": "/x", "subPathExpr": "$(NONE)"}]
)
async def test_mounts_that_cannot_be(manager, mount):
    made = with_volumes({"name": "e", "emptyDir": {}}, mounts=[mount])
    await manager.set_up(context(made))
    with pytest.raises(ConfigError):
        manager.mounts(made, made.spec.containers[0], {})


async def test_giving_back(manager):
    made = with_volumes({"name": "e", "emptyDir": {}})
    await manager.set_up(context(made))
    (manager.pod_folder(UID) / "etc-hosts").touch()
    assert manager.known_pods() == {UID}
    await manager.release(UID)
    await manager.release(UID)
    assert os.listdir(manager.pod_folder(UID)) == ["etc-hosts"]
    await manager.tear_down(UID)
    await manager.tear_down(UID)
    assert manager.known_pods() == set()


async def test_host_paths_are_never_removed(manager, tmp_path):
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "precious").touch()
    made = with_volumes({"name": "h", "hostPath": {"path": str(tmp_path / "host")}}, {"name": "e", "emptyDir": {}})
    await manager.set_up(context(made))
    await manager.tear_down(UID)
    assert (tmp_path / "host" / "precious").exists()


async def test_secrets_lie_in_memory(manager):
    """And what pods say of themselves, but for what anybody may know."""
    downward = {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}
    made = with_volumes(
        {"name": "s", "secret": {"secretName": "s"}},
        {"name": "d", "downwardAPI": downward},
        {"name": "p", "projected": {"sources": [{"secret": {"name": "s"}}, {"downwardAPI": downward}]}},
        {"name": "m", "configMap": {"name": "m"}},
        {"name": "e", "emptyDir": {}},
    )
    objects = Objects({"m": {"a": "1"}}, {"s": {"key": b"hidden"}})
    for _ in range(2):
        await manager.set_up(context(made, objects))
        paths = {v.name: manager.path(UID, v) for v in made.spec.volumes}
        assert sorted(mounting.below(manager.pod_folder(UID))) == sorted(paths[name] for name in "sdp")
    assert {name for name, path in paths.items() if _is_memory(path)} == set("sdp")
    assert (paths["s"] / "key").read_text() == (paths["p"] / "key").read_text() == "hidden"
    assert paths["s"].stat().st_mode & 0o7777 == 0o755
    await manager.release(UID)
    assert mounting.below(manager.pod_folder(UID)) == []


def _is_memory(path):
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return any(line[4] == str(path) and "tmpfs" in line[line.index("-") :] for line in lines)


async def test_memory_of_a_size(manager):
    made = with_volumes({"name": "e", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}})
    await manager.set_up(context(made))
    found = os.statvfs(manager.path(UID, made.spec.volumes[0]))
    assert found.f_blocks * found.f_frsize == 1024 * 1024


async def test_what_is_mounted_of_a_host_is_never_removed(manager, tmp_path):
    host = tmp_path / "host"
    (host / "sub").mkdir(parents=True)
    (host / "sub" / "precious").touch()
    mount = {"name": "h", "mountPath": "/h", "subPath": "sub"}
    for end in (manager.release, manager.tear_down):
        made = with_volumes({"name": "h", "hostPath": {"path": str(host)}}, mounts=[mount])
        await manager.set_up(context(made))
        (found,) = manager.mounts(made, made.spec.containers[0], {})
        assert os.listdir(found.host_path) == ["precious"]
        await end(UID)
        assert (host / "sub" / "precious").exists()
        assert not os.path.exists(found.host_path)  # noqa: ASYNC240


async def test_nothing_is_removed_while_something_is_in_use(manager):
    made = with_volumes({"name": "s", "secret": {"secretName": "s"}}, {"name": "e", "emptyDir": {}})
    await manager.set_up(context(made, Objects(secrets={"s": {"key": b"x"}})))
    path = manager.path(UID, made.spec.volumes[0])
    with (path / "key").open(), pytest.raises(VolumeError, match=r"unmount failed: .*: Device or resource busy"):
        await manager.tear_down(UID)
    assert (path / "key").exists()
    await manager.tear_down(UID)
