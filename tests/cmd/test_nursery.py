"""The nursery: parts forked from a prepared process, and what happens without it."""

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.running import wait_end

from steersman.cmd import notify, nursery, processes

PATIENCE = 120.0
# A module that every Python has; it prints its arguments' encoding and ends.
MODULE = "this"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    ready, address = notify.listen()
    with ready, open(tmp_path / "nursery.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "steersman.cmd.nursery", str(tmp_path), "-" * 64],
            env={**os.environ, "NOTIFY_SOCKET": address},
            stderr=log,
        )
        try:
            assert select.select([ready], [], [], PATIENCE)[0], "the nursery does not start"
            yield process
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.wait()
    assert not (tmp_path / nursery.SOCKET).exists()


@pytest.fixture
def path(process: subprocess.Popen[bytes], tmp_path: Path) -> str:
    return str(tmp_path / nursery.SOCKET)


def run(path: str, tmp_path: Path, module: str, *arguments: str, **environment: str) -> tuple[processes.Running, str]:
    log = str(tmp_path / "log")
    return nursery.start(path, module, list(arguments), environment, str(tmp_path / "pid"), log), log


def end(running: processes.Running) -> None:
    assert select.select([running.fd], [], [], PATIENCE)[0]
    running.close()


def test_a_part_runs_and_its_end_is_known(path: str, tmp_path: Path) -> None:
    running, log = run(path, tmp_path, MODULE)
    recorded = processes.read_pidfile(str(tmp_path / "pid"))
    end(running)
    assert recorded.get("pid", running.pid) == running.pid
    assert Path(log).read_text().startswith("The Zen of Python")
    assert nursery.exit_status(path, running.pid) == 0
    assert nursery.exit_status(path, running.pid) is None


def test_a_failing_part_says_why(path: str, tmp_path: Path) -> None:
    running, log = run(path, tmp_path, "steersman.no_such_module")
    end(running)
    status = nursery.exit_status(path, running.pid)
    assert status is not None
    assert os.waitstatus_to_exitcode(status) == 1
    assert "No module named" in Path(log).read_text()


def test_arguments_reach_the_part(path: str, tmp_path: Path) -> None:
    running, log = run(path, tmp_path, "json.tool", "--help", COLUMNS="200")
    end(running)
    assert "usage: tool.py" in Path(log).read_text() or "usage: python" in Path(log).read_text()


def test_a_killed_part_says_by_what(path: str, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    running, _ = run(path, tmp_path, "base64", "-e", str(fifo))
    title = Path(f"/proc/{running.pid}/cmdline").read_bytes()
    running.send(signal.SIGKILL)
    end(running)
    assert b"-m" in title
    status = nursery.exit_status(path, running.pid)
    assert status is not None
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def test_a_part_that_nobody_waits_for_any_more_does_not_run(
    process: subprocess.Popen[bytes], path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    process.send_signal(signal.SIGSTOP)
    with monkeypatch.context() as patched:
        patched.setattr(nursery, "TIMEOUT", 0.01)
        # Whoever has given up has started the part in another way by the time the nursery goes on.
        with pytest.raises(nursery.NurseryError):
            run(path, tmp_path, "base64", "-e", str(fifo))
    process.send_signal(signal.SIGCONT)
    running, _ = run(path, tmp_path, MODULE)
    end(running)
    found = re.search(r"nobody waits for base64 any more \(pid (\d+)\): killed", (tmp_path / "nursery.log").read_text())
    assert found
    wait_end(int(found[1]))


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(nursery.NurseryError):
        run(str(tmp_path / nursery.SOCKET), tmp_path, MODULE)
    assert nursery.exit_status(str(tmp_path / nursery.SOCKET), 1) is None


def test_title_fits_the_room_there_is() -> None:
    script = (
        "import sys; from steersman.cmd import processes; processes.set_title(['short', 'x' * 9999]); "
        "print(open('/proc/self/cmdline').read())"
    )
    command = [sys.executable, "-c", script, "-" * 64]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.startswith("short\0xxx")
    assert len(shown.rstrip("\n")) <= len("\0".join(command)) + 1
