"""Namespaces and mounts by system call."""

import errno
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from steersman.network import links, syscalls

pytestmark = pytest.mark.node

NAME = "steersman-test-syscalls"


@pytest.fixture
def netns() -> Iterator[Path]:
    links.make_netns(NAME)
    yield links.netns_path(NAME)
    links.remove_netns(NAME)


def own_namespace() -> str:
    return str(Path("/proc/thread-self/ns/net").readlink())


def test_a_call_in_another_network_leaves_this_thread_where_it_is(netns: Path) -> None:
    before, threads = own_namespace(), set(threading.enumerate())
    assert syscalls.in_network(netns, own_namespace) != before
    assert own_namespace() == before
    assert set(threading.enumerate()) <= threads


def test_what_the_call_raises_is_raised_here(netns: Path) -> None:
    def fail() -> None:
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        syscalls.in_network(netns, fail)


def test_errors_say_what_was_tried(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=f"umount {tmp_path}") as caught:
        syscalls.unmount(tmp_path)
    assert caught.value.errno == errno.EINVAL
    with pytest.raises(OSError, match="mount none on"):
        syscalls.mount("none", tmp_path / "missing", "tmpfs")
    with pytest.raises(OSError, match="setns"):
        syscalls.setns("/dev/null", syscalls.CLONE_NEWNET)
