"""What only a real runtime does: processes, logs, limits, and failures of the connection."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from steersman.kubelet.archive import Entry, ImageContent, write_oci
from steersman.kubelet.runtime.cri.client import CriRuntime
from steersman.kubelet.runtime.cri.messages import message
from steersman.kubelet.runtime.types import (
    AuthConfig,
    Code,
    ContainerConfig,
    ContainerSecurity,
    ContainerState,
    ContainerStatus,
    DNSConfig,
    LinuxResources,
    Mount,
    NamespaceMode,
    NamespaceOptions,
    PodSandboxConfig,
    RuntimeCallError,
)

IMAGE = "steersman-test:1"
FOREVER = ("/bin/sh", "-c", "trap 'exit 143' TERM; while true; do sleep 0.05; done")


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


class Pod:
    """A sandbox with its runtime, for one test."""

    def __init__(self, runtime: CriRuntime, config: PodSandboxConfig, id: str) -> None:
        self.runtime, self.config, self.id = runtime, config, id

    async def run(self, *command: str, name: str = "main", **changes: Any) -> str:
        config = ContainerConfig(**{"name": name, "image": IMAGE, "command": command, **changes})
        id = await self.runtime.create_container(self.id, config, self.config)
        await self.runtime.start_container(id)
        return id

    async def finish(self, *command: str, **changes: Any) -> ContainerStatus:
        """Run a command to its end."""
        id = await self.run(*command, **changes)
        while (status := await self.runtime.container_status(id)).state is not ContainerState.EXITED:
            assert status.state is ContainerState.RUNNING
        return status

    async def output(self, *command: str, **changes: Any) -> str:
        """What a command writes, taken from its log."""
        status = await self.finish(*command, log_path=f"{changes.get('name', 'main')}.log", **changes)
        lines = _lines(Path(status.log_path))
        return "\n".join(line.split(" ", 3)[3] for line in lines)


@pytest.fixture
async def pod(cri: CriRuntime, containerd_node: Any, tmp_path: Path) -> Pod:
    config = PodSandboxConfig(
        name="web",
        uid="u",
        namespace="default",
        hostname="web",
        log_directory=str(tmp_path),
        dns=DNSConfig(servers=["10.96.0.10"], searches=["default.svc.cluster.local"], options=["ndots:5"]),
        cgroup_parent=containerd_node.cgroup,
    )
    return Pod(cri, config, await cri.run_pod_sandbox(config))


pytestmark = pytest.mark.node


@pytest.mark.parametrize(
    ("script", "code", "reason"), [("exit 0", 0, "Completed"), ("exit 7", 7, "Error"), ("kill -9 $$", 137, "Error")]
)
async def test_exit_codes(pod: Pod, script: str, code: int, reason: str) -> None:
    # As process 1 the shell could not kill itself.
    status = await pod.finish("/bin/sh", "-c", f"(sh -c '{script}'); exit $?")
    assert (status.exit_code, status.reason) == (code, reason)
    assert 0 < status.created_at <= status.started_at <= status.finished_at


async def test_a_command_that_cannot_start(pod: Pod) -> None:
    with pytest.raises(RuntimeCallError, match="no-such-program"):
        await pod.run("/no-such-program")
    (container,) = await pod.runtime.list_containers()
    status = await pod.runtime.container_status(container.id)
    assert (status.state, status.exit_code, status.reason) == (ContainerState.EXITED, 128, "StartError")
    assert "no-such-program" in status.message


async def test_out_of_memory(pod: Pod) -> None:
    limits = LinuxResources(memory_limit_in_bytes=16 << 20, memory_swap_limit_in_bytes=16 << 20)
    status = await pod.finish("/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=64M", resources=limits)
    assert (status.exit_code, status.reason) == (137, "OOMKilled")


async def test_environment_arguments_and_identity(pod: Pod) -> None:
    script = 'echo "$FROM $MINE $0 $(id -u) $(id -g) $(cat /etc/hostname) $(pwd)"'
    out = await pod.output(
        "/bin/sh",
        "-c",
        script,
        args=["first"],
        envs=[("MINE", "a=b c")],
        working_dir="/tmp",
        security=ContainerSecurity(run_as_user=1000, run_as_group=2000),
    )
    assert out == "image a=b c first 1000 2000 web /tmp"


async def test_resolv_conf(pod: Pod) -> None:
    lines = (await pod.output("/bin/cat", "/etc/resolv.conf")).splitlines()
    assert lines == ["search default.svc.cluster.local", "nameserver 10.96.0.10", "options ndots:5"]


async def test_mounts(pod: Pod, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "given").write_text("given")
    writable = Mount(container_path="/rw", host_path=str(shared))
    readonly = Mount(container_path="/ro", host_path=str(shared), readonly=True)
    script = "cat /ro/given; echo; echo made > /rw/made; echo no > /ro/no || echo refused"
    out = await pod.output("/bin/sh", "-c", script, mounts=[writable, readonly])
    assert {"given", "refused"} <= set(out.splitlines())
    assert (shared / "made").read_text() == "made\n"


async def test_the_machine_is_masked_unless_asked(pod: Pod) -> None:
    script = (
        "/bin/sh",
        "-c",
        "while read dev at kind rest; do case $at in /proc/?*) echo $at;; esac; done < /proc/mounts",
    )
    hidden = (await pod.output(*script)).split()
    assert {"/proc/sys", "/proc/keys"} <= set(hidden)
    security = ContainerSecurity(masked_paths=(), readonly_paths=())
    assert await pod.output(*script, name="open", security=security) == ""


async def test_exec_sync(pod: Pod) -> None:
    id = await pod.run(*FOREVER)
    done = await pod.runtime.exec_sync(id, ["/bin/sh", "-c", "echo out; echo err >&2; exit 3"], 5)
    assert (done.stdout, done.stderr, done.exit_code) == (b"out\n", b"err\n", 3)
    with pytest.raises(RuntimeCallError) as caught:
        await pod.runtime.exec_sync(id, ["/bin/sleep", "60"], 1)
    assert caught.value.code is Code.DEADLINE_EXCEEDED


async def test_log_is_reopened(pod: Pod, tmp_path: Path) -> None:
    id = await pod.run(*FOREVER, log_path="main.log")
    log = tmp_path / "main.log"
    assert (await pod.runtime.container_status(id)).log_path == str(log)
    log.rename(tmp_path / "main.log.1")
    await pod.runtime.reopen_container_log(id)
    assert log.exists()


async def test_shared_process_namespace_leaves_no_zombies(cri: CriRuntime, pod: Pod) -> None:
    namespaces = NamespaceOptions(pid=NamespaceMode.POD)
    config = PodSandboxConfig(
        name="shared",
        uid="s",
        namespace="default",
        hostname="shared",
        log_directory=pod.config.log_directory,
        cgroup_parent=pod.config.cgroup_parent,
        security=type(pod.config.security)(namespaces=namespaces),
    )
    shared = Pod(cri, config, await cri.run_pod_sandbox(config))
    id = await shared.run(*FOREVER, security=ContainerSecurity(namespaces=namespaces))
    await cri.exec_sync(id, ["/bin/sh", "-c", "(sleep 0.01 &) ; sleep 0.1"], 5)
    listed = (await cri.exec_sync(id, ["/bin/ps", "-o", "pid,stat,args"], 5)).stdout.decode()
    assert "/pause" in listed.splitlines()[1]
    assert not [line for line in listed.splitlines()[1:] if line.split()[1].startswith("Z")], listed


async def test_stop_kills_what_does_not_end(pod: Pod) -> None:
    id = await pod.run("/bin/sh", "-c", "trap '' TERM; while true; do sleep 0.05; done")
    await pod.runtime.stop_container(id, 1)
    assert (await pod.runtime.container_status(id)).exit_code == 137


async def test_streaming_urls(pod: Pod) -> None:
    id = await pod.run(*FOREVER)
    urls = [
        await pod.runtime.exec(id, ["true"], tty=False, stdin=False, stdout=True, stderr=True),
        await pod.runtime.attach(id, tty=False, stdin=False, stdout=True, stderr=True),
        await pod.runtime.port_forward(pod.id, [80]),
    ]
    assert [url.split("/")[3] for url in urls] == ["exec", "attach", "portforward"]


async def test_pod_stats(pod: Pod) -> None:
    id = await pod.run(*FOREVER)
    stats = await pod.runtime.pod_sandbox_stats(pod.id)
    assert (stats.id, stats.name, stats.uid) == (pod.id, "web", "u")
    assert [c.id for c in stats.containers] == [id]
    assert [n.name for n in stats.network][:1] == ["eth0"]
    assert [s.id for s in await pod.runtime.list_pod_sandbox_stats()] == [pod.id]


class Registry:
    """An image registry of one image, behind a password when one is given."""

    def __init__(self, image: ImageContent, password: str = "") -> None:
        buffer = io.BytesIO()
        write_oci([image], buffer)
        buffer.seek(0)
        self.blobs = {}
        with tarfile.open(fileobj=buffer) as archive:
            for member in archive:
                data = archive.extractfile(member).read()  # type: ignore[union-attr]
                self.blobs[f"sha256:{Path(member.name).name}"] = data
                if member.name == "index.json":
                    self.manifest = json.loads(data)["manifests"][0]["digest"]
        self.wanted = f"Basic {base64.b64encode(f'me:{password}'.encode()).decode()}" if password else ""

    def answer(self, path: str, authorization: str) -> tuple[str, list[str], bytes]:
        if self.wanted and authorization != self.wanted:
            return "401 Unauthorized", ['WWW-Authenticate: Basic realm="test"'], b""
        what, _, reference = path.rpartition("/")
        digest = self.manifest if reference == "v1" else reference
        if what.endswith("/manifests") and digest == self.manifest:
            types = ["Content-Type: application/vnd.oci.image.manifest.v1+json", f"Docker-Content-Digest: {digest}"]
            return "200 OK", types, self.blobs[digest]
        if what.endswith("/blobs") and digest in self.blobs:
            return "200 OK", ["Content-Type: application/octet-stream"], self.blobs[digest]
        return "404 Not Found", [], b""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = lines[0].split(" ")
        found = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("authorization:")]
        status, headers, body = self.answer(path.partition("?")[0], "".join(found))
        head = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "Connection: close", "", ""]
        writer.write("\r\n".join(head).encode() + (body if method == "GET" else b""))
        await writer.drain()
        writer.close()


@pytest.mark.parametrize("password", ["", "secret"])
async def test_pull(cri: CriRuntime, password: str) -> None:
    content = ImageContent(name="x", layers=[[Entry(path="/file", data=password.encode())]])
    server = await asyncio.start_server(Registry(content, password).connected, "127.0.0.1")
    async with server:
        name = f"127.0.0.1:{server.sockets[0].getsockname()[1]}/some/image"
        auth = AuthConfig(username="me", password=password) if password else None
        id = await cri.pull_image(f"{name}:v1", auth)
        found = await cri.image_status(f"{name}:v1")
        assert found is not None
        assert (found.id, found.repo_tags) == (id, (f"{name}:v1",))
        assert found.repo_digests[0].startswith(f"{name}@sha256:")
        await cri.remove_image(id)
        assert await cri.image_status(id) is None
        with pytest.raises(RuntimeCallError) as caught:
            await cri.pull_image(f"{name}:v2", auth)
        assert caught.value.not_found
        if password:
            with pytest.raises(RuntimeCallError, match="401 Unauthorized"):
                await cri.pull_image(f"{name}:v1", AuthConfig(username="me", password="wrong"))


async def test_server_that_comes_back(tmp_path: Path) -> None:
    socket = str(tmp_path / "cri.sock")

    def version(request: bytes, context: Any) -> bytes:
        return message("VersionResponse")(runtime_name="stand-in").SerializeToString()  # type: ignore[no-any-return]

    async def serve() -> Any:
        server = grpc.aio.server()
        methods = {"Version": grpc.unary_unary_rpc_method_handler(version)}
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("runtime.v1.RuntimeService", methods)])
        server.add_insecure_port(f"unix://{socket}")
        await server.start()
        return server

    async def answers(runtime: CriRuntime) -> bool:
        try:
            return (await runtime.version()).runtime_name == "stand-in"
        except RuntimeCallError as error:
            if error.unavailable:
                return False
            raise

    runtime = CriRuntime(socket)
    for _ in range(2):
        server = await serve()
        async with asyncio.timeout(60):
            while not await answers(runtime):
                continue
        await server.stop(None)
        with pytest.raises(RuntimeCallError) as caught:
            await runtime.version()
        assert caught.value.unavailable
    await runtime.close()


async def test_nobody_listens(tmp_path: Path) -> None:
    runtime = CriRuntime(str(tmp_path / "none.sock"))
    with pytest.raises(RuntimeCallError) as caught:
        await runtime.version()
    assert caught.value.unavailable
    await runtime.close()
    await runtime.close()


async def test_closed_connection_opens_again(cri: CriRuntime) -> None:
    await cri.version()
    await cri.close()
    assert (await cri.version()).runtime_name == "containerd"
