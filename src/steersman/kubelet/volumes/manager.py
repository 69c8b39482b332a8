"""A pod's volumes on the node: sets them up, keeps their content fresh, and takes them away."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from steersman.api.errors import StatusError
from steersman.kinds.types.core_v1 import Container, Pod, Volume
from steersman.kubelet.container_config import propagation
from steersman.kubelet.env import ConfigError
from steersman.kubelet.expansion import expand
from steersman.kubelet.runtime.types import Mount
from steersman.kubelet.volumes import atomic, emptydir, hostpath, mounting, subpath
from steersman.kubelet.volumes.atomic import Payload
from steersman.kubelet.volumes.payload import PayloadContext, collect
from steersman.kubelet.volumes.problem import VolumeError
from steersman.network import removal

_PLUGIN_FOLDERS = {
    "emptyDir": "kubernetes.io~empty-dir",
    "configMap": "kubernetes.io~configmap",
    "secret": "kubernetes.io~secret",
    "downwardAPI": "kubernetes.io~downward-api",
    "projected": "kubernetes.io~projected",
}
SUPPORTED = (*_PLUGIN_FOLDERS, "hostPath")
# Secrets, tokens and what pods say of themselves never lie on a disk.
_IN_MEMORY = ("secret", "downwardAPI", "projected")
_SUBPATHS = "volume-subpaths"


def source_kind(volume: Volume) -> str:
    """The name of the source that is set."""
    return next(
        (f for f in volume.__struct_fields__ if f != "name" and getattr(volume, f) is not None),
        "emptyDir",
    )


class VolumeManager:
    """Volumes below `<root>/pods/<uid>/volumes`. All methods are idempotent."""

    def __init__(self, root: Path) -> None:
        self._root = root / "pods"

    def pod_folder(self, uid: str) -> Path:
        return self._root / uid

    def known_pods(self) -> set[str]:
        """Uids of pods that have a folder here."""
        return {p.name for p in self._root.iterdir() if p.is_dir()} if self._root.is_dir() else set()

    def path(self, uid: str, volume: Volume) -> Path:
        """Where the volume is on the node."""
        if volume.hostPath:
            return Path(volume.hostPath.path)
        return self.pod_folder(uid) / "volumes" / _PLUGIN_FOLDERS[source_kind(volume)] / volume.name

    def counts(self, pods: Iterable[Pod]) -> Mapping[tuple[str, str], int]:
        """How many volumes the pods are to have, and how many of these are there: by plugin, and by state as metrics say it."""
        found: Counter[tuple[str, str]] = Counter()
        for pod in pods:
            for volume in pod.spec.volumes or ():
                kind = source_kind(volume)
                if kind in SUPPORTED:
                    plugin = _PLUGIN_FOLDERS.get(kind, "kubernetes.io~host-path").replace("~", "/")
                    found[plugin, "desired_state_of_world"] += 1
                    found[plugin, "actual_state_of_world"] += self.path(pod.metadata.uid, volume).exists()
        return found

    async def set_up(self, context: PayloadContext) -> None:
        """Bring every volume of the pod to what its spec and the API say now. Raises VolumeError."""
        pod = context.pod
        security = pod.spec.securityContext
        group = security.fsGroup if security else None
        for volume in pod.spec.volumes or []:
            try:
                await self._set_up_one(volume, context, group)
            except (OSError, atomic.PayloadError, StatusError, VolumeError) as error:
                raise VolumeError(f'MountVolume.SetUp failed for volume "{volume.name}" : {error}') from error

    async def _set_up_one(self, volume: Volume, context: PayloadContext, group: int | None) -> None:
        kind = source_kind(volume)
        if kind not in SUPPORTED:
            raise VolumeError(f"volumes of kind {kind} are not supported on this node")
        path = self.path(context.pod.metadata.uid, volume)
        if volume.hostPath:
            await asyncio.to_thread(hostpath.prepare, path, volume.hostPath.type or "")
            return
        if volume.emptyDir:
            await asyncio.to_thread(emptydir.prepare, path, volume.emptyDir, group)
            return
        payload = await collect(volume, context)
        if payload is not None:
            await asyncio.to_thread(_write, path, payload, group, memory=kind in _IN_MEMORY)

    def mounts(self, pod: Pod, container: Container, env: Mapping[str, str]) -> Sequence[Mount]:
        """The container's volume mounts. Raises ConfigError for one that cannot be."""
        volumes = {v.name: v for v in pod.spec.volumes or []}
        out = []
        for index, mount in enumerate(container.volumeMounts or []):
            volume = volumes.get(mount.name)
            if volume is None:
                raise ConfigError(f'cannot find volume "{mount.name}" to mount into container "{container.name}"')
            path = self.path(pod.metadata.uid, volume)
            sub = _sub_path(mount.subPath, mount.subPathExpr, env)
            if sub:
                place = self.pod_folder(pod.metadata.uid) / _SUBPATHS / volume.name / container.name / str(index)
                try:
                    subpath.bind(path, sub, place)
                except (OSError, VolumeError) as error:
                    what = f'volumeMount "{mount.name}" of container "{container.name}"'
                    raise ConfigError(f"failed to prepare subPath for {what}: {error}") from error
                path = place
            target = mount.mountPath if mount.mountPath.startswith("/") else f"/{mount.mountPath}"
            out.append(
                Mount(
                    container_path=target,
                    host_path=str(path),
                    readonly=bool(mount.readOnly) or _always_read_only(volume),
                    propagation=propagation(mount.mountPropagation),
                )
            )
        return out

    async def release(self, uid: str) -> None:
        """Remove the volumes of a pod that has ended, and nothing else of it. Raises VolumeError as `tear_down` does."""
        folder = self.pod_folder(uid)
        if (folder / "volumes").is_dir() or (folder / _SUBPATHS).is_dir():
            await asyncio.to_thread(_remove, folder, folder / _SUBPATHS, folder / "volumes")

    async def tear_down(self, uid: str) -> None:
        """Remove everything that the pod's volumes made. Raises VolumeError while something is still mounted and busy."""
        folder = self.pod_folder(uid)
        if folder.is_dir():
            await asyncio.to_thread(_remove, folder, folder)


def _always_read_only(volume: Volume) -> bool:
    """Content that the node writes is never the container's to change."""
    return source_kind(volume) in ("configMap", "secret", "downwardAPI", "projected")


def _sub_path(plain: str, expression: str, env: Mapping[str, str]) -> str:
    if not expression:
        return plain
    out = expand(expression, env)
    if "$(" in out:
        raise ConfigError(f"missing value for {expression!r}")
    return out


def _write(path: Path, payload: Payload, group: int | None, *, memory: bool) -> None:
    if memory:
        path.mkdir(parents=True, exist_ok=True)
        mounting.memory(path)
    atomic.write(path, payload, group)


def _remove(pod_folder: Path, *what: Path) -> None:
    # Before anything else: what is mounted there may be a host's folder.
    mounting.unmount_below(pod_folder)
    try:
        for folder in what:
            if folder.is_dir():
                removal.remove(folder)
    except OSError as error:
        raise VolumeError(f"remove failed: {error}") from error
