"""Where a cluster of this machine lives on disk, and the lock that lets one `steer` at a time change it."""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from steersman.cmd.config import ClusterConfig
from steersman.cmd.configfile import load
from steersman.cmd.errors import CommandError
from steersman.cmd.supervisor import Paths
from steersman.pki.layout import Layout

ROOT_BASE = Path("/var/lib/steersman")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


def base_directory(data_dir: str | None) -> Path:
    """The directory that holds every cluster's own: --data-dir, or the usual one of root or of this user."""
    if data_dir:
        return Path(data_dir).expanduser().absolute()
    return ROOT_BASE if os.geteuid() == 0 else Path.home() / ".local" / "share" / "steersman"


@dataclass(frozen=True)
class Place:
    """The files of one cluster. Making one touches nothing."""

    name: str
    base: Path

    @property
    def directory(self) -> Path:
        return self.base / self.name

    @property
    def context(self) -> str:
        """The name of the kubeconfig's cluster, user and context."""
        return f"steersman-{self.name}"

    @property
    def config_file(self) -> Path:
        return self.directory / "cluster.json"

    @property
    def pki(self) -> Layout:
        return Layout(self.directory / "pki")

    @property
    def store_file(self) -> Path:
        return self.directory / "store.db"

    @property
    def supervision(self) -> Paths:
        return Paths(str(self.directory))

    def part_config(self, part: str) -> Path:
        return self.directory / "config" / f"{part}.json"

    def part_kubeconfig(self, part: str) -> Path:
        return self.directory / "config" / f"{part}.kubeconfig"

    def node(self, name: str) -> Path:
        """The directory of a node."""
        return self.directory / "nodes" / name

    def exists(self) -> bool:
        return self.config_file.exists()

    def load(self) -> ClusterConfig:
        """Raises ConfigError, which names the file and the field."""
        return load(ClusterConfig, self.config_file)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the cluster for a change; makes the directory. Raises CommandError when another `steer` holds it."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o755)
            fd = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CommandError(f"cannot use {self.directory}: {error.strerror}") from error
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CommandError(f"another steer works on cluster {self.name}; wait until it is done") from error
            yield
        finally:
            os.close(fd)


def place(name: str, data_dir: str | None) -> Place:
    """The place of a cluster. Raises CommandError for a name that cannot be one."""
    if not _NAME.fullmatch(name):
        raise CommandError(
            f"{name!r} is no cluster name: lower-case letters, digits and '-', at most 40, beginning and ending with a "
            "letter or digit"
        )
    return Place(name, base_directory(data_dir))


def existing(name: str, data_dir: str | None) -> Place:
    """The place of a cluster that must exist. Raises CommandError with what there is."""
    found = place(name, data_dir)
    if found.exists():
        return found
    others = [other.name for other in all_places(found.base)]
    if others:
        known = f"; there is {', '.join(others)} (choose with --name)"
    elif os.access(Place(name, ROOT_BASE).config_file, os.F_OK) and data_dir is None:
        known = f"; root's is in {ROOT_BASE}: use sudo"
    else:
        known = "; make it with `steer up`"
    raise CommandError(f"there is no cluster {name!r} in {found.base}{known}")


def all_places(base: Path) -> list[Place]:
    """Every cluster below a base directory."""
    return [Place(file.parent.name, base) for file in sorted(base.glob("*/cluster.json"))]
