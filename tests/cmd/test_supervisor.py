"""The supervisor with real processes: order, restarts, adoption, stopping, and what it says."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.running import wait_end

from steersman.cmd import control, notify, processes
from steersman.cmd.supervisor import MAX_DELAY, MAX_READY_DELAY, Paths, lock, restart_delay

PATIENCE = 120.0


class Supervised:
    """Starts supervisors on one directory and sees to it that nothing of them is left."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.paths = Paths(str(directory))
        self.process: subprocess.Popen[bytes] | None = None
        self._fifos: dict[str, int] = {}

    def part(self, name: str, **more: Any) -> dict[str, Any]:
        """A part that reports its pid whenever it starts, then waits for a signal."""
        self._fifo(name)
        script = f'echo "$$" > {self.directory / name}.fifo; exec sleep 1000'
        return {"name": name, "command": ["sh", "-c", script], "notifies": False, **more}

    def notifying(self, name: str, **more: Any) -> dict[str, Any]:
        """A part that says by itself that it is ready."""
        self._fifo(name)
        script = (
            "import os, signal; from steersman.cmd import notify; "
            f"open({str(self.directory / name)!r} + '.fifo', 'w').write(f'{{os.getpid()}}\\n'); "
            "notify.ready(); signal.pause()"
        )
        return {"name": name, "command": [sys.executable, "-c", script], **more}

    def _fifo(self, name: str) -> None:
        path = self.directory / f"{name}.fifo"
        os.mkfifo(path)
        # Open for both, so that neither side ever waits for the other to open it.
        self._fifos[name] = os.open(path, os.O_RDWR)

    def started(self, name: str) -> int:
        """The pid of the next start of a part."""
        fd = self._fifos[name]
        if not select.select([fd], [], [], PATIENCE)[0]:
            raise AssertionError(f"{name} did not start: {self.log()}")
        line = b""
        # No more than that: the next start may have been reported already.
        while not line.endswith(b"\n"):
            line += os.read(fd, 1)
        return int(line)

    def running(self, name: str) -> bool:
        """Whether a start was reported that nobody has read yet."""
        return bool(select.select([self._fifos[name]], [], [], 0)[0])

    def start(self, *parts: dict[str, Any], chores: tuple[dict[str, Any], ...] = ()) -> int:
        """Start a supervisor; returns its pid once it listens."""
        if parts:
            (self.directory / "supervisor.json").write_text(json.dumps({"parts": parts, "chores": chores}))
        os.makedirs(self.paths.logs, exist_ok=True)
        ready, address = notify.listen()
        with ready, open(self.directory / "supervisor.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "steersman.cmd.supervisor", str(self.directory)],
                stdout=log,
                stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": address},
            )
            assert select.select([ready], [], [], PATIENCE)[0], self.log()
        return self.process.pid

    def call(self, **request: Any) -> dict[str, Any]:
        return control.call(self.paths.socket, request, PATIENCE)

    def states(self) -> dict[str, dict[str, Any]]:
        return {part["name"]: part for part in self.call(op="status")["parts"]}

    def kill_supervisor(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def log(self) -> str:
        return (self.directory / "supervisor.log").read_text()

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill_supervisor()
        for name, fd in self._fifos.items():
            left = processes.find(self.paths.part_pidfile(name))
            if left is not None:
                left.send(signal.SIGKILL)
                left.close()
            os.close(fd)


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    supervised = Supervised(tmp_path)
    yield supervised
    supervised.close()


@pytest.mark.parametrize(("failures", "limit"), [(0, 0.0), (1, 0.0), (2, 1.0), (3, 1.0), (4, 3.0), (9, 5.0)])
def test_restarts_are_quick_first_and_never_slower_than_five_seconds(failures: int, limit: float) -> None:
    assert restart_delay(failures) <= limit
    assert restart_delay(failures + 1) >= restart_delay(failures)
    assert restart_delay(1000) == MAX_DELAY
    assert restart_delay(1000, was_ready=True) == MAX_READY_DELAY


def test_parts_start_in_order(supervised: Supervised) -> None:
    supervised.start(supervised.part("scheduler", after=["apiserver"]), supervised.notifying("apiserver"))
    first = supervised.started("apiserver")
    supervised.started("scheduler")
    # The part may say that it runs before the supervisor does; once it answers, it has.
    states = supervised.states()
    log = supervised.log()
    assert log.index("started apiserver") < log.index("apiserver is ready") < log.index("started scheduler")
    assert states["apiserver"] | {"seconds": 0} == {
        "name": "apiserver",
        "state": "ready",
        "pid": first,
        "restarts": 0,
        "seconds": 0,
        "lastExit": "",
    }


def test_a_part_whose_order_has_not_come_waits(supervised: Supervised) -> None:
    supervised.start(supervised.part("apiserver", notifies=True), supervised.part("scheduler", after=["apiserver"]))
    supervised.started("apiserver")
    states = supervised.states()
    assert (states["apiserver"]["state"], states["scheduler"]["state"]) == ("starting", "waiting")
    assert not supervised.running("scheduler")


def test_killed_part_comes_back(supervised: Supervised) -> None:
    supervised.start(supervised.part("apiserver"))
    first = supervised.started("apiserver")
    os.kill(first, signal.SIGKILL)
    second = supervised.started("apiserver")
    assert second != first
    state = supervised.states()["apiserver"]
    assert (state["pid"], state["restarts"], state["lastExit"]) == (second, 1, "killed by SIGKILL")


def test_parts_survive_the_supervisor_and_are_adopted(supervised: Supervised) -> None:
    supervised.start(supervised.part("apiserver"), supervised.notifying("dns"))
    pids = supervised.started("apiserver"), supervised.started("dns")
    supervised.call(op="wait", part="dns")
    supervised.kill_supervisor()
    for pid in pids:
        os.kill(pid, 0)
    supervised.start()
    states = supervised.states()
    assert (states["apiserver"]["pid"], states["dns"]["pid"]) == pids
    assert states["dns"]["state"] == "ready"
    os.kill(pids[0], signal.SIGKILL)
    assert supervised.started("apiserver") not in pids
    assert supervised.stop() == 0
    wait_end(pids[1])


def test_a_reused_pid_is_not_adopted(supervised: Supervised) -> None:
    paths = supervised.paths
    os.makedirs(paths.run)
    processes.write_pidfile(paths.part_pidfile("apiserver"), os.getpid(), True)
    recorded = processes.read_pidfile(paths.part_pidfile("apiserver"))
    for changed in ({"start": recorded["start"] + 1}, {"boot": "another"}, {"pid": 2**22 + 1}):
        with open(paths.part_pidfile("apiserver"), "w") as file:
            json.dump(recorded | changed, file)
        assert processes.find(paths.part_pidfile("apiserver")) is None
    with open(paths.part_pidfile("apiserver"), "w") as file:
        file.write("")
    assert processes.find(paths.part_pidfile("apiserver")) is None


def test_stopping_goes_backwards_and_kills_what_does_not_listen(supervised: Supervised) -> None:
    stubborn = supervised.part("node", after=["apiserver"], grace=0.2)
    stubborn["command"][2] = "trap '' TERM; " + stubborn["command"][2]
    supervised.start(supervised.part("apiserver"), stubborn)
    pids = supervised.started("apiserver"), supervised.started("node")
    assert supervised.stop() == 0
    log = supervised.log()
    assert log.index("stopping node") < log.index("killing node") < log.index("stopping apiserver")
    for pid in pids:
        wait_end(pid)
    assert sorted(os.listdir(supervised.paths.run)) == ["supervisor.lock"]


def test_stop_by_request(supervised: Supervised) -> None:
    supervised.start(supervised.part("apiserver"))
    supervised.started("apiserver")
    pid = supervised.call(op="stop")["pid"]
    assert supervised.process is not None
    assert pid == supervised.process.pid
    assert supervised.process.wait(PATIENCE) == 0


def test_restart_by_request(supervised: Supervised) -> None:
    supervised.start(supervised.part("apiserver", grace=PATIENCE))
    first = supervised.started("apiserver")
    supervised.call(op="restart", part="apiserver")
    assert supervised.started("apiserver") != first
    assert supervised.states()["apiserver"]["lastExit"] == "killed by SIGTERM"


def test_only_one_supervisor(supervised: Supervised) -> None:
    supervised.start(supervised.part("apiserver"))
    supervised.started("apiserver")
    assert lock(Paths(str(supervised.directory))) is None


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["sh", "-c", "exit 3"], "exit status 3"),
        (["/no/such/program"], "exit status 127"),
        (["sh", "-c", "exit 78"], "it is not configured well"),
    ],
)
def test_waiting_for_a_part_that_cannot_start(supervised: Supervised, command: list[str], reason: str) -> None:
    supervised.start(supervised.part("hold"), {"name": "dns", "command": command})
    supervised.started("hold")
    with pytest.raises(control.ControlError, match=f"dns does not start: {reason}"):
        supervised.call(op="wait", part="dns")
    lives = [datetime.fromisoformat(line.split()[0]) for line in supervised.log().splitlines() if "started dns" in line]
    if "78" in command[-1]:
        # Once a second, and for who comes late once more.
        assert len(lives) <= 2 + (lives[-1] - lives[0]).total_seconds()
    else:
        assert len(lives) >= 3
    if reason.endswith("127"):
        assert "cannot start /no/such/program: [Errno 2]" in (supervised.directory / "logs/dns.log").read_text()


