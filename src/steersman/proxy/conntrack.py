"""Tracked UDP flows that no longer lead anywhere: UDP has no end of its own, so a busy client would keep its dead endpoint."""

import asyncio
from collections.abc import Mapping, Sequence

from steersman.network.errors import NetworkError
from steersman.proxy.plan import Front

Fronts = Mapping[Front, frozenset[str]]


def stale_flows(old: Fronts, new: Fronts) -> list[list[str]]:
    """The ``conntrack`` arguments that delete the flows to endpoints that left, and the flows that were tracked
    to a front while it had no endpoint."""
    found = []
    for front, endpoints in old.items():
        found += [[*_match(front), "--reply-src", gone] for gone in sorted(endpoints - new.get(front, frozenset()))]
    found += [_match(front) for front, endpoints in new.items() if endpoints and not old.get(front)]
    return found


def _match(front: Front) -> list[str]:
    address = ["--orig-dst", front.address] if front.address else []
    return ["-D", "-p", "udp", *address, "--orig-port-dst", str(front.port)]


async def delete_flows(arguments: list[str], command: Sequence[str] = ("conntrack",)) -> None:
    """Runs one deletion. Finding nothing to delete is fine. Raises NetworkError."""
    whole = [*command, *arguments]
    try:
        process = await asyncio.create_subprocess_exec(
            *whole, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
    except OSError as error:
        raise NetworkError(f"cannot run {command[0]}: {error}") from error
    _, said = await process.communicate()
    text = said.decode(errors="replace").strip()
    if process.returncode != 0 and "0 flow entries have been deleted" not in text:
        raise NetworkError(f"{' '.join(whole)}: {text}")
