"""A control plane of real processes for tests that need one from the outside: `steer up --no-nodes` in a directory of its own;
and the ends of processes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from steersman.cmd import lifecycle
from steersman.cmd.place import Place
from steersman.cmd.status import gather

NAME = "test"
# Nothing that is waited for takes this long, however busy the machine is.
TIMEOUT = 180


@dataclass(frozen=True)
class ControlPlane:
    """A running control plane: `kubeconfig` is its administrator's, `place` says where its parts are."""

    directory: Path
    place: Place

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.directory)}

    def steer(self, command: str, *arguments: str) -> None:
        where = ["--name", NAME, "--data-dir", str(self.place.base)]
        done = subprocess.run(
            [sys.executable, "-m", "steersman.cmd.steer", command, *arguments, *where],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    def kill(self, part: str) -> None:
        """Kill a part's process, and wait until it is back."""
        (pid,) = [found["pid"] for found in gather(self.place)["parts"] if found["name"] == part]
        ended = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(ended, signal.SIGKILL)
            # It does not end at once; until then it would be taken for ready.
            assert select.select([ended], [], [], TIMEOUT)[0]
        finally:
            os.close(ended)
        lifecycle.wait_part(self.place, part, TIMEOUT)


def wait_end(pid: int) -> None:
    """Until a process that may not be our child has ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([fd], [], [], TIMEOUT)[0], f"{pid} does not end"
    finally:
        os.close(fd)


@contextmanager
def control_plane(directory: Path) -> Iterator[ControlPlane]:
    """Up on entry, deleted with all it had at the end."""
    running = ControlPlane(directory, Place(NAME, directory / "data"))
    try:
        running.steer("up", "--no-nodes")
        yield running
    finally:
        running.steer("delete")
