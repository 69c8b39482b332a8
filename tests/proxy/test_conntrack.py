"""Which tracked flows must go."""

import pytest

from steersman.network.errors import NetworkError
from steersman.proxy.conntrack import delete_flows, stale_flows
from steersman.proxy.plan import Front

VIP, NODE = Front("10.96.0.10", 53), Front("", 30053)
DELETE = ["-D", "-p", "udp"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {}, []),
        (
            {VIP: {"a", "b"}},
            {VIP: {"b", "c"}},
            [["--orig-dst", "10.96.0.10", "--orig-port-dst", "53", "--reply-src", "a"]],
        ),
        ({NODE: {"a"}}, {}, [["--orig-port-dst", "30053", "--reply-src", "a"]]),
        ({VIP: set()}, {VIP: {"a"}}, [["--orig-dst", "10.96.0.10", "--orig-port-dst", "53"]]),
        ({}, {NODE: {"a"}}, [["--orig-port-dst", "30053"]]),
        ({VIP: {"a"}}, {VIP: {"a", "b"}}, []),
    ],
)
def test_stale_flows(old: dict[Front, set[str]], new: dict[Front, set[str]], expected: list[list[str]]) -> None:
    frozen = [{front: frozenset(found) for front, found in each.items()} for each in (old, new)]
    assert stale_flows(*frozen) == [[*DELETE, *arguments] for arguments in expected]


async def test_finding_nothing_is_fine_and_failing_is_not() -> None:
    await delete_flows([], ["sh", "-c", "echo conntrack: 0 flow entries have been deleted >&2; exit 1"])
    with pytest.raises(NetworkError, match="no permission"):
        await delete_flows([], ["sh", "-c", "echo no permission >&2; exit 1"])
    with pytest.raises(NetworkError, match="cannot run no-such-program"):
        await delete_flows(["-D"], ["no-such-program"])
