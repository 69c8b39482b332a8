"""The Runtime boundary's conformance suite: the same promises from the simulated runtime and from containerd."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from steersman.api.clock import FakeClock
from steersman.kubelet.runtime.fake import FakeRuntime
from steersman.kubelet.runtime.protocol import Runtime
from steersman.kubelet.runtime.types import (
    Code,
    ContainerConfig,
    ContainerState,
    LinuxResources,
    NamespaceMode,
    NamespaceOptions,
    PodSandboxConfig,
    RuntimeCallError,
    SandboxSecurity,
    SandboxState,
)

IMAGE = "steersman-test:1"
FOREVER = ("/bin/sh", "-c", "trap 'exit 143' TERM; while true; do sleep 0.05; done")
MISSING = "f" * 64


class Bench:
    """A runtime and what the suite needs around it."""

    def __init__(self, runtime: Runtime, log_directory: str, cgroup: str, network: str) -> None:
        self.runtime = runtime
        self.log_directory = log_directory
        self.cgroup = cgroup
        self.network = network

    def sandbox(self, name: str = "web", **changes: Any) -> PodSandboxConfig:
        fields: dict[str, Any] = {
            "name": name,
            "uid": f"uid-{name}",
            "namespace": "default",
            "hostname": name,
            "log_directory": self.log_directory,
            "cgroup_parent": self.cgroup,
            "labels": {"app": name, "tier": "test"},
            "annotations": {"note": "kept: as given"},
        }
        return PodSandboxConfig(**(fields | changes))

    async def started(self, config: PodSandboxConfig, **changes: Any) -> tuple[str, str]:
        sandbox = await self.runtime.run_pod_sandbox(config)
        container = await self.runtime.create_container(sandbox, self.container(**changes), config)
        await self.runtime.start_container(container)
        return sandbox, container

    def container(self, name: str = "main", **changes: Any) -> ContainerConfig:
        fields: dict[str, Any] = {"name": name, "image": IMAGE, "command": FOREVER, "labels": {"container": name}}
        return ContainerConfig(**(fields | changes))


@pytest.fixture(params=["fake", pytest.param("cri", marks=pytest.mark.node)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    if request.param == "fake":
        return Bench(request.getfixturevalue("fake"), str(tmp_path), "/test", "10.213.7")
    node = request.getfixturevalue("containerd_node")
    return Bench(request.getfixturevalue("cri"), str(tmp_path), node.cgroup, node.network)


@pytest.fixture
async def fake() -> Runtime:
    runtime = FakeRuntime(FakeClock(), "10.213.7.0/24")
    await runtime.pull_image(IMAGE)
    return runtime


async def test_version_and_status(bench: Bench) -> None:
    version = await bench.runtime.version()
    assert version.runtime_name
    assert version.runtime_version
    assert version.runtime_api_version == "v1"
    status = await bench.runtime.status()
    for name in ("RuntimeReady", "NetworkReady"):
        condition = status.condition(name)
        assert condition is not None
        assert condition.status


async def test_sandbox_life(bench: Bench) -> None:
    runtime, config = bench.runtime, bench.sandbox()
    id = await runtime.run_pod_sandbox(config)
    status = await runtime.pod_sandbox_status(id)
    assert status.state is SandboxState.READY
    assert (status.name, status.uid, status.namespace, status.attempt) == ("web", "uid-web", "default", 0)
    assert status.labels == config.labels
    assert status.annotations == config.annotations
    assert [ip.rpartition(".")[0] for ip in status.ips] == [bench.network]
    assert status.created_at > 0
    for _ in range(2):
        await runtime.stop_pod_sandbox(id)
    stopped = await runtime.pod_sandbox_status(id)
    assert stopped.state is SandboxState.NOT_READY
    for _ in range(2):
        await runtime.remove_pod_sandbox(id)
    with pytest.raises(RuntimeCallError) as caught:
        await runtime.pod_sandbox_status(id)
    assert caught.value.not_found


async def test_same_sandbox_is_refused_and_next_attempt_taken(bench: Bench) -> None:
    first = await bench.runtime.run_pod_sandbox(bench.sandbox())
    with pytest.raises(RuntimeCallError) as caught:
        await bench.runtime.run_pod_sandbox(bench.sandbox())
    assert caught.value.code in (Code.ALREADY_EXISTS, Code.UNKNOWN)
    second = await bench.runtime.run_pod_sandbox(bench.sandbox(attempt=1))
    assert first != second
    ips = [(await bench.runtime.pod_sandbox_status(id)).ips for id in (first, second)]
    assert ips[0] != ips[1]


async def test_node_network_has_no_address(bench: Bench) -> None:
    security = SandboxSecurity(namespaces=NamespaceOptions(network=NamespaceMode.NODE))
    id = await bench.runtime.run_pod_sandbox(bench.sandbox(hostname="", security=security))
    status = await bench.runtime.pod_sandbox_status(id)
    assert status.ips == ()
    assert status.network is NamespaceMode.NODE


async def test_sandbox_filters(bench: Bench) -> None:
    runtime = bench.runtime
    one = await runtime.run_pod_sandbox(bench.sandbox("one"))
    two = await runtime.run_pod_sandbox(bench.sandbox("two"))
    await runtime.stop_pod_sandbox(two)

    async def ids(**wanted: Any) -> set[str]:
        return {sandbox.id for sandbox in await runtime.list_pod_sandboxes(**wanted)}

    assert await ids() == {one, two}
    assert await ids(id=one) == {one}
    assert await ids(state=SandboxState.NOT_READY) == {two}
    assert await ids(labels={"app": "one", "tier": "test"}) == {one}
    assert await ids(labels={"app": "three"}) == set()


async def test_container_life(bench: Bench) -> None:
    runtime, config = bench.runtime, bench.sandbox()
    sandbox = await runtime.run_pod_sandbox(config)
    made = bench.container(annotations={"restarts": "0"})
    id = await runtime.create_container(sandbox, made, config)
    created = await runtime.container_status(id)
    assert created.state is ContainerState.CREATED
    assert (created.name, created.attempt, created.started_at) == ("main", 0, 0)
    assert created.labels == made.labels
    assert created.annotations == made.annotations
    await runtime.start_container(id)
    running = await runtime.container_status(id)
    assert running.state is ContainerState.RUNNING
    assert 0 < running.created_at <= running.started_at
    assert running.image_id.startswith("sha256:")
    with pytest.raises(RuntimeCallError):
        await runtime.start_container(id)
    for _ in range(2):
        await runtime.stop_container(id, 10)
    ended = await runtime.container_status(id)
    assert (ended.state, ended.exit_code, ended.reason) == (ContainerState.EXITED, 143, "Error")
    assert ended.finished_at >= ended.started_at
    for _ in range(2):
        await runtime.remove_container(id)
    with pytest.raises(RuntimeCallError) as caught:
        await runtime.container_status(id)
    assert caught.value.not_found


async def test_container_filters(bench: Bench) -> None:
    runtime, config = bench.runtime, bench.sandbox()
    sandbox, main = await bench.started(config)
    other = await runtime.create_container(sandbox, bench.container("other"), config)

    async def ids(**wanted: Any) -> set[str]:
        return {container.id for container in await runtime.list_containers(**wanted)}

    assert await ids() == {main, other}
    assert await ids(id=main) == {main}
    assert await ids(pod_sandbox_id=sandbox) == {main, other}
    assert await ids(pod_sandbox_id=MISSING) == set()
    assert await ids(state=ContainerState.CREATED) == {other}
    assert await ids(labels={"container": "main"}) == {main}
    listed = {container.id: container for container in await runtime.list_containers()}
    assert (listed[main].name, listed[main].pod_sandbox_id) == ("main", sandbox)
    assert listed[main].state is ContainerState.RUNNING


async def test_stopping_a_sandbox_ends_its_containers(bench: Bench) -> None:
    sandbox, container = await bench.started(bench.sandbox())
    await bench.runtime.stop_pod_sandbox(sandbox)
    assert (await bench.runtime.container_status(container)).state is ContainerState.EXITED
    await bench.runtime.remove_pod_sandbox(sandbox)
    assert list(await bench.runtime.list_containers()) == []


async def test_stopping_a_created_container_changes_nothing(bench: Bench) -> None:
    config = bench.sandbox()
    sandbox = await bench.runtime.run_pod_sandbox(config)
    id = await bench.runtime.create_container(sandbox, bench.container(), config)
    await bench.runtime.stop_container(id, 0)
    assert (await bench.runtime.container_status(id)).state is ContainerState.CREATED


async def test_same_container_name_needs_the_next_attempt(bench: Bench) -> None:
    runtime, config = bench.runtime, bench.sandbox()
    sandbox, _ = await bench.started(config)
    with pytest.raises(RuntimeCallError):
        await runtime.create_container(sandbox, bench.container(), config)
    again = await runtime.create_container(sandbox, bench.container(attempt=1), config)
    assert (await runtime.container_status(again)).attempt == 1


async def test_missing_things(bench: Bench) -> None:
    runtime, config = bench.runtime, bench.sandbox()
    await runtime.stop_pod_sandbox(MISSING)
    await runtime.remove_pod_sandbox(MISSING)
    await runtime.stop_container(MISSING, 0)
    await runtime.remove_container(MISSING)
    await runtime.remove_image("nobody/has-this:1")
    sandbox = await runtime.run_pod_sandbox(config)
    calls: list[Awaitable[object]] = [
        runtime.container_status(MISSING),
        runtime.start_container(MISSING),
        runtime.pod_sandbox_status(MISSING),
        runtime.exec_sync(MISSING, ["true"], 1),
        runtime.create_container(sandbox, bench.container(image="nobody/has-this:1"), config),
    ]
    for call in calls:
        with pytest.raises(RuntimeCallError) as caught:
            await call
        assert caught.value.not_found, str(caught.value)


async def test_images(bench: Bench) -> None:
    found = await bench.runtime.image_status(IMAGE)
    assert found is not None
    assert found.id.startswith("sha256:")
    assert "docker.io/library/steersman-test:1" in found.repo_tags
    assert found.size_bytes > 0
    assert await bench.runtime.image_status(found.id) == found
    assert await bench.runtime.image_status("nobody/has-this:1") is None
    assert found in await bench.runtime.list_images()
    assert (await bench.runtime.image_fs_info())[0].mountpoint


async def test_resources_can_change(bench: Bench) -> None:
    limits = LinuxResources(cpu_period=100_000, cpu_quota=50_000, cpu_shares=512)
    _, id = await bench.started(bench.sandbox(), resources=limits)
    await bench.runtime.update_container_resources(id, LinuxResources(cpu_period=100_000, cpu_quota=20_000))


async def test_stats(bench: Bench) -> None:
    sandbox, id = await bench.started(bench.sandbox())
    stats = await bench.runtime.container_stats(id)
    assert (stats.id, stats.name) == (id, "main")
    assert stats.memory.working_set_bytes > 0
    assert [s.id for s in await bench.runtime.list_container_stats()] == [id]
    assert [s.id for s in await bench.runtime.list_container_stats(pod_sandbox_id=sandbox)] == [id]