def test_waiting_for_a_part_of_a_cluster_that_stops(supervised: Supervised) -> None:
    supervised.start(supervised.part("apiserver", notifies=True))
    supervised.started("apiserver")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(supervised.paths.socket)
        client.sendall(b'{"op": "wait", "part": "apiserver"}\n')
        supervised.call(op="status")
        supervised.call(op="stop")
        with client.makefile() as answers:
            assert json.loads(answers.readline()) == {"error": "the cluster is stopped"}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"op": "wait", "part": "x"}, "there is no part 'x'; parts are apiserver"),
        ({"op": "dance", "part": "apiserver"}, "unknown operation 'dance'"),
    ],
)
def test_refused_requests(supervised: Supervised, request_: dict[str, str], message: str) -> None:
    supervised.start(supervised.part("apiserver"))
    supervised.started("apiserver")
    with pytest.raises(control.ControlError, match=message):
        supervised.call(**request_)


def test_nonsense_on_the_socket_does_not_hurt(supervised: Supervised) -> None:
    supervised.start(supervised.part("apiserver"))
    supervised.started("apiserver")
    for nonsense in (b"", b"no json\n", b"[]\n", b"x" * 70000):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(supervised.paths.socket)
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                client.sendall(nonsense)
                client.shutdown(socket.SHUT_WR)
                assert client.recv(1) == b""
    assert supervised.states()["apiserver"]["state"] == "ready"


def test_nobody_listens(supervised: Supervised) -> None:
    with pytest.raises(control.ControlError, match="does not answer"):
        supervised.call(op="status")


def test_chores_are_done_again_and_again(supervised: Supervised) -> None:
    part = supervised.part("a")
    supervised._fifo("chore")
    # Opened both ways: the last one, for which nobody waits, does not wait for a reader.
    script = f'exec 3<>{supervised.directory / "chore"}.fifo; echo "$$" >&3'
    supervised.start(part, chores=({"name": "chore", "command": ["sh", "-c", script], "every": 0.05},))
    first, second = supervised.started("chore"), supervised.started("chore")
    assert first != second
    # What ends by itself is no part, and nobody's failure.
    assert set(supervised.states()) == {"a"}
    assert supervised.stop() == 0
