"""The supervisor: starts parts in order, restarts what ends, adopts what a former supervisor left running.

    python -m steersman.cmd.supervisor DIRECTORY [--stop]

One thread, one selector, standard library only. Parts do not depend on it: they write their own logs, run in their
own sessions and are found again by their pidfiles.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING

from steersman.cmd import control, notify, nursery, ports, processes, rotation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

FIRST_DELAY = 0.1
MAX_DELAY = 5.0
MAX_READY_DELAY = 1.0
STEADY_AFTER = 10.0
ROTATE_EVERY = 30.0
# A part that ends this often before it was ever ready is reported as failing to whoever waits for it; one that cannot be
# configured, at once.
FAILURES_TO_REPORT = 3


def restart_delay(failures: int, was_ready: bool = False) -> float:
    """Seconds to wait before a start that follows `failures` quick ends in a row: at once, then up to five, or up to one
    for a part that was ready in the life that ended: it works, and somebody waits for it."""
    limit = MAX_READY_DELAY if was_ready else MAX_DELAY
    return 0.0 if failures <= 1 else min(limit, FIRST_DELAY * 3 ** min(failures - 1, 10))


class Spec:
    """What a part is: its command and its place in the order."""

    __slots__ = ("after", "command", "environment", "forked", "grace", "log", "name", "notifies")

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.name: str = data["name"]
        self.command: list[str] = data["command"]
        # Module and arguments of the same command, for the nursery; empty for a program that it cannot become.
        self.forked: list[str] = data.get("forked", [])
        self.environment: dict[str, str] = data.get("environment", {})
        self.after: list[str] = data.get("after", [])
        self.grace: float = data.get("grace", 5.0)
        self.notifies: bool = data.get("notifies", True)
        self.log: str = data.get("log", f"{self.name}.log")


class Part:
    """What has become of a part."""

    __slots__ = (
        "failures",
        "last_exit",
        "not_before",
        "process",
        "restarts",
        "since",
        "spec",
        "stop_by",
        "stopping",
        "was_ready",
    )

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.process: processes.Running | None = None
        self.since = 0.0  # monotonic, of the last start
        self.not_before = 0.0
        self.restarts = 0
        self.failures = 0
        self.last_exit = ""
        self.stopping = False
        self.stop_by: float | None = None  # when SIGKILL follows
        self.was_ready = False

    @property
    def ready(self) -> bool:
        return self.process is not None and self.process.ready

    @property
    def state(self) -> str:
        if self.process is None:
            return "stopped" if self.stopping else ("failed" if self.failures else "waiting")
        if self.stopping:
            return "stopping"
        return "ready" if self.process.ready else "starting"


class Chore:
    """What is to be done now and then: a command that ends by itself."""

    __slots__ = ("at", "command", "every", "name")

    def __init__(self, data: Mapping[str, Any], now: float) -> None:
        self.name: str = data["name"]
        self.command: list[str] = data["command"]
        self.every: float = data["every"]
        self.at: float = now + self.every


class Paths:
    """Where a supervisor keeps its things below one directory."""

    def __init__(self, directory: str) -> None:
        self.run = os.path.join(directory, "run")
        self.logs = os.path.join(directory, "logs")
        self.specs = os.path.join(directory, "supervisor.json")
        self.lock = os.path.join(self.run, "supervisor.lock")
        self.pidfile = os.path.join(self.run, "supervisor.pid")
        self.socket = os.path.join(self.run, "control.sock")
        self.nursery = os.path.join(self.run, nursery.SOCKET)

    def part_pidfile(self, name: str) -> str:
        return os.path.join(self.run, f"{name}.pid")

    def log(self, file: str) -> str:
        return os.path.join(self.logs, file)


class Supervisor:
    """Keeps the parts of one directory running until it is told to stop."""

    def __init__(
        self,
        paths: Paths,
        specs: Iterable[Spec],
        held: Iterable[tuple[str, int]] = (),
        monotonic: Callable[[], float] = time.monotonic,
        chores: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self.paths = paths
        self.parts = {spec.name: Part(spec) for spec in specs}
        self._monotonic = monotonic
        self._stopping = False
        self._selector = selectors.DefaultSelector()
        self._exits: dict[int, int] = {}
        self._waiters: list[tuple[control.Connection, str]] = []
        self._rotate_at = monotonic() + ROTATE_EVERY
        self._chores = [Chore(data, monotonic()) for data in chores]
        self._notify_address = ""
        # Ports of parts that must not go to another cluster while the part restarts.
        self._ports: dict[tuple[str, int], ports.Held | None] = dict.fromkeys(held)

    def run(self) -> None:
        """Returns when all parts have stopped after SIGTERM, SIGINT or a stop request."""
        self._watch_signals()
        notifications, self._notify_address = notify.listen()
        server = control.listen(self.paths.socket)
        self._selector.register(notifications, selectors.EVENT_READ, lambda: self._notified(notifications))
        self._selector.register(server, selectors.EVENT_READ, lambda: self._accept(server))
        self._hold_ports()
        self.adopt()
        notify.ready()
        while not (self._stopping and all(part.process is None for part in self.parts.values())):
            self._start_and_stop()
            for key, _ in self._selector.select(self._timeout()):
                key.data()
            self._timers()
        self._tell_waiters("the cluster is stopped")
        for used in (server, notifications):
            self._selector.unregister(used)
            used.close()
        os.unlink(self.paths.socket)

    def stop(self) -> None:
        """Begin to stop everything; `run` returns when it is done."""
        self._stopping = True
        for part in self.parts.values():
            part.stopping = True

    def adopt(self) -> None:
        """Take over the parts that still run."""
        for part in self.parts.values():
            found = processes.find(self.paths.part_pidfile(part.spec.name))
            if found is not None:
                # Whoever was to hear that it is ready is gone; what runs is taken for ready.
                found.ready = True
                self._say(f"adopted {part.spec.name} (pid {found.pid})")
                self._begin(part, found)

    def status(self) -> dict[str, Any]:
        """What `steer status` shows."""
        now = self._monotonic()
        return {
            "pid": os.getpid(),
            "stopping": self._stopping,
            "parts": [
                {
                    "name": part.spec.name,
                    "state": part.state,
                    "pid": part.process.pid if part.process else None,
                    "restarts": part.restarts,
                    "seconds": round(now - part.since, 1) if part.process else None,
                    "lastExit": part.last_exit,
                }
                for part in self.parts.values()
            ],
        }

    # Starting and stopping

    def _start_and_stop(self) -> None:
        now = self._monotonic()
        for part in self.parts.values():
            if part.process is None:
                if not part.stopping and now >= part.not_before and self._may_start(part):
                    self._start(part)
            elif part.stopping and part.stop_by is None and self._may_stop(part):
                self._say(f"stopping {part.spec.name}")
                part.process.send(signal.SIGTERM)
                part.stop_by = now + part.spec.grace

    def _may_start(self, part: Part) -> bool:
        # Only the first time: a part that restarts finds the others as they are.
        return part.restarts > 0 or all(self.parts[name].was_ready for name in part.spec.after if name in self.parts)

    def _may_stop(self, part: Part) -> bool:
        """What others rely on stops after them, unless it alone is to stop."""
        if not self._stopping:
            return True
        name = part.spec.name
        return all(other.process is None for other in self.parts.values() if name in other.spec.after)

    def _start(self, part: Part) -> None:
        spec = part.spec
        running = self._launch(spec)
        running.ready = not spec.notifies
        self._say(f"started {spec.name} (pid {running.pid})")
        self._begin(part, running)

    def _launch(self, spec: Spec) -> processes.Running:
        """Forked from the nursery where there is one, for it takes a third of the time; else started directly."""
        environment = {**os.environ, **spec.environment, "NOTIFY_SOCKET": self._notify_address}
        pidfile, log = self.paths.part_pidfile(spec.name), self.paths.log(spec.log)
        if spec.forked and os.path.exists(self.paths.nursery):
            module, *arguments = spec.forked
            try:
                return nursery.start(self.paths.nursery, module, arguments, environment, pidfile, log)
            except nursery.NurseryError as error:
                self._say(f"the nursery does not help: {error}")
        return processes.launch(spec.command, environment, pidfile, log)

    def _hold_ports(self) -> None:
        """Hold what is not held yet: a port that an adopted part listens on cannot be, until that part ends."""
        for (address, port), held in self._ports.items():
            if held is None:
                self._ports[address, port] = ports.hold(address, port)

    def _begin(self, part: Part, running: processes.Running) -> None:
        part.process = running
        part.since = self._monotonic()
        part.stop_by = None
        self._selector.register(running.fd, selectors.EVENT_READ, lambda: self._ended(part))
        if running.ready:
            self._became_ready(part)

    def _became_ready(self, part: Part) -> None:
        if part.process is None:
            return
        part.process.ready = True
        part.was_ready = True
        self._answer_waiters(part, {"ready": part.spec.name})

    def _ended(self, part: Part) -> None:
        running = part.process
        if running is None:
            return
        self._reap()
        status = self._exits.pop(running.pid, None)
        if status is None and part.spec.forked:
            status = nursery.exit_status(self.paths.nursery, running.pid)
        self._selector.unregister(running.fd)
        running.close()
        was_ready = part.ready
        part.process = None
        self._hold_ports()
        part.last_exit = processes.describe_exit(status)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.paths.part_pidfile(part.spec.name))
        now = self._monotonic()
        self._say(f"{part.spec.name} (pid {running.pid}) {part.last_exit} after {now - part.since:.1f} s")
        if part.stopping and not self._stopping:
            part.stopping, part.failures = False, 0  # a restart that was asked for
        else:
            part.failures = 1 if now - part.since >= STEADY_AFTER else part.failures + 1
        part.restarts += 1
        misconfigured = not part.was_ready and processes.is_misconfigured(status)
        # Somebody has to mend a file first: until then it says the same again.
        part.not_before = now + max(restart_delay(part.failures, was_ready), MAX_READY_DELAY if misconfigured else 0.0)
        if misconfigured or (not part.was_ready and part.failures >= FAILURES_TO_REPORT):
            self._answer_waiters(part, {"error": f"{part.spec.name} does not start: {part.last_exit}"})

    def _timers(self) -> None:
        now = self._monotonic()
        for part in self.parts.values():
            if part.process is not None and part.stop_by is not None and now >= part.stop_by:
                self._say(f"killing {part.spec.name}, which did not stop within {part.spec.grace:g} s")
                part.process.send(signal.SIGKILL)
                part.stop_by = now + MAX_DELAY
        if now >= self._rotate_at:
            self._rotate_at = now + ROTATE_EVERY
            for name in os.listdir(self.paths.logs):
                if name.endswith(".log"):
                    rotation.rotate(self.paths.log(name))
        for chore in self._chores:
            if now >= chore.at and not self._stopping:
                chore.at = now + chore.every
                self._do(chore)

    def _do(self, chore: Chore) -> None:
        """Start it; how it goes it says in its own log."""
        pidfile, log = self.paths.part_pidfile(chore.name), self.paths.log(f"{chore.name}.log")
        processes.launch(chore.command, os.environ, pidfile, log).close()

    def _timeout(self) -> float:
        """Seconds until something is due."""
        due: list[float] = [self._rotate_at, *(chore.at for chore in self._chores)]
        for part in self.parts.values():
            if part.process is not None and part.stop_by is not None:
                due.append(part.stop_by)
            elif part.process is None and not part.stopping and self._may_start(part):
                due.append(part.not_before)
        return max(0.0, min(due) - self._monotonic())

    # What happens around us

    def _watch_signals(self) -> None:
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # of the terminal that `steer up` ran in
        self._selector.register(reader, selectors.EVENT_READ, lambda: self._signalled(reader, writer))

    def _signalled(self, reader: socket.socket, writer: socket.socket) -> None:
        del writer  # held by the selector's callback: closing it would end the wakeups
        numbers = reader.recv(4096)
        if signal.SIGTERM in numbers or signal.SIGINT in numbers:
            self.stop()
        self._reap()

    def _reap(self) -> None:
        """Collect every ended child, ours or (as PID 1) an orphan; statuses of parts are kept until `_ended`."""
        ours = {part.process.pid for part in self.parts.values() if part.process is not None}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in ours:
                self._exits[pid] = status

    def _notified(self, server: socket.socket) -> None:
        while (message := notify.receive(server)) is not None:
            pid, is_ready = message
            for part in self.parts.values():
                if is_ready and part.process is not None and part.process.pid == pid and not part.process.ready:
                    processes.write_pidfile(self.paths.part_pidfile(part.spec.name), pid, True)
                    self._say(f"{part.spec.name} is ready after {self._monotonic() - part.since:.2f} s")
                    self._became_ready(part)

    # The control socket

    def _accept(self, server: socket.socket) -> None:
        accepted, _ = server.accept()
        connection = control.Connection(accepted)
        self._selector.register(accepted, selectors.EVENT_READ, lambda: self._request(connection))

    def _request(self, connection: control.Connection) -> None:
        try:
            request = connection.read()
        except control.ControlError:
            self._drop(connection)
            return
        if request is None:
            return
        reply = self._perform(connection, request)
        if reply is not None:
            connection.answer(reply)
            self._drop(connection)

    def _drop(self, connection: control.Connection) -> None:
        self._waiters = [waiter for waiter in self._waiters if waiter[0] is not connection]
        self._selector.unregister(connection.socket)
        connection.close()

    def _perform(self, connection: control.Connection, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """The reply, or None when it follows later."""
        operation, name = request.get("op"), request.get("part")
        if operation == "status":
            return self.status()
        if operation == "stop":
            self.stop()
            return {"pid": os.getpid()}
        part = self.parts.get(str(name))
        if part is None:
            return {"error": f"there is no part {name!r}; parts are {', '.join(self.parts)}"}
        if operation == "restart":
            part.stopping = part.process is not None
            return {"restarting": name}
        if operation == "wait":
            if part.ready:
                return {"ready": name}
            if part.process is None and not part.was_ready:
                # It has failed before it was asked for: what is told is how it is now, and at once.
                part.not_before = 0.0
            self._waiters.append((connection, part.spec.name))
            return None
        return {"error": f"unknown operation {operation!r}"}

    def _answer_waiters(self, part: Part, reply: dict[str, Any]) -> None:
        for connection, name in list(self._waiters):
            if name == part.spec.name:
                connection.answer(reply)
                self._drop(connection)

    def _tell_waiters(self, reason: str) -> None:
        for connection, _ in list(self._waiters):
            connection.answer({"error": reason})
            self._drop(connection)

    def _say(self, message: str) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        print(f"{stamp} {message}", flush=True)


def load(paths: Paths) -> Supervisor:
    """The supervisor of the parts and ports that `steer up` wrote down."""
    with open(paths.specs) as file:
        data = json.load(file)
    held = [(address, port) for address, port in data.get("ports", [])]
    return Supervisor(paths, [Spec(part) for part in data["parts"]], held, chores=data.get("chores", ()))


def lock(paths: Paths) -> int | None:
    """Hold the directory's supervisor lock until this process ends; None when another one holds it."""
    os.makedirs(paths.run, mode=0o700, exist_ok=True)
    os.makedirs(paths.logs, mode=0o700, exist_ok=True)
    fd = os.open(paths.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def main(arguments: list[str]) -> int:
    paths = Paths(arguments[0])
    if lock(paths) is None:
        print("another supervisor runs this cluster", file=sys.stderr)
        return 1
    supervisor = load(paths)
    processes.write_pidfile(paths.pidfile, os.getpid(), True)
    if "--stop" in arguments[1:]:
        supervisor.stop()  # adopts what runs, only to stop it
    supervisor.run()
    os.unlink(paths.pidfile)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
