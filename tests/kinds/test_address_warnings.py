"""Addresses and ranges that are written in an unusual way."""

from __future__ import annotations

import pytest

from steersman.api.field import Path
from steersman.kinds.address_warnings import cidr_warnings, ip_warnings

AT = Path("at")


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("10.0.0.1", []),
        ("fd00::1", []),
        ("what", []),
        ("010.000.0.1", ['at: non-standard IP address "010.000.0.1" is invalid: use "10.0.0.1"']),
        ("::ffff:10.0.0.1", ['at: non-standard IP address "::ffff:10.0.0.1" is invalid: use "10.0.0.1"']),
        ("FD00:0::1", ['at: IPv6 address "FD00:0::1" should be in RFC 5952 canonical format ("fd00::1")']),
    ],
)
def test_addresses(text: str, warnings: list[str]) -> None:
    assert ip_warnings(AT, text) == warnings


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("10.0.0.0/8", []),
        ("fd00::/64", []),
        ("10.0.0.0", []),
        ("10.0.0.0/33", []),
        ("10.1.0.0/8", ['at: CIDR value "10.1.0.0/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.1.0.0/32"?)']),
        ("010.0.0.0/8", ['at: non-standard CIDR value "010.0.0.0/8" is invalid: use "10.0.0.0/8"']),
        ("10.0.0.0/08", ['at: non-standard CIDR value "10.0.0.0/08" is invalid: use "10.0.0.0/8"']),
        ("::ffff:10.0.0.0/104", ['at: non-standard CIDR value "::ffff:10.0.0.0/104" is invalid: use "10.0.0.0/8"']),
        ("FD00::/64", ['at: IPv6 CIDR value "FD00::/64" should be in RFC 5952 canonical format ("fd00::/64")']),
    ],
)  # fmt: skip
def test_ranges(text: str, warnings: list[str]) -> None:
    assert cidr_warnings(AT, text) == warnings
