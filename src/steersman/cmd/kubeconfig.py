"""Kubeconfig files: entries for a cluster merged in and taken out by kubectl's rules, everything else left as it is.

What to change where is decided by plain functions on documents; `merge` and `remove` read, lock and write files.
"""

import base64
import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steersman.cmd import processes
from steersman.cmd.errors import CommandError
from steersman.pki.files import write_atomic

LISTS = ("clusters", "users", "contexts")
Document = dict[str, Any]


@dataclass(frozen=True)
class Access:
    """How to reach a cluster as one user; `name` is the name of cluster, user and context. Certificates are PEM.

    `pair` is the path of a file with certificate and key that somebody else replaces, instead of `cert` and `key`.
    """

    name: str
    server: str
    ca: bytes
    cert: bytes = b""
    key: bytes = b""
    pair: str = ""

    def entries(self) -> dict[str, dict[str, Any]]:
        """The three entries, by list."""
        return {
            "clusters": {
                "name": self.name,
                "cluster": {"server": self.server, "certificate-authority-data": _encode(self.ca)},
            },
            "users": {"name": self.name, "user": self._user()},
            "contexts": {"name": self.name, "context": {"cluster": self.name, "user": self.name}},
        }

    def _user(self) -> dict[str, str]:
        if self.pair:
            return {"client-certificate": self.pair, "client-key": self.pair}
        return {"client-certificate-data": _encode(self.cert), "client-key-data": _encode(self.key)}

    def document(self) -> Document:
        """A kubeconfig with this cluster alone."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            **{name: [entry] for name, entry in self.entries().items()},
            "current-context": self.name,
            "preferences": {},
        }


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def files(explicit: str | None, environment: Mapping[str, str]) -> list[Path]:
    """The files kubectl would read, first wins: --kubeconfig alone, else the KUBECONFIG list, else ~/.kube/config."""
    if explicit:
        return [Path(explicit).expanduser()]
    listed = [part for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    if listed:
        return [Path(part) for part in dict.fromkeys(listed)]
    return [Path(environment.get("HOME") or Path.home()) / ".kube" / "config"]


def with_access(documents: Sequence[Document | None], access: Access, set_current: bool = True) -> dict[int, Document]:
    """What merging changes: new documents by the index of their file. None stands for a file that is not there.

    An entry that exists is replaced in the file that has it; a new one goes into the first existing file, or else
    into the last of the list. The current context is set in that same default file, as kubectl does.
    """
    default = next((index for index, document in enumerate(documents) if document is not None), len(documents) - 1)
    changed: dict[int, Document] = {}
    for list_name, entry in access.entries().items():
        holder = _holder(documents, list_name, access.name)
        index = default if holder is None else holder
        target = _copy(changed, documents, index)
        target[list_name] = _replaced(target.get(list_name) or [], entry)
    if set_current and _current(documents) != access.name:
        _copy(changed, documents, default)["current-context"] = access.name
    return changed


def without(documents: Sequence[Document | None], name: str) -> dict[int, Document]:
    """What removal changes, by the index of the file; the current context is cleared where it named the cluster."""
    changed: dict[int, Document] = {}
    for index, document in enumerate(documents):
        if document is None:
            continue
        for list_name in LISTS:
            entries = document.get(list_name) or []
            kept = [entry for entry in entries if not _named(entry, name)]
            if len(kept) != len(entries):
                _copy(changed, documents, index)[list_name] = kept
        if document.get("current-context") == name:
            _copy(changed, documents, index)["current-context"] = ""
    return changed


def merge(access: Access, explicit: str | None, environment: Mapping[str, str]) -> list[Path]:
    """Merge a cluster into the user's kubeconfig; returns the files written. Raises CommandError."""
    return _apply(files(explicit, environment), lambda documents: with_access(documents, access))


def refresh(access: Access, explicit: str | None, environment: Mapping[str, str]) -> list[Path]:
    """Replace a cluster's credentials where the user's kubeconfig has others; returns the files written. Raises CommandError."""

    def change(documents: Sequence[Document | None]) -> dict[int, Document]:
        holders = [_holder(documents, list_name, access.name) for list_name in LISTS]
        if None in holders or _has(documents, access):
            return {}
        return with_access(documents, access, set_current=False)

    return _apply(files(explicit, environment), change)


def _has(documents: Sequence[Document | None], access: Access) -> bool:
    """Whether the credentials are there as they are."""
    for list_name, entry in access.entries().items():
        holder = _holder(documents, list_name, access.name)
        document = documents[holder] if holder is not None else None
        if list_name != "contexts" and entry not in ((document or {}).get(list_name) or []):
            return False
    return True


