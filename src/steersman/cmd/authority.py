"""Other authorities in the place of a cluster's own, in three steps, so that at no time anybody meets one that he does not trust.

`prepare`: everybody trusts the next authority, too. `switch`: it signs everything. `finish`: the former is trusted no more. The file
of an authority holds both meanwhile, and the one that signs is the first. A step that was interrupted is repeated before the next;
until then the cluster works with what is there, for every file is good beside what the others were and beside what they become.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from steersman.cmd import certificates, lifecycle
from steersman.cmd.certificates import AUTHORITIES
from steersman.cmd.config import ClusterConfig
from steersman.cmd.errors import CommandError
from steersman.cmd.place import Place
from steersman.pki import inventory
from steersman.pki.files import PUBLIC, write_atomic

State = Literal["steady", "prepared", "switched"]
TAKEN_SECONDS = 12.0
"""After so long every part of a running cluster has taken over what was written."""
_END = b"-----END CERTIFICATE-----\n"
_BEGUN = "rotation"
"""The file that says which step of which authorities has begun, as long as it has not ended."""


def state(place: Place, name: str) -> State:
    """How far it has come with an authority."""
    own, trusted = place.pki.named(_next(name)), bundle(place, name)
    if own.key.exists() and own.cert.exists() and own.cert.read_bytes() in trusted:
        return "prepared"
    return "switched" if len(trusted) > 1 else "steady"


def bundle(place: Place, name: str) -> list[bytes]:
    """The certificates of an authority that are trusted, the one that signs first."""
    return [part + _END for part in place.pki.named(name).cert.read_bytes().split(_END) if part.strip()]


def untaken(step: str, config: ClusterConfig, place: Place, now: datetime) -> float:
    """Seconds for which a step has to wait, because parts that run may not have taken over yet what the step before wrote."""
    if step == "prepare" or not lifecycle.running(place):
        return 0.0
    files = [each.file for each in certificates.known(config, place)]
    if step == "switch":
        files = [place.pki.named(name).cert for name in AUTHORITIES]
    newest = max(file.stat().st_mtime for file in files if file.exists())
    return min(max(0.0, newest + TAKEN_SECONDS - now.timestamp()), TAKEN_SECONDS)


def prepare(place: Place, name: str) -> None:
    """Make the next authority, and trust it."""
    from steersman.pki.certs import Pair, new_ca

    own = place.pki.named(_next(name))
    if own.key.exists() and own.cert.exists():
        pair = Pair(own.cert.read_bytes(), own.key.read_bytes())
    else:
        pair = new_ca(f"steersman-{name}", datetime.now(UTC))
        # The key last: as long as it is not there, the certificate means nothing.
        own.key.unlink(missing_ok=True)
        write_atomic(own.cert, pair.cert, PUBLIC)
        write_atomic(own.key, pair.key)
    write_atomic(place.pki.named(name).cert, bundle(place, name)[0] + pair.cert, PUBLIC)


def switch(place: Place, name: str) -> None:
    """Let the next authority sign. Where it does already, what it has to sign anew may still be missing."""
    if state(place, name) != "prepared":
        return
    own, authority = place.pki.named(_next(name)), place.pki.named(name)
    new = own.cert.read_bytes()
    former = [certificate for certificate in bundle(place, name) if certificate != new]
    write_atomic(authority.key, own.key.read_bytes())
    write_atomic(authority.cert, new + b"".join(former), PUBLIC)
    # The key says how far it has come: as long as it is there, all of this is done again.
    own.key.unlink()
    own.cert.unlink()


def finish(place: Place, name: str) -> None:
    """Trust the former authority no more."""
    place.pki.named(_next(name)).cert.unlink(missing_ok=True)
    write_atomic(place.pki.named(name).cert, bundle(place, name)[0], PUBLIC)


_ACTS: dict[str, Callable[[Place, str], None]] = {"prepare": prepare, "switch": switch, "finish": finish}


def check(step: str, config: ClusterConfig, place: Place, names: Sequence[str]) -> None:
    """Raises CommandError where this is not the step that comes next for these authorities."""
    states = {state(place, name) for name in names}
    if step == "prepare" and "switched" in states:
        raise CommandError("the former authority is still trusted: `steer certs rotate-ca finish` comes first")
    if step == "switch" and "steady" in states:
        raise CommandError("nobody trusts another authority yet: `steer certs rotate-ca prepare` comes first")
    if step != "finish":
        return
    if "switched" not in states or "prepared" in states:
        raise CommandError("there is no former authority: `steer certs rotate-ca prepare` and `switch` come first")
    if left := _signed_by_former(config, place, names):
        raise CommandError(
            f"the former authority has signed what is still used: {', '.join(left)}; kubelets ask for new certificates as long as "
            "the cluster runs"
        )


def _signed_by_former(config: ClusterConfig, place: Place, names: Sequence[str]) -> list[str]:
    """The certificates that would be worth nothing without the former authorities."""
    new = {name: bundle(place, name)[0] for name in names}
    return [
        each.name
        for each in certificates.known(config, place)
        if each.renewed_by and each.signed_by in new and each.file.exists()
        if not inventory.signed_by(each.file.read_bytes(), new[each.signed_by])
    ]


def rotate(
    step: str,
    config: ClusterConfig,
    place: Place,
    environment: Mapping[str, str],
    names: Sequence[str] = AUTHORITIES,
) -> list[str]:
    """Take a step with these authorities; returns the names of what was signed anew. The caller holds the cluster's lock.

    Raises CommandError.
    """
    try:
        begun = place.pki.directory / _BEGUN
        told = " ".join((step, *names))
        if _interrupted(begun) != told:
            if former := _interrupted(begun):
                raise CommandError(f"`steer certs rotate-ca {_spelled(former)}` was interrupted: repeat it first")
            check(step, config, place, names)
            write_atomic(begun, told.encode())
        for name in names:
            _ACTS[step](place, name)
        wanted = []
        if step == "switch":
            wanted = [
                each.name for each in certificates.known(config, place) if each.renewed_by and each.signed_by in names
            ]
        renewed = certificates.renew(config, place, environment, wanted)
        # Everybody else reads what has changed by himself; this one signs with the authority, and publishes it.
        lifecycle.ask(place, {"op": "restart", "part": "controller-manager"})
        begun.unlink()
    except OSError as error:
        raise CommandError(f"cannot write the authority: {error}") from error
    return renewed


def _interrupted(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""


def _spelled(begun: str) -> str:
    """A step as it is said on the command line."""
    step, *names = begun.split(" ")
    return step if tuple(names) == AUTHORITIES else f"{step} --authority {' '.join(names)}"


def _next(name: str) -> str:
    """What the next authority is called until it signs."""
    return f"{name}-next"
