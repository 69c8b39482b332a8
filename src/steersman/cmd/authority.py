"""Another authority in the place of a cluster's own, in three steps, so that at no time anybody meets one that he does not trust.

`prepare`: everybody trusts the next authority, too. `switch`: it signs everything. `finish`: the former is trusted no more. The file
of the authority holds both meanwhile, and the one that signs is the first. Each step may be repeated if it was interrupted.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from steersman.cmd import certificates, lifecycle
from steersman.cmd.config import ClusterConfig
from steersman.cmd.errors import CommandError
from steersman.cmd.place import Place
from steersman.pki import inventory
from steersman.pki.files import PUBLIC, write_atomic

State = Literal["steady", "prepared", "switched"]
STEPS = ("prepare", "switch", "finish")
TAKEN_SECONDS = 12.0
"""After so long every part of a running cluster has taken over what was written."""
_NEXT = "ca-next"
_END = b"-----END CERTIFICATE-----\n"


def state(place: Place) -> State:
    """How far it has come."""
    if place.pki.named(_NEXT).key.exists():
        return "prepared"
    return "switched" if len(bundle(place)) > 1 else "steady"


def bundle(place: Place) -> list[bytes]:
    """The certificates of the authorities that are trusted, the one that signs first."""
    return [part + _END for part in place.pki.ca.cert.read_bytes().split(_END) if part.strip()]


def untaken(step: str, config: ClusterConfig, place: Place, now: datetime) -> float:
    """Seconds for which a step has to wait, because parts that run may not have taken over yet what the step before wrote."""
    if step == "prepare" or not lifecycle.running(place):
        return 0.0
    files = [each.file for each in certificates.known(config, place)] if step == "finish" else [place.pki.ca.cert]
    newest = max(file.stat().st_mtime for file in files if file.exists())
    return min(max(0.0, newest + TAKEN_SECONDS - now.timestamp()), TAKEN_SECONDS)


def prepare(place: Place) -> None:
    """Make the next authority, and trust it."""
    if state(place) == "switched":
        raise CommandError("the former authority is still trusted: `steer certs rotate-ca finish` comes first")
    from steersman.pki.certs import Pair, new_ca

    own = place.pki.named(_NEXT)
    if own.key.exists() and own.cert.exists():
        pair = Pair(own.cert.read_bytes(), own.key.read_bytes())
    else:
        pair = new_ca("steersman-ca", datetime.now(UTC))
        write_atomic(own.cert, pair.cert, PUBLIC)
        write_atomic(own.key, pair.key)
    write_atomic(place.pki.ca.cert, bundle(place)[0] + pair.cert, PUBLIC)


def switch(place: Place) -> None:
    """Let the next authority sign. Where it does already, what it has to sign anew may still be missing."""
    if state(place) == "switched":
        return
    if state(place) != "prepared":
        raise CommandError("nobody trusts another authority yet: `steer certs rotate-ca prepare` comes first")
    own = place.pki.named(_NEXT)
    new = own.cert.read_bytes()
    former = [certificate for certificate in bundle(place) if certificate != new]
    write_atomic(place.pki.ca.key, own.key.read_bytes())
    write_atomic(place.pki.ca.cert, new + b"".join(former), PUBLIC)
    # The key says how far it has come: as long as it is there, all of this is done again.
    own.key.unlink()
    own.cert.unlink()


def finish(config: ClusterConfig, place: Place) -> None:
    """Trust the former authority no more. Raises CommandError while something still has its signature."""
    if state(place) != "switched":
        raise CommandError("there is no former authority: `steer certs rotate-ca prepare` and `switch` come first")
    new = bundle(place)[0]
    left = [
        each.name
        for each in certificates.known(config, place)
        if each.renewed_by and "front-proxy" not in each.name and each.file.exists()
        if not inventory.signed_by(each.file.read_bytes(), new)
    ]
    if left:
        raise CommandError(
            f"the former authority has signed what is still used: {', '.join(left)}; kubelets ask for new certificates as long as "
            "the cluster runs"
        )
    write_atomic(place.pki.ca.cert, new, PUBLIC)


def rotate(step: str, config: ClusterConfig, place: Place, environment: Mapping[str, str]) -> list[str]:
    """Take a step; returns the names of what was signed anew. The caller holds the cluster's lock. Raises CommandError."""
    try:
        if step == "prepare":
            prepare(place)
        elif step == "switch":
            switch(place)
        else:
            finish(config, place)
        wanted = certificates.chosen(config, place, "all") if step == "switch" else []
        renewed = certificates.renew(config, place, environment, wanted)
    except OSError as error:
        raise CommandError(f"cannot write the authority: {error}") from error
    # Everybody else reads what has changed by himself; this one signs with the authority, and publishes it.
    lifecycle.ask(place, {"op": "restart", "part": "controller-manager"})
    return renewed
