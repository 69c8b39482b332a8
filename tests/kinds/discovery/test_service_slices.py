"""Which endpoints of a slice take requests."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.discovery.service_slices import ready_ports, service_keys
from steersman.kinds.types.discovery_v1 import EndpointSlice


def piece(**fields: Any) -> EndpointSlice:
    return codec.from_builtins(EndpointSlice, {"addressType": "IPv4", "endpoints": [], **fields})[0]


@pytest.mark.parametrize(
    ("labels", "keys"),
    [({"kubernetes.io/service-name": "s"}, ("n/s",)), ({"kubernetes.io/service-name": ""}, ()), ({}, ())],
)
def test_service_keys(labels: dict[str, str], keys: tuple[str, ...]) -> None:
    assert service_keys(piece(metadata={"namespace": "n", "labels": labels})) == keys


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ("http", [("10.0.0.1", 80), ("10.0.0.3", 80)]),
        ("", [("10.0.0.1", 81), ("10.0.0.3", 81)]),
        ("none", []),
        ("x", []),
    ],
)
def test_ready_ports(port: str, expected: list[tuple[str, int]]) -> None:
    found = piece(
        endpoints=[
            {"addresses": ["10.0.0.1"]},
            {"addresses": ["10.0.0.2"], "conditions": {"ready": False}},
            {"addresses": ["10.0.0.3"], "conditions": {"ready": True}},
        ],
        ports=[{"name": "http", "port": 80}, {"port": 81}, {"name": "none"}],
    )
    assert [(endpoint.addresses[0], number) for endpoint, number in ready_ports(found, port)] == expected
