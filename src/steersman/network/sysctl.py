"""Kernel settings of the network namespace that the calling thread is in."""

from pathlib import Path

from steersman.network.errors import NetworkError

_ROOT = Path("/proc/sys")


def set_sysctl(key: str, value: int) -> None:
    """Sets ``net/ipv4/ip_forward`` and the like; writes only what differs, so that a read-only /proc/sys with the right values serves.

    Raises NetworkError when the kernel has no such key or refuses.
    """
    path = _ROOT / key
    try:
        if path.read_text().split() != [str(value)]:
            path.write_text(str(value))
    except OSError as error:
        raise NetworkError(f"cannot set {key.replace('/', '.')} to {value}: {error.strerror}") from error
