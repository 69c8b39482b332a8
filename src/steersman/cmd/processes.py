"""Starting a process so that it outlives its starter, and finding it again: pidfiles that name one process for sure.

Standard library only and no dataclasses: this is part of the supervisor, which is to stay small.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

EXEC_FAILED = 127


def start_time(pid: int) -> int | None:
    """When the process began, in ticks since boot; None when it is gone or a zombie. Pid and start are unique."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # Counted from after the command's name, which may hold spaces: state is field 3, the start time field 22.
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


class Running:
    """A process that was found or started: a pidfd is held, so the number cannot come to mean another one."""

    __slots__ = ("fd", "pid", "ready")

    def __init__(self, pid: int, fd: int, ready: bool) -> None:
        self.pid = pid
        self.fd = fd
        self.ready = ready

    def send(self, number: signal.Signals) -> None:
        """Signal it; nothing happens when it has ended."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.fd, number)

    def close(self) -> None:
        os.close(self.fd)


def write_pidfile(path: str, pid: int, ready: bool) -> None:
    """Record a living process. Written by the child itself before it executes, so no started part goes unrecorded."""
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "w") as file:
        file.write(pid_record(pid, ready=ready))
    os.replace(temporary, path)


def pid_record(pid: int, **more: Any) -> str:
    """What names a process for good, as it is written into pidfiles."""
    return json.dumps({"pid": pid, "start": start_time(pid), "boot": boot_id(), **more})


def is_gone(recorded: Mapping[str, Any]) -> bool:
    """Whether what is recorded so is a process of this machine, since it was started, that has ended."""
    return recorded.get("boot") == boot_id() and start_time(recorded["pid"]) != recorded["start"]


def read_pidfile(path: str) -> dict[str, Any]:
    """What was recorded; empty when there is no such file, or a crash of the machine left it empty."""
    try:
        with open(path) as file:
            data: dict[str, Any] = json.load(file)
    except (FileNotFoundError, ValueError):
        return {}
    return data


def find(path: str) -> Running | None:
    """The process of a pidfile, if that very process still runs."""
    recorded = read_pidfile(path)
    if not recorded or recorded["boot"] != boot_id():
        return None
    pid = recorded["pid"]
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    # Looked at after the pidfd is held: from here on the number is pinned.
    if start_time(pid) != recorded["start"]:
        os.close(fd)
        return None
    return Running(pid, fd, recorded["ready"])


def launch(
    command: Sequence[str], environment: Mapping[str, str], pidfile: str, log: str, keep: Sequence[int] = ()
) -> Running:
    """Start `command` in a session of its own, its output appended to `log`.

    Descriptors in `keep` stay open in it. A command that cannot be executed writes why into its log and ends with 127.
    """
    # Our handlers must not run in the child: it would write into our wakeup pipe.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            _become(command, environment, pidfile, log, keep)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    return Running(pid, os.pidfd_open(pid), False)


def _become(
    command: Sequence[str], environment: Mapping[str, str], pidfile: str, log: str, keep: Sequence[int]
) -> None:
    """The child's side of `launch`; never returns."""
    try:
        settle(pidfile, log)
        for descriptor in keep:
            os.set_inheritable(descriptor, True)
        os.execvpe(command[0], list(command), dict(environment))
    except OSError as error:
        print(f"cannot start {command[0]}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(EXEC_FAILED)


def settle(pidfile: str, log: str) -> None:
    """Make a freshly forked process one that stands alone: own session, default signals, own log, recorded."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(null)
    os.close(output)
    write_pidfile(pidfile, os.getpid(), False)


def set_title(command: Sequence[str]) -> None:
    """Have ps show `command` for this process, cut to the space its own command line had.

    Written over the arguments in this process's memory; where the kernel forbids that, ps shows the old ones.
    """
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    begin, end = int(fields[45]), int(fields[46])  # fields 48 and 49 of the whole line
    title = b"\0".join(part.encode() for part in command)[: end - begin - 1]
    with contextlib.suppress(OSError), open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(begin)
        memory.write(title.ljust(end - begin, b"\0"))


def describe_exit(status: int | None) -> str:
    """A wait status in words; None is a process that was not our child."""
    if status is None:
        return "ended"
    code = os.waitstatus_to_exitcode(status)
    if code == os.EX_CONFIG:
        return "it is not configured well"
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def is_misconfigured(status: int | None) -> bool:
    """Whether a process has ended because of what it was told to do, so that starting it again is of no use."""
    return status is not None and os.waitstatus_to_exitcode(status) == os.EX_CONFIG
