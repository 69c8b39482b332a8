"""The pause program: a valid executable that waits, ignores SIGCHLD and can be killed."""

from __future__ import annotations

import io
import os
import platform
import signal
import subprocess
from pathlib import Path

import pytest

from steersman.kubelet.archive import architecture, write_oci
from steersman.kubelet.pause import pause_image, pause_program


@pytest.mark.parametrize(("machine", "number"), [("amd64", 62), ("arm64", 183)])
def test_is_an_elf_executable(machine: str, number: int) -> None:
    program = pause_program(machine)
    assert program[:7] == b"\x7fELF\x02\x01\x01"
    assert int.from_bytes(program[16:18], "little") == 2
    assert int.from_bytes(program[18:20], "little") == number
    assert int.from_bytes(program[96:104], "little") == len(program)
    assert len(program) < 250


def test_unknown_machine() -> None:
    with pytest.raises(ValueError, match="no pause program for mips"):
        pause_program("mips")


def test_image_is_the_same_each_time() -> None:
    outputs = [io.BytesIO(), io.BytesIO()]
    for output in outputs:
        write_oci([pause_image("amd64")], output)
    assert outputs[0].getvalue() == outputs[1].getvalue()


@pytest.mark.node
def test_waits_with_sigchld_ignored(tmp_path: Path) -> None:
    assert platform.machine() in ("x86_64", "aarch64")
    path = tmp_path / "pause"
    path.write_bytes(pause_program(architecture()))
    path.chmod(0o755)
    process = subprocess.Popen([path])
    try:
        stat = Path(f"/proc/{process.pid}/stat")
        ignored = 0
        while stat.read_text().split()[2] != "S" or not ignored:
            assert process.poll() is None
            status = Path(f"/proc/{process.pid}/status").read_text()
            ignored = int(next(line for line in status.splitlines() if line.startswith("SigIgn")).split()[1], 16)
        assert ignored & 1 << (signal.SIGCHLD - 1)
        process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGCONT)
        assert process.poll() is None
    finally:
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM
