"""The keys that `steer` makes to encrypt Secrets in the store, their rotation, and what the API server tells of encryption.

The key file is an EncryptionConfiguration. Whatever of a rotation was done when somebody pulls the plug, the file names every
key that values are encrypted with, and another `steer encryption rotate-keys` goes on from there.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steersman.cmd.errors import CommandError
from steersman.cmd.place import Place
from steersman.cmd.report import Deadline, Steps
from steersman.pki.files import write_atomic

if TYPE_CHECKING:
    from steersman.cmd.admin import Admin

RESOURCE = "secrets"
POLL = 0.1
RELOAD_SECONDS = 30.0
"""How long the API server may take to see a new file."""
REWRITE_SECONDS = 3600.0
PATIENCE_SECONDS = 30.0
"""How long an API server may be away, because it is started again."""

Key = tuple[str, str]
"""Name and secret in base64."""
Keys = tuple[Key, ...]


def key_file(place: Place) -> Path:
    """Where the keys lie that `steer` has made."""
    return place.directory / "pki" / "encryption.json"


# The file.


def content(keys: Sequence[Key], *, writes: bool = True) -> bytes:
    """The file with these keys, of which the first writes; unless none does, and values are stored as they are."""
    ours = {"aesgcm": {"keys": [{"name": name, "secret": secret} for name, secret in keys]}}
    plain: dict[str, Any] = {"identity": {}}
    providers = [ours, plain] if writes else [plain, ours]
    document = {
        "kind": "EncryptionConfiguration",
        "apiVersion": "apiserver.config.k8s.io/v1",
        "resources": [{"resources": [RESOURCE], "providers": providers}],
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def read(file: Path) -> Keys:
    """The keys in a file that `content` made. Raises CommandError."""
    try:
        document = json.loads(file.read_bytes())
        providers = document["resources"][0]["providers"]
        (keys,) = [provider["aesgcm"]["keys"] for provider in providers if "aesgcm" in provider]
        found = tuple((str(key["name"]), str(key["secret"])) for key in keys)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise CommandError(f"{file} is not a key file that steer has made: {error}") from error
    for name, _ in found:
        number(name)
    return found


def number(name: str) -> int:
    """Keys are named key-1, key-2 and so on. Raises CommandError for another name."""
    digits = name.removeprefix("key-")
    if not (name.startswith("key-") and digits.isdigit()):
        raise CommandError(f"key {name!r} is not one that steer has made")
    return int(digits)


def new_key(last: int) -> Key:
    return f"key-{last + 1}", base64.b64encode(os.urandom(32)).decode()


def write(file: Path, data: bytes) -> None:
    """Replaces the file; the new one is on the disk when this returns, and so is its name."""
    write_atomic(file, data)
    directory = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def ensure(place: Place, wanted: str) -> None:
    """Makes the key file if Secrets are to be encrypted (`on`) or no longer are (`off`); keys that are there stay."""
    file = key_file(place)
    if wanted not in ("on", "off"):
        return
    keys = read(file) if file.exists() else (new_key(0),)
    data = content(keys, writes=wanted == "on")
    if not file.exists() or file.read_bytes() != data:
        write(file, data)


# Rotation.


def with_new(keys: Keys) -> Keys:
    """The keys and a new one behind them, which is read and not written with yet; none is made if one is there already."""
    return keys if len(keys) > 1 else (*keys, new_key(max(number(name) for name, _ in keys)))


def newest_first(keys: Keys) -> Keys:
    return tuple(sorted(keys, key=lambda key: -number(key[0])))


class Rotation:
    """One rotation of the keys of a running cluster. `reached` is told of each step that is done."""

    def __init__(self, file: Path, admin: Admin, reached: Callable[[str], None]) -> None:
        self._file, self._admin, self._reached = file, admin, reached

    def run(self) -> str:
        """The name of the key with which everything is encrypted then. Raises CommandError; it may be run again."""
        keys = with_new(read(self._file))
        if len(keys) > len(read(self._file)):
            self._put(keys)
            self._reached(f"{keys[-1][0]} is made and known to the API server")
        keys = newest_first(keys)
        self._put(keys)
        newest = keys[0][0]
        self._reached(f"{newest} is written with")
        progress = rewrite(self._admin, (RESOURCE,))
        self._check(newest)
        self._reached(f"{progress['done']} Secrets are encrypted anew")
        self._put(keys[:1])
        self._reached(f"{', '.join(name for name, _ in keys[1:])} is dropped")
        return newest

    def _put(self, keys: Keys) -> None:
        data = content(keys)
        if self._file.read_bytes() != data:
            write(self._file, data)
        wait_taken(self._admin, data)

    def _check(self, newest: str) -> None:
        """Nothing may need another key any more."""
        found = status(self._admin)
        stored = [one for r in found["resources"] if r["resource"] == RESOURCE for one in r["stored"]]
        others = [one for one in stored if (one["provider"], one["key"]) != ("aesgcm", newest)]
        if others:
            named = ", ".join(f"{one['objects']} under {one['provider']} {one['key']}".rstrip() for one in others)
            raise CommandError(f"not every Secret could be encrypted anew ({named}); both keys are kept")


def wait_taken(admin: Admin, data: bytes) -> None:
    """Until the API server works by a file's content. Raises CommandError."""
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    deadline = Deadline(RELOAD_SECONDS)
    while status(admin)["configHash"] != digest:
        if not deadline.pause(POLL):
            raise CommandError("the API server does not take the new configuration over; see `steer logs apiserver`")


# What the API server tells.


def status(admin: Admin) -> dict[str, Any]:
    """What is encrypted, and how. Raises CommandError."""
    return _patiently(lambda: admin.get("/encryption/status"))


def rewrite(
    admin: Admin, resources: Sequence[str], told: Callable[[dict[str, Any]], None] | None = None
) -> dict[str, Any]:
    """Has everything stored anew that would be stored otherwise now; how that ended. Raises CommandError.

    `told` hears of the progress now and then.
    """
    deadline = Deadline(REWRITE_SECONDS)
    asked = _begin(admin, resources, deadline)
    while True:
        progress: dict[str, Any] = status(admin)["rewrite"]
        if progress["number"] != asked:
            # The API server was started again meanwhile: it goes on with what is left.
            asked = _begin(admin, resources, deadline)
            continue
        if told is not None:
            told(progress)
        if not progress["running"]:
            break
        _pause(deadline)
    if progress["error"] or progress["left"]:
        why = progress["error"] or "others kept writing"
        raise CommandError(f"{progress['left']} objects are not written anew: {why}; run this again")
    return progress


def _begin(admin: Admin, resources: Sequence[str], deadline: Deadline) -> int:
    """Begins a rewriting, after the one that may run; its number."""
    query = f"?resources={','.join(resources)}" if resources else ""
    while True:
        answer = _patiently(lambda: admin.send("POST", f"/encryption/rewrite{query}", accepted=(409,)))
        if "number" in answer:
            number: int = answer["number"]
            return number
        _pause(deadline)


def _pause(deadline: Deadline) -> None:
    if not deadline.pause(POLL):
        raise CommandError("rewriting takes too long; `steer encryption status` shows how it goes on")


def _patiently(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """An answer, also of an API server that is just being started again. Raises CommandError."""
    from steersman.cmd.admin import AdminError

    deadline = Deadline(PATIENCE_SECONDS)
    while True:
        try:
            return ask()
        except AdminError as error:
            if "does not answer" not in str(error) or not deadline.pause(POLL):
                raise CommandError(str(error)) from error


@contextlib.contextmanager
def administrator(place: Place) -> Iterator[Admin]:
    """The administrator's connection to a running cluster's API server. Raises CommandError where none runs."""
    # They take TLS and more along, and who only wants the key file does without.
    from steersman.cmd.admin import Admin
    from steersman.cmd.lifecycle import part_alive, running

    # One that has just been killed is started again.
    if not running(place) and not part_alive(place, "apiserver"):
        raise CommandError(f"the API server of cluster {place.name} does not run; start it with `steer up`")
    admin = Admin(place, place.load().port)
    try:
        yield admin
    finally:
        admin.close()


def rotate(place: Place, steps: Steps) -> str:
    """Rotates the keys of a cluster whose keys `steer` made. Raises CommandError."""
    with place.locked(), administrator(place) as admin:
        config = place.load()
        if config.secrets_encryption != "on":
            raise CommandError(
                "the keys of this cluster are not steer's: `steer up --secrets-encryption` makes such; rotate those of an "
                "--encryption-provider-config in its file, then run `steer encryption rewrite`"
            )
        return Rotation(key_file(place), admin, steps.done).run()


def check(wanted: str, provider_config: str) -> None:
    """Raises CommandError for what an API server could not start with."""
    if not provider_config:
        return
    if wanted == "on":
        raise CommandError(
            "a cluster has either keys that steer made (--secrets-encryption) or an --encryption-provider-config. Before you change "
            "over, have everything stored as it is: start with `steer up --secrets-encryption off`, or with `identity: {}` before "
            "the other providers of the file; then `steer encryption rewrite`. `--encryption-provider-config=` drops a file"
        )
    from steersman.api.configuration import ConfigurationError
    from steersman.apiserver.encryption import configuration

    try:
        configuration.read(Path(provider_config))
    except ConfigurationError as error:
        raise CommandError(str(error)) from error
