"""EndpointSlice as discovery.k8s.io/v1beta1 knew it: an endpoint's zone and node were labels of its topology."""

from __future__ import annotations

from steersman.api.meta import Resource
from steersman.kinds.core.node_labels import HOSTNAME, ZONE
from steersman.kinds.kind import Plain, older


def to_stored(plain: Plain) -> None:
    for endpoint in plain.get("endpoints") or ():
        topology = endpoint.pop("topology", None)
        if topology is None:
            continue
        if ZONE in topology:
            endpoint["zone"] = topology.pop(ZONE)
        node = topology.get(HOSTNAME)
        if node is not None and node == endpoint.setdefault("nodeName", node):
            del topology[HOSTNAME]
        if topology:
            endpoint["deprecatedTopology"] = topology


def from_stored(plain: Plain) -> None:
    for endpoint in plain.get("endpoints") or ():
        topology = endpoint.pop("deprecatedTopology", None) or {}
        if "zone" in endpoint:
            topology[ZONE] = endpoint.pop("zone")
        if endpoint.get("nodeName"):
            # Both could be given once, and differ.
            topology.setdefault(HOSTNAME, endpoint["nodeName"])
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
