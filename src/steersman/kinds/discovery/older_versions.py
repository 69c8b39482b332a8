"""EndpointSlice as discovery.k8s.io/v1beta1 knew it: an endpoint's zone was one label of its topology."""

from __future__ import annotations

from steersman.api.meta import Resource
from steersman.kinds.kind import Plain, older

ZONE = "topology.kubernetes.io/zone"


def to_stored(plain: Plain) -> None:
    for endpoint in plain.get("endpoints") or ():
        topology = endpoint.pop("topology", None)
        if topology is None:
            continue
        zone = topology.pop(ZONE, None)
        if zone is not None:
            endpoint["zone"] = zone
        if topology:
            endpoint["deprecatedTopology"] = topology


def from_stored(plain: Plain) -> None:
    for endpoint in plain.get("endpoints") or ():
        topology = endpoint.pop("deprecatedTopology", None) or {}
        zone = endpoint.pop("zone", None)
        if zone is not None:
            topology[ZONE] = zone
        if topology:
            endpoint["topology"] = topology


ENDPOINT_SLICE = (
    older(
        Resource("discovery.k8s.io", "v1beta1", "endpointslices", "EndpointSlice", True),
        "1.21",
        "1.25",
        to_stored=to_stored,
        from_stored=from_stored,
    ),
)