def remove(name: str, explicit: str | None, environment: Mapping[str, str]) -> list[Path]:
    """Take a cluster out of the user's kubeconfig; returns the files written. Raises CommandError."""
    return _apply(files(explicit, environment), lambda documents: without(documents, name))


def check(explicit: str | None, environment: Mapping[str, str]) -> None:
    """Raise CommandError when the user's kubeconfig could not be merged into, before anything else is done."""
    for path in files(explicit, environment):
        read(path)


def read(path: Path) -> Document | None:
    """A kubeconfig file; None when it is not there, an empty document when it is empty. Raises CommandError."""
    from steersman.api import yaml

    try:
        document = yaml.load(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CommandError(f"cannot read the kubeconfig {path}: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(
            f"the kubeconfig {path} is not valid: {error}; mend it or name another one with --kubeconfig"
        ) from error
    if document is None:
        return {}
    if not isinstance(document, dict) or any(not isinstance(document.get(name) or [], list) for name in LISTS):
        raise CommandError(f"{path} is no kubeconfig; mend it or name another one with --kubeconfig")
    return document


def render(document: Document) -> bytes:
    """A kubeconfig as YAML, in the order of the document's fields."""
    from steersman.api import yaml

    return yaml.dump(document).encode()


def _apply(paths: Sequence[Path], change: Any) -> list[Path]:
    """Read, change and write all files of the list while holding kubectl's lock on each that is written."""
    written = []
    for index in change([read(path) for path in paths]):
        with _locked(paths[index]):
            # Read again under the lock: another program may have written since.
            document = change([read(path) for path in paths]).get(index)
            if document is not None:
                _write(paths[index], document)
                written.append(paths[index])
    return written


def _write(path: Path, document: Document) -> None:
    """Replace the file; it keeps its mode and owner, and a new one belongs to whom its directory belongs."""
    real = path.resolve()  # a link is written through, not replaced
    like, mode = (real, real.stat().st_mode & 0o777) if real.exists() else (real.parent, 0o600)
    owner = like.stat()
    write_atomic(real, render(document), mode)
    if os.geteuid() == 0:
        os.chown(real, owner.st_uid, owner.st_gid)


def _make_directory(path: Path) -> None:
    """A directory and its parents, owned like the one above: with sudo, ~/.kube is the user's and not root's."""
    if path.is_dir():
        return
    _make_directory(path.parent)
    owner = path.parent.stat()
    path.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """kubectl's own lock: a file beside the kubeconfig that only one program can make.

    Ours says whose it is, so that the next `steer` knows when that one was killed.
    """
    lock = path.with_name(path.name + ".lock")
    try:
        _make_directory(path.parent)
        if processes.is_gone(processes.read_pidfile(str(lock))):
            lock.unlink(missing_ok=True)
        with open(lock, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(processes.pid_record(os.getpid()))
    except FileExistsError as error:
        raise CommandError(f"{lock} exists: another program changes the kubeconfig; if none does, remove it") from error
    except OSError as error:
        raise CommandError(f"cannot write the kubeconfig {path}: {error}") from error
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _named(entry: Any, name: str) -> bool:
    return isinstance(entry, dict) and entry.get("name") == name


def _holder(documents: Sequence[Document | None], list_name: str, name: str) -> int | None:
    for index, document in enumerate(documents):
        if document is not None and any(_named(entry, name) for entry in document.get(list_name) or []):
            return index
    return None


def _replaced(entries: Sequence[Any], entry: dict[str, Any]) -> list[Any]:
    """The list with `entry` in the place of its namesake (a namespace chosen for the context is kept), or at the end."""
    result, found = [], False
    for old in entries:
        if not _named(old, entry["name"]):
            result.append(old)
        elif not found:
            found = True
            result.append(_keeping_namespace(old, entry))
    return result if found else [*result, entry]


def _keeping_namespace(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    context = old.get("context")
    if isinstance(context, dict) and "namespace" in context:
        return {**new, "context": {**new["context"], "namespace": context["namespace"]}}
    return new


def _current(documents: Sequence[Document | None]) -> str:
    return next(
        (document["current-context"] for document in documents if document and document.get("current-context")), ""
    )


def _copy(changed: dict[int, Document], documents: Sequence[Document | None], index: int) -> Document:
    if index not in changed:
        changed[index] = {"apiVersion": "v1", "kind": "Config", **(documents[index] or {})}
    return changed[index]
