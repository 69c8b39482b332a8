"""The real client through the real runtime, in every way it can ask."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import struct
import termios
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.node

WAYS = {
    "websocket": {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "true", "KUBECTL_PORT_FORWARD_WEBSOCKETS": "true"},
    "spdy": {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false", "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"},
}
BIG = bytes(range(256)) * (20 << 12)


class Kubectl:
    def __init__(self, server: Any, way: str, home: Path) -> None:
        self.server = server
        self.environment = {**os.environ, **WAYS[way], "HOME": str(home), "KUBECONFIG": "/dev/null"}

    async def start(self, *args: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        command = ("kubectl", f"--server={self.server.url}", *args)
        return await asyncio.create_subprocess_exec(
            *command, env=self.environment, stdin=pipe, stdout=pipe, stderr=pipe
        )

    async def run(self, *args: str, input: bytes = b"") -> tuple[int, bytes, bytes]:
        process = await self.start(*args)
        async with asyncio.timeout(60):
            output, errors = await process.communicate(input)
        return process.returncode or 0, output, errors


@pytest.fixture(params=sorted(WAYS))
def kubectl(request: pytest.FixtureRequest, api: Any, tmp_path: Path) -> Kubectl:
    return Kubectl(api, request.param, tmp_path)


@pytest.mark.parametrize("code", [0, 7, 137])
async def test_exit_code_and_both_outputs(kubectl: Kubectl, code: int) -> None:
    script = f"echo out; echo err >&2; exit {code}"
    status, output, errors = await kubectl.run("exec", "web", "--", "/bin/sh", "-c", script)
    assert (status, output) == (code, b"out\n"), errors
    assert errors.startswith(b"err\n")


async def test_command_not_found(kubectl: Kubectl) -> None:
    status, _, errors = await kubectl.run("exec", "web", "--", "/no-such-program")
    assert status == 1
    assert b"no-such-program" in errors


async def test_end_of_input(kubectl: Kubectl) -> None:
    status, output, errors = await kubectl.run("exec", "-i", "web", "--", "/bin/wc", "-c", input=b"x" * 1000)
    assert (status, output.strip()) == (0, b"1000"), errors


async def test_twenty_megabytes_each_way(kubectl: Kubectl) -> None:
    status, output, errors = await kubectl.run("exec", "-i", "web", "--", "/bin/cat", input=BIG)
    assert status == 0, errors
    assert output == BIG


async def test_attach(kubectl: Kubectl) -> None:
    process = await kubectl.start("attach", "web", "-c", "main")
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while (line := await process.stdout.readline()) != b"tick\n":
            assert line, "it has ended"
        await kubectl.server.runtime.stop_container(kubectl.server.container, 5)
        await process.communicate()
    assert process.returncode == 0


async def test_copy_both_ways(kubectl: Kubectl, tmp_path: Path) -> None:
    given, back = tmp_path / "given", tmp_path / "back"
    given.write_bytes(BIG[: 1 << 20])
    for source, target in ((str(given), "web:/tmp/there"), ("web:/tmp/there", str(back))):
        status, output, errors = await kubectl.run("cp", source, target)
        assert status == 0, output + errors
    assert back.read_bytes() == given.read_bytes()


class Terminal:
    """kubectl at a terminal that we type into."""

    def __init__(self, process: asyncio.subprocess.Process, fd: int, reader: asyncio.StreamReader) -> None:
        self.process, self.fd, self.reader = process, fd, reader
        self.seen = b""

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    async def expect(self, pattern: str) -> None:
        while not (found := re.search(pattern.encode(), self.seen)):
            try:
                data = await asyncio.wait_for(self.reader.read(4096), 60)
            except TimeoutError:
                data = b""
            assert data, (pattern, self.seen)
            self.seen += data
        self.seen = self.seen[found.end() :]

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@pytest.fixture
async def terminal(kubectl: Kubectl) -> AsyncIterator[Terminal]:
    master, slave = os.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
    reader = asyncio.StreamReader()
    file = os.fdopen(master, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), file
    )
    process = await asyncio.create_subprocess_exec(
        # A controlling terminal of its own, so that kubectl hears when the size changes.
        *("setsid", "--ctty", "kubectl", f"--server={kubectl.server.url}", "exec", "-it", "web", "--", "/bin/sh"),
        env=kubectl.environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    yield Terminal(process, master, reader)
    if process.returncode is None:
        process.kill()
        await process.wait()
    transport.close()


async def test_terminal(terminal: Terminal) -> None:
    await terminal.expect("# ")
    # The size takes its way beside the input.
    terminal.type("until stty size | grep '33 101'; do sleep 0.05; done\n")
    await terminal.expect("\n33 101\r\n.*# ")
    terminal.resize(44, 122)
    terminal.type("until stty size | grep '44 122'; do sleep 0.05; done\n")
    await terminal.expect("\n44 122\r\n.*# ")
    # Said by the process that ^C is for: the shell itself, before it has started one, would swallow it.
    terminal.type("sh -c 'echo ready; exec sleep 1000'\n")
    await terminal.expect("\nready\r\n")
    terminal.type("\x03")
    await terminal.expect("# ")
    terminal.type("echo code=$?\n")
    await terminal.expect("\ncode=130\r\n.*# ")
    terminal.type("exit 5\n")
    async with asyncio.timeout(60):
        assert await terminal.process.wait() == 5


async def test_no_way_falls_back(kubectl: Kubectl) -> None:
    assert (await kubectl.run("exec", "web", "--", "true"))[0] == 0
    # Clients that know no WebSockets do not know the variable either.
    version = json.loads((await kubectl.run("version", "--client", "-o", "json"))[1])["clientVersion"]
    old = int(version["minor"].rstrip("+")) < 29
    spdy = old or kubectl.environment["KUBECTL_REMOTE_COMMAND_WEBSOCKETS"] == "false"
    assert kubectl.server.upgrades == (["SPDY/3.1"] if spdy else ["websocket"])


async def test_port_forward(kubectl: Kubectl) -> None:
    process = await kubectl.start("port-forward", "pod/web", ":7")
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = await process.stdout.readline()
            port = int(re.findall(rb"127.0.0.1:(\d+)", line)[0])
            for data in (b"hello", BIG[: 2 << 20]):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(data)
                assert await reader.readexactly(len(data)) == data
                writer.close()
    finally:
        process.terminate()
        await process.communicate()
