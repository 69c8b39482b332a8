"""The certificates of a cluster: which there are, how they are, and making them anew. Works with the cluster up or down."""

import base64
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from steersman.cmd import kubeconfig, lifecycle, plan
from steersman.cmd.config import ClusterConfig
from steersman.cmd.errors import CommandError
from steersman.cmd.place import Place
from steersman.pki import inventory
from steersman.pki.files import wish, write_atomic
from steersman.pki.layout import FRONT_PROXY

# In the user's kubeconfig: a copy of the administrator's.
KUBECONFIG = "kubeconfig"
CA, FRONT_PROXY_CA = "ca", "front-proxy-ca"
AUTHORITIES = (CA, FRONT_PROXY_CA)


@dataclass(frozen=True)
class Known:
    """A certificate that a cluster is expected to have. `renewed_by` is `steer`, `kubelet`, or empty for an authority, and
    `signed_by` the name of the authority of one that is none."""

    name: str
    file: Path
    renewed_by: str = "steer"
    signed_by: str = CA


def known(config: ClusterConfig, place: Place) -> list[Known]:
    """Every certificate of the cluster, authorities first."""
    pki = place.pki
    found = [Known(name, pki.named(name).cert, "", "") for name in AUTHORITIES]
    names = ["apiserver", "apiserver-kubelet-client", FRONT_PROXY, "admin", "controller-manager", "scheduler"]
    names += ["proxy", "dns"]
    if config.simulate:
        names.append(plan.SIMULATED)
    signers = {FRONT_PROXY: FRONT_PROXY_CA}
    found += [Known(name, pki.named(name).cert, signed_by=signers.get(name, CA)) for name in names]
    for node in plan.node_names(config):
        found.append(Known(f"nodes/{node}/kubelet-client", plan.kubelet_pair(place, node), "kubelet"))
        found.append(Known(f"nodes/{node}/kubelet-server", plan.kubelet_serving_pair(place, node), "kubelet"))
    return found


def listing(config: ClusterConfig, place: Place, now: datetime, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """What `steer certs` shows, a certificate each; `problem` says why something is not known of it."""
    rows = []
    for each in known(config, place):
        rows.append(_row(each.name, inventory.read(each.file), each.file, now, each.renewed_by))
        if not each.renewed_by:
            # While an authority is being replaced there are two.
            rows += [_row(each.name, other, each.file, now, "") for other in _others(each.file)]
    for path, pem in _in_kubeconfigs(config, place, environment):
        rows.append(_row(KUBECONFIG, _first(pem), path, now, "steer"))
    return rows


def _others(file: Path) -> list[inventory.Described]:
    """The certificates of a file behind the first."""
    try:
        return inventory.describe(file.read_bytes())[1:]
    except (OSError, ValueError):
        # What is wrong with it, its first row says.
        return []


def _first(pem: bytes) -> inventory.Described | str:
    try:
        return inventory.describe(pem)[0]
    except ValueError as error:
        return f"unreadable: {error}"


def _row(name: str, found: inventory.Described | str, file: Path, now: datetime, renewed_by: str) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "file": str(file), "renewedBy": renewed_by}
    if isinstance(found, str):
        return {**row, "problem": found}
    return {
        **row,
        "subject": found.subject,
        "issuer": found.issuer,
        "serialNumber": found.serial,
        "names": list(found.names),
        "purposes": list(found.purposes),
        "authority": found.authority,
        "notBefore": _stamp(found.not_before),
        "expires": _stamp(found.not_after),
        "residualSeconds": int(found.left(now)),
        "residualTime": inventory.residual(found.left(now)),
    }


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _in_kubeconfigs(config: ClusterConfig, place: Place, environment: Mapping[str, str]) -> list[tuple[Path, bytes]]:
    """The administrator's certificate in the user's kubeconfigs, as far as these can be read."""
    found = []
    for path in kubeconfig.files(config.kubeconfig or None, environment):
        try:
            document = kubeconfig.read(path)
        except CommandError:
            # Not ours to complain about here: nothing is to be written into it.
            continue
        for entry in (document or {}).get("users") or []:
            user = entry.get("user") if isinstance(entry, dict) and entry.get("name") == place.context else None
            if isinstance(user, dict) and user.get("client-certificate-data"):
                found.append((path, base64.b64decode(str(user["client-certificate-data"]))))
    return found


def renew(
    config: ClusterConfig, place: Place, environment: Mapping[str, str], wanted: Collection[str] = ()
) -> list[str]:
    """Make those certificates anew that are `wanted` by name and those that end soon; returns the names of what is new.

    The caller holds the cluster's lock. Parts that run take over what is new within seconds; kubelets ask for theirs as soon
    as they hear of it. Raises CommandError.
    """
    try:
        before = {each.file: _content(each.file) for each in known(config, place)}
        lifecycle.write_credentials(config, place, wanted)
        _let_kubelets_ask(config, place, wanted)
        lifecycle.write_kubeconfigs(config, place)
    except OSError as error:
        raise CommandError(f"cannot write the certificates: {error}") from error
    renewed = [
        each.name
        for each in known(config, place)
        if _content(each.file) != before[each.file] or (each.renewed_by == "kubelet" and wish(each.file).exists())
    ]
    kubeconfig.refresh(lifecycle.access(config, place), config.kubeconfig or None, environment)
    return renewed


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def _let_kubelets_ask(config: ClusterConfig, place: Place, wanted: Collection[str]) -> None:
    for each in known(config, place):
        if each.renewed_by == "kubelet" and each.name in wanted and each.file.exists():
            write_atomic(wish(each.file), b"")


def chosen(config: ClusterConfig, place: Place, name: str) -> list[str]:
    """The certificates that `name` means: one, or with `all` every one but the authorities. Raises CommandError."""
    names = [each.name for each in known(config, place) if each.renewed_by]
    if name == "all":
        return names
    if name == KUBECONFIG:
        return ["admin"]
    if name in names:
        return [name]
    if any(each.name == name for each in known(config, place)):
        raise CommandError(f"{name} is an authority: every certificate that it has signed would be worth nothing")
    raise CommandError(f"there is no certificate {name!r}; there is {', '.join(['all', *names])}")


def main(arguments: list[str]) -> int:
    """`python -m steersman.cmd.certificates DIRECTORY`: renew what ends soon, as the supervisor does now and then."""
    directory = Path(arguments[0])
    place = Place(directory.name, directory.parent)
    try:
        with place.locked():
            renewed = renew(place.load(), place, os.environ)
    except CommandError as error:
        # Another `steer` works on the cluster, say; the next time comes.
        print(f"nothing renewed: {error}", flush=True)
        return 1
    print(f"renewed: {', '.join(renewed) or 'nothing'}", flush=True)
    return 0


if __name__ == "__main__":
    import sys

    sys.exit(main(sys.argv[1:]))
