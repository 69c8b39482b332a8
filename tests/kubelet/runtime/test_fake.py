"""What only the simulated runtime does: clock-driven completion, addresses in turn, and no processes."""

from __future__ import annotations

import pytest

from steersman.api.clock import FakeClock
from steersman.kubelet.runtime.fake import AddressRange, FakeRuntime
from steersman.kubelet.runtime.types import (
    Code,
    ContainerConfig,
    ContainerState,
    LinuxResources,
    PodSandboxConfig,
    RuntimeCallError,
)


def sandbox(name: str = "job") -> PodSandboxConfig:
    return PodSandboxConfig(name=name, uid=f"uid-{name}", namespace="default")


async def started(runtime: FakeRuntime, **changes: object) -> tuple[str, str]:
    await runtime.pull_image("nginx")
    id = await runtime.run_pod_sandbox(sandbox())
    config = ContainerConfig(name="main", image="nginx", **changes)  # type: ignore[arg-type]
    container = await runtime.create_container(id, config, sandbox())
    await runtime.start_container(container)
    return id, container


async def test_completes_when_the_clock_says_so() -> None:
    clock = FakeClock()
    runtime = FakeRuntime(clock, "10.1.0.0/24", completes_after=5)
    _, id = await started(runtime, run_to_completion=True)
    await clock.advance(4.9)
    assert (await runtime.container_status(id)).state is ContainerState.RUNNING
    await clock.advance(0.2)
    status = await runtime.container_status(id)
    assert (status.state, status.exit_code, status.reason) == (ContainerState.EXITED, 0, "Completed")
    assert status.finished_at - status.started_at == 5_000_000_000
    await runtime.stop_container(id, 0)
    assert (await runtime.container_status(id)).exit_code == 0


async def test_others_run_for_ever() -> None:
    clock = FakeClock()
    runtime = FakeRuntime(clock, "10.1.0.0/24")
    _, id = await started(runtime)
    await clock.advance(1_000_000)
    assert (await runtime.container_status(id)).state is ContainerState.RUNNING


async def test_has_no_processes() -> None:
    runtime = FakeRuntime(FakeClock(), "10.1.0.0/24")
    assert runtime.simulated
    pod, id = await started(runtime)
    streams = {"tty": False, "stdin": False, "stdout": True, "stderr": True}
    calls = [
        runtime.exec_sync(id, ["true"], 1),
        runtime.exec(id, ["true"], **streams),
        runtime.attach(id, **streams),
        runtime.port_forward(pod, [80]),
    ]
    for call in calls:
        with pytest.raises(RuntimeCallError, match="simulated node has no container processes") as caught:
            await call
        assert caught.value.code is Code.UNIMPLEMENTED
    assert (await runtime.container_status(id)).log_path == ""


async def test_runs_are_the_same_each_time() -> None:
    first = await started(FakeRuntime(FakeClock(), "10.1.0.0/24", node="a"))
    assert first == await started(FakeRuntime(FakeClock(), "10.1.0.0/24", node="a"))
    assert first != await started(FakeRuntime(FakeClock(), "10.1.0.0/24", node="b"))


async def test_resource_updates_keep_what_is_zero() -> None:
    runtime = FakeRuntime(FakeClock(), "10.1.0.0/24")
    _, id = await started(runtime, resources=LinuxResources(cpu_shares=2, memory_limit_in_bytes=4096))
    await runtime.update_container_resources(id, LinuxResources(cpu_shares=512))
    wanted = LinuxResources(cpu_shares=512, memory_limit_in_bytes=4096)
    assert (await runtime.container_status(id)).resources == wanted


def test_addresses_go_round_and_run_out() -> None:
    pool = AddressRange("10.1.2.0/29")
    taken = [pool.take() for _ in range(5)]
    assert taken == [f"10.1.2.{n}" for n in range(2, 7)]
    with pytest.raises(RuntimeCallError, match="no free address"):
        pool.take()
    pool.give_back("10.1.2.5")
    pool.give_back("10.1.2.3")
    assert [pool.take(), pool.take()] == ["10.1.2.3", "10.1.2.5"]


async def test_stopped_sandboxes_give_their_address_back() -> None:
    runtime = FakeRuntime(FakeClock(), "10.1.2.0/30")
    for name in ("a", "b", "c"):
        id = await runtime.run_pod_sandbox(sandbox(name))
        assert (await runtime.pod_sandbox_status(id)).ips == ("10.1.2.2",)
        await runtime.stop_pod_sandbox(id)
        await runtime.stop_pod_sandbox(id)


@pytest.mark.parametrize(
    ("pulled", "tags", "digests"),
    [
        ("web:v1", ("docker.io/library/web:v1",), "docker.io/library/web@sha256:"),
        ("localhost:5000/a/web", ("localhost:5000/a/web:latest",), "localhost:5000/a/web@sha256:"),
        (f"web@sha256:{'a' * 64}", (), f"docker.io/library/web@sha256:{'a' * 64}"),
    ],
)
async def test_pulled_images(pulled: str, tags: tuple[str, ...], digests: str) -> None:
    runtime = FakeRuntime(FakeClock(), "10.1.2.0/30")
    id = await runtime.pull_image(pulled)
    found = await runtime.image_status(pulled)
    assert found is not None
    assert found.id == id
    assert found.repo_tags == tags
    assert found.repo_digests[0].startswith(digests)
    await runtime.remove_image(id)
    assert await runtime.image_status(pulled) is None


async def test_bad_reference_is_an_invalid_argument() -> None:
    with pytest.raises(RuntimeCallError) as caught:
        await FakeRuntime(FakeClock(), "10.1.2.0/30").pull_image("Not/Valid")
    assert caught.value.code is Code.INVALID_ARGUMENT
