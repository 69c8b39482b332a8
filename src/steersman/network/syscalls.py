"""The system calls about namespaces and mounts that Python 3.11's os module has not."""

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20

MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(path: str | Path, kind: int) -> None:
    """Moves this thread into the namespace pinned at ``path``; ``kind`` is its CLONE_NEW… flag."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(ctypes.c_int(handle), ctypes.c_int(kind)), f"setns {path}")
    finally:
        os.close(handle)


def mount(source: str | Path, target: str | Path, kind: str = "", flags: int = 0, data: str = "") -> None:
    _check(
        _libc.mount(
            os.fsencode(source),
            os.fsencode(target),
            kind.encode() or None,
            ctypes.c_ulong(flags),
            data.encode() or None,
        ),
        f"mount {source} on {target}",
    )


def unmount(target: str | Path, flags: int = MNT_DETACH) -> None:
    _check(_libc.umount2(os.fsencode(target), ctypes.c_int(flags)), f"umount {target}")


def die_with_parent(signal_number: int) -> None:
    """Asks the kernel to send this process the signal when the thread that forked it ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal_number), 0, 0, 0), "prctl")


def in_network(path: str | Path, call: Callable[[], T]) -> T:
    """Runs ``call`` in a thread of its own inside the network namespace pinned at ``path``; what it raises is raised here."""
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            setns(path, CLONE_NEWNET)
            results.append(call())
        except BaseException as error:  # noqa: BLE001 (handed to the caller below)
            errors.append(error)

    thread = threading.Thread(target=work, name="in-network")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
