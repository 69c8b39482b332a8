"""`steer` from the outside: a control plane's whole life, what survives what, and failures that leave nothing behind."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import load_pem_x509_certificate
from tests.running import TIMEOUT, wait_end

from steersman.cmd import lifecycle, ports, processes
from steersman.cmd.place import Place
from steersman.cmd.report import Deadline


class Steer:
    """Runs `steer` on clusters in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.base = directory / "data"
        self.kubeconfig = directory / "kubeconfig"
        self.environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(directory)}
        self.place = Place("test", self.base)

    def start(self, command: str, *arguments: str) -> "subprocess.Popen[str]":
        where = ["--name", "test", "--data-dir", str(self.base)]
        return subprocess.Popen(
            [sys.executable, "-m", "steersman.cmd.steer", command, *arguments, *where],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def running(self, command: str, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
        """A command in the background, which ends at the latest with the block."""
        with self.start(command, *arguments) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def __call__(self, command: str, *arguments: str, status: int = 0) -> "subprocess.CompletedProcess[str]":
        with self.running(command, *arguments) as process:
            output, errors = process.communicate(timeout=TIMEOUT)
        assert process.returncode == status, f"{output}\n{errors}"
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def status(self) -> dict[str, Any]:
        with self.running("status", "-o", "json") as process:
            output, errors = process.communicate(timeout=TIMEOUT)
        assert output, errors
        found: dict[str, Any] = json.loads(output)
        return found

    def pids(self) -> dict[str, int]:
        return {part["name"]: part["pid"] for part in self.status()["parts"]}

    def part(self, name: str) -> dict[str, Any]:
        """How a part is, once it is ready."""
        lifecycle.wait_part(self.place, name, TIMEOUT)
        found: dict[str, Any] = next(part for part in self.status()["parts"] if part["name"] == name)
        return found


@pytest.fixture
def steer(tmp_path: Path) -> Iterator[Steer]:
    steer = Steer(tmp_path)
    yield steer
    if steer.place.exists():
        steer("delete")


def test_life_of_a_control_plane(steer: Steer) -> None:
    up = steer("up", "--no-nodes")
    server = up.stdout.strip()
    assert server.startswith("https://127.0.0.1:")
    assert "DNS answers" in up.stderr
    assert "Next: kubectl get namespaces" in up.stderr.splitlines()[-1]
    status = steer.status()
    assert (status["usable"], status["server"], status["context"]) == (True, server, "steersman-test")
    pids = steer.pids()
    assert set(pids) == {"apiserver", "nursery", "controller-manager", "scheduler", "dns"}
    assert server in steer("kubeconfig").stdout
    assert "current-context: steersman-test" in steer.kubeconfig.read_text()
    assert "is ready" in steer("logs", "supervisor").stdout

    # Again is no error, and nothing is restarted.
    steer("up")
    assert steer.pids() == pids

    # The supervisor's death changes nothing but that nobody restarts.
    supervisor = processes.find(steer.place.supervision.pidfile)
    assert supervisor is not None
    supervisor.send(signal.SIGKILL)
    wait_end(supervisor.pid)
    supervisor.close()
    assert steer.status()["state"] == "without a supervisor"
    steer("up")
    assert steer.pids() == pids

    # Stopped and started: the same port and the same authority.
    ca = steer.place.pki.ca.cert.read_bytes()
    steer("down")
    for pid in pids.values():
        wait_end(pid)
    assert steer.status()["state"] == "stopped"
    assert "was not running" in steer("down").stderr
    assert steer("up").stdout.strip() == server
    assert steer.place.pki.ca.cert.read_bytes() == ca

    steer("delete")
    assert not steer.base.exists()
    assert "steersman-test" not in steer.kubeconfig.read_text()
    assert "nothing to delete" in steer("delete").stderr


def test_killed_parts_come_back(steer: Steer) -> None:
    steer("up", "--no-nodes")
    port = steer.place.load().port
    for name in steer.pids():
        # Who could not do without another that was killed may have been started again by now.
        pid = steer.part(name)["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_end(pid)
        # Another cluster that starts now does not get the port of the API server.
        other, chosen = ports.hold_free("127.0.0.1", [port])
        other.close()
        assert chosen != port
        after = steer.part(name)
        assert after["pid"] not in (None, pid)
        assert after["lastExit"] in ("killed by SIGKILL", "ended")
    steer("up")


def test_certificates_are_renewed_under_a_running_cluster(steer: Steer) -> None:
    steer("up", "--no-nodes")
    pids = steer.pids()
    port, ca = steer.place.load().port, str(steer.place.pki.ca.cert)

    def rows() -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in json.loads(steer("certs", "-o", "json").stdout)}

    def served() -> int:
        """The serial number of what the API server shows."""
        pem = ssl.get_server_certificate(("127.0.0.1", port), ca_certs=ca, timeout=TIMEOUT)
        return load_pem_x509_certificate(pem.encode()).serial_number

    before = rows()
    assert served() == int(before["apiserver"]["serialNumber"], 16)
    assert before["kubeconfig"]["serialNumber"] == before["admin"]["serialNumber"]
    renewed = steer("certs", "renew").stdout.split()
    assert {"apiserver", "admin", "scheduler"} <= set(renewed)
    after = rows()
    assert {name for name in after if after[name]["serialNumber"] == before[name]["serialNumber"]} == {
        "ca",
        "front-proxy-ca",
    }
    assert after["kubeconfig"]["serialNumber"] == after["admin"]["serialNumber"]
    # Nobody is restarted: the server looks at its files now and then, and its clients do.
    deadline = Deadline(TIMEOUT)
    while served() != int(after["apiserver"]["serialNumber"], 16):
        assert deadline.pause(0.1)
    assert steer.pids() == pids
    assert steer.status()["usable"]
    for step in ("prepare", "switch", "finish"):
        steer("certs", "rotate-ca", step)
    assert rows()["ca"]["serialNumber"] != before["ca"]["serialNumber"]

    # Down, too; and what is secret is nobody else's.
    steer("down")
    assert steer("certs", "renew", "scheduler").stdout.split() == ["scheduler"]
    assert "authority" in steer("certs", "renew", "ca", status=1).stderr
    for directory, _, names in os.walk(steer.place.directory):
        for name in names:
            path = Path(directory, name)
            secret = name.endswith((".key", ".pem", ".kubeconfig", ".db", "-wal"))
            assert not secret or path.stat().st_mode & 0o077 == 0, path
    for name in ("pki", "config", "run", "logs"):
        assert (steer.place.directory / name).stat().st_mode & 0o777 == 0o700
    steer("up")


def test_parts_without_a_supervisor_are_stopped_too(steer: Steer) -> None:
    steer("up", "--no-nodes")
    pids = steer.pids()
    supervisor = processes.find(steer.place.supervision.pidfile)
    assert supervisor is not None
    supervisor.send(signal.SIGKILL)
    wait_end(supervisor.pid)
    supervisor.close()
    steer("down")
    for pid in pids.values():
        wait_end(pid)


def test_simulated_nodes(steer: Steer) -> None:
    steer("up", "--simulate", "3", "--store", "memory://")
    assert list(steer.status()["nodes"].values()) == ["Ready"] * 3


def test_foreground_stops_the_cluster_at_a_signal(steer: Steer) -> None:
    with steer.running("up", "--no-nodes", "--foreground") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("https://")
        pids = steer.pids()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0
    for pid in pids.values():
        wait_end(pid)
    assert steer.place.exists()


def test_interrupted_start_leaves_nothing(steer: Steer) -> None:
    # Whoever opens it waits for a writer: the start is not over before it is interrupted.
    waits = steer.base.parent / "fifo"
    os.mkfifo(waits)
    with steer.running("up", "--no-nodes", "--apiserver-arg", f"audit-policy-file={waits}") as process:
        assert process.stderr is not None
        assert "certificates" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 130, errors
    assert "undoing" in errors
    assert not steer.base.exists()
    assert not steer.kubeconfig.exists()


def test_taken_port(steer: Steer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        errors = steer("up", "--no-nodes", "--port", str(port), status=1).stderr
    assert errors == f"steer: port {port} of 127.0.0.1 is taken; choose another one with --port\n"
    assert not steer.base.exists()


def test_broken_kubeconfig_is_noticed_before_anything_is_made(steer: Steer) -> None:
    steer.kubeconfig.write_text("clusters: {")
    errors = steer("up", "--no-nodes", status=1).stderr
    assert errors.startswith(f"steer: the kubeconfig {steer.kubeconfig} is not valid")
    assert not steer.base.exists()
    assert steer.kubeconfig.read_text() == "clusters: {"


def test_failing_part_is_told_with_its_log(steer: Steer) -> None:
    errors = steer("up", "--no-nodes", "--store", "nonsense://", status=1).stderr
    assert "apiserver does not start: exit status 1" in errors
    assert "store URL 'nonsense://' must begin with" in errors
    assert not steer.base.exists()


def test_what_is_not_configured_well_is_told_once(steer: Steer) -> None:
    wrong = ("--no-nodes", "--apiserver-arg", "service-node-port-range=1")
    errors = steer("up", *wrong, status=1).stderr
    assert "apiserver does not start: it is not configured well" in errors
    assert errors.count("serviceNodePortRange: must be a range such as 30000-32767, not '1'") == 1
    # What is undone takes its log with it.
    assert "The whole log" not in errors
    assert not steer.base.exists()


def test_what_earlier_starts_have_said_is_not_told_again(steer: Steer) -> None:
    steer("up", "--no-nodes")
    steer("down")
    first = steer("up", "--apiserver-arg", "authorization-mode=One", status=1).stderr
    assert "One" in first
    second = steer("up", "--apiserver-arg", "authorization-mode=Two", status=1).stderr
    assert "Two" in second
    assert "One" not in second
    # It is said how they are got rid of.
    assert "NAME= takes one back" in second
    steer("up", "--apiserver-arg", "authorization-mode=")


def test_foreign_directory_is_left_alone(steer: Steer) -> None:
    steer.place.directory.mkdir(parents=True)
    (steer.place.directory / "thesis.txt").write_text("important")
    assert "holds other files (thesis.txt)" in steer("up", "--no-nodes", status=1).stderr
    assert os.listdir(steer.place.directory) == ["thesis.txt"]


@pytest.mark.parametrize("command", ["status", "logs", "kubeconfig"])
def test_missing_cluster(steer: Steer, command: str) -> None:
    errors = steer(command, status=1).stderr
    assert errors == f"steer: there is no cluster 'test' in {steer.base}; make it with `steer up`\n"
