"""Which cluster of this machine has which address ranges: one small file per slot, machine-wide, for clusters with real nodes.

A stopped cluster keeps its slot. A reservation whose cluster is gone is taken over.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from steersman.cmd import processes
from steersman.cmd.errors import CommandError
from steersman.cmd.place import ROOT_BASE, Place
from steersman.network.addresses import MAX_CLUSTERS, ClusterAddresses

DIRECTORY = ROOT_BASE / ".slots"


def owner(slot: int, directory: Path = DIRECTORY) -> Path | None:
    """The directory of the cluster that has the slot; None when nobody has, or its cluster is gone."""
    try:
        found = Path((directory / str(slot)).read_text().strip())
    except FileNotFoundError:
        return None
    return found if (found / "cluster.json").exists() or (found / "lock").exists() else None


def may_clean(place: Place, slot: int, directory: Path = DIRECTORY) -> bool:
    """Whether what is on the host in the slot's ranges, and by the cluster's name, can be removed: it is no other cluster's."""
    return owner(slot, directory) in (None, place.directory) and namesake(place, directory) is None


def namesake(place: Place, directory: Path = DIRECTORY) -> Place | None:
    """Another cluster with real nodes that is called the same and runs: namespaces, control groups and rules are its own.

    Names are unique in a data directory only.
    """
    for slot in range(MAX_CLUSTERS):
        found = owner(slot, directory)
        if found is not None and found != place.directory and found.name == place.name:
            other = Place(found.name, found.parent)
            if _runs(other):
                return other
    return None


def _runs(place: Place) -> bool:
    """Whether any process of the cluster's is there, with a supervisor or without."""
    for file in Path(place.supervision.run).glob("*.pid"):
        process = processes.find(str(file))
        if process is not None:
            process.close()
            return True
    return False


def reserve(place: Place, wanted: int | None, directory: Path = DIRECTORY) -> int:
    """Take the wanted slot, or any free one whose ranges meet no route of this machine. Raises CommandError."""
    from steersman.network import links

    candidates = range(MAX_CLUSTERS) if wanted is None else [wanted]
    used = links.used_networks() if wanted is None else []
    for slot in candidates:
        if any(network.overlaps(other) for network in ClusterAddresses(slot).networks for other in used):
            continue
        if _take(place, slot, directory):
            return slot
    if wanted is not None:
        raise CommandError(
            f"the address ranges of cluster {place.name} belong to the cluster in {owner(wanted, directory)}; delete one of them"
        )
    raise CommandError(
        f"no free address ranges: each of the {MAX_CLUSTERS} meets a network of this machine or a cluster's"
    )


def release(place: Place, directory: Path = DIRECTORY) -> None:
    """Give up every slot of a cluster."""
    for slot in list(_slots_of(place, directory)):
        (directory / str(slot)).unlink(missing_ok=True)
    for empty in (directory, directory.parent):
        with contextlib.suppress(OSError):  # not empty, or not there
            empty.rmdir()


def _slots_of(place: Place, directory: Path) -> Iterator[int]:
    for slot in range(MAX_CLUSTERS):
        with contextlib.suppress(FileNotFoundError):
            if Path((directory / str(slot)).read_text().strip()) == place.directory:
                yield slot


def _take(place: Place, slot: int, directory: Path) -> bool:
    """Whether the slot is the cluster's now. A file can be made by one process only, so two never get the same."""
    holder = owner(slot, directory)
    if holder is not None:
        return holder == place.directory
    if (directory / str(slot)).exists():
        (directory / str(slot)).unlink(missing_ok=True)
    # Whatever umask the process has: who may write there chooses what the machine's clusters are made from.
    directory.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    directory.mkdir(mode=0o755, exist_ok=True)
    draft = directory / f".{slot}.{os.getpid()}"
    draft.write_text(f"{place.directory}\n")
    try:
        os.link(draft, directory / str(slot))
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
