"""The nursery: a process that has imported what the parts have in common, and forks parts from itself on request.

    python -m steersman.cmd.nursery DIRECTORY

A part then starts in a third of the time, and the modules are in memory once for all of them. The nursery is itself
a part: the supervisor starts it, finds it again, and does without it (starting parts directly) while it is away.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
from typing import TYPE_CHECKING

from steersman.cmd import notify, processes
from steersman.cmd.control import short_name

if TYPE_CHECKING:
    from typing import Any, NoReturn

SOCKET = "nursery.sock"
# It answers in milliseconds; whoever gives it up on a machine that is slow for a while starts the part a second time.
TIMEOUT = 30.0
# What every part imports. What only one needs (NumPy, the DNS library, the controllers) it imports by itself.
SHARED = (
    "aiohttp",
    "uvloop",
    "steersman.cmd.parts.connect",
    "steersman.cmd.parts.process",
    "steersman.client.events",
    "steersman.client.informer",
    "steersman.client.leaderelection",
    "steersman.kinds.types.core_v1",
    "steersman.kinds.types.discovery_v1",
)


class NurseryError(Exception):
    """The nursery is not there, or could not fork."""


# The supervisor's side: standard library only, like everything it uses.


def start(
    path: str, module: str, arguments: list[str], environment: dict[str, str], pidfile: str, log: str
) -> processes.Running:
    """Have the nursery fork a part that runs `python -m module arguments`. Raises NurseryError."""
    request = {"module": module, "arguments": arguments, "environment": environment, "pidfile": pidfile, "log": log}
    reply, descriptors = _ask(path, request)
    if not descriptors:
        raise NurseryError(reply.get("error", "no answer"))
    return processes.Running(reply["pid"], descriptors[0], False)


def exit_status(path: str, pid: int) -> int | None:
    """The wait status of an ended part that the nursery forked; None when it does not know."""
    try:
        return _ask(path, {"ended": pid})[0].get("status")
    except NurseryError:
        return None


def _ask(path: str, request: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client, short_name(path) as address:
            client.settimeout(TIMEOUT)
            client.connect(address)
            client.send(json.dumps(request).encode())
            data, descriptors, _, _ = socket.recv_fds(client, 65536, 1)
    except OSError as error:
        raise NurseryError(str(error)) from error
    if not data:
        raise NurseryError("no answer")
    return json.loads(data), descriptors


# The nursery's side.


class Nursery:
    """Forks parts and remembers how they ended."""

    def __init__(self) -> None:
        self._statuses: dict[int, int] = {}
        self._children: set[int] = set()

    def serve(self, path: str) -> None:
        """Until SIGTERM. Parts outlive it."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with short_name(path) as address:
            server.bind(address)
        server.listen(16)
        reader, writer = socket.socketpair()
        for end in (reader, writer):
            end.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        selector = selectors.DefaultSelector()
        selector.register(server, selectors.EVENT_READ)
        selector.register(reader, selectors.EVENT_READ)
        notify.ready()
        while True:
            for key, _ in selector.select():
                if key.fileobj is server:
                    with server.accept()[0] as client:
                        self._answer(client, [server, reader, writer])
                elif signal.SIGTERM in reader.recv(4096):
                    os.unlink(path)
                    return
                self._reap()

    def _answer(self, client: socket.socket, ours: list[socket.socket]) -> None:
        client.settimeout(TIMEOUT)
        try:
            request = json.loads(client.recv(65536))
            if "ended" in request:
                self._reap()
                client.send(json.dumps({"status": self._statuses.pop(request["ended"], None)}).encode())
                return
            pid = self._fork(request, [*ours, client])
            fd = os.pidfd_open(pid)  # before it is reaped, so this is surely that process
            try:
                socket.send_fds(client, [json.dumps({"pid": pid}).encode()], [fd])
            except OSError:
                # Who has not waited for it has it by other means, and it must not run twice.
                signal.pidfd_send_signal(fd, signal.SIGKILL)
                print(f"nobody waits for {request['module']} any more (pid {pid}): killed", file=sys.stderr, flush=True)
                raise
            finally:
                os.close(fd)
        except (OSError, ValueError) as error:
            print(f"a request failed: {error}", file=sys.stderr, flush=True)

    def _fork(self, request: dict[str, Any], ours: list[socket.socket]) -> int:
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            pid = os.fork()
            if pid == 0:
                _become(request, ours)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        self._children.add(pid)
        return pid

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)
            self._statuses[pid] = status


def _become(request: dict[str, Any], ours: list[socket.socket]) -> NoReturn:
    """The forked child's side: turn into the part, and never return into the nursery's loop."""
    code = 1
    try:
        for each in ours:
            each.close()
        processes.settle(request["pidfile"], request["log"])
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            # An interpreter that was started rather than forked ignores these; a client that hangs up must not end a part.
            signal.signal(number, signal.SIG_IGN)
        os.environ.clear()
        os.environ.update(request["environment"])
        command = [sys.executable, "-P", "-m", request["module"], *request["arguments"]]
        processes.set_title(command)
        sys.argv = [request["module"], *request["arguments"]]
        import runpy

        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 (the last frame of this process: it is printed and becomes the exit status)
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main(arguments: list[str]) -> int:
    # Parts trust the cluster's authority alone, and the HTTP library loads the machine's whole list when imported.
    os.environ["SSL_CERT_FILE"] = os.devnull
    import importlib

    gc.disable()  # a sixth of the time of imports, and it finds nothing
    for name in SHARED:
        importlib.import_module(name)
    gc.enable()
    gc.collect()
    # Out of the collector's sight: it would write to these objects, and every fork would get its own copy.
    gc.freeze()
    Nursery().serve(os.path.join(arguments[0], SOCKET))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
