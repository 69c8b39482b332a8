"""Which host ports two pods cannot have together."""

from __future__ import annotations

import pytest

from steersman.kinds.core.host_ports import HostPort, conflict


@pytest.mark.parametrize(
    ("wanted", "used", "expected"),
    [
        (("0.0.0.0", "TCP", 80), ("0.0.0.0", "TCP", 80), True),
        (("0.0.0.0", "TCP", 80), ("10.0.0.1", "TCP", 80), True),
        (("10.0.0.1", "TCP", 80), ("0.0.0.0", "TCP", 80), True),
        (("10.0.0.1", "TCP", 80), ("10.0.0.2", "TCP", 80), False),
        (("0.0.0.0", "TCP", 80), ("0.0.0.0", "UDP", 80), False),
        (("0.0.0.0", "TCP", 80), ("0.0.0.0", "TCP", 81), False),
    ],
)
def test_conflict(wanted: HostPort, used: HostPort, expected: bool) -> None:
    assert conflict({wanted}, {used}) is expected
