"""Gives every node its range of pod addresses out of the cluster's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from steersman.controller.declaration import Context, Controller, NotYet, own
from steersman.kinds.types.core_v1 import Node

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Range:
    """A cluster range and the length of the prefixes cut from it."""

    network: Network
    prefix: int

    def first_free(self, taken: Iterable[Network]) -> Network | None:
        """The lowest range that overlaps none of the taken ones; None when all are."""
        size = 1 << (self.network.max_prefixlen - self.prefix)
        start, end = int(self.network.network_address), int(self.network.broadcast_address)
        occupied = sorted(
            (int(t.network_address), int(t.broadcast_address)) for t in taken if t.version == self.network.version
        )
        for low, high in occupied:
            if start + size - 1 < low:
                break
            if high >= start:
                # Go on behind it, at the next boundary.
                start = (high // size + 1) * size
        if start + size - 1 > end:
            return None
        base = type(self.network.network_address)(start)
        return ipaddress.ip_network(f"{base}/{self.prefix}")


def ranges_of(cidrs: Iterable[str], ipv4: int, ipv6: int) -> list[Range]:
    networks = [ipaddress.ip_network(cidr) for cidr in cidrs]
    return [Range(network, ipv4 if network.version == 4 else ipv6) for network in networks]


def taken(nodes: Iterable[Node]) -> list[Network]:
    """The ranges that nodes have."""
    return [
        ipaddress.ip_network(cidr, strict=False)
        for node in nodes
        for cidr in (node.spec.podCIDRs or ([node.spec.podCIDR] if node.spec.podCIDR else []))
    ]


class NodeIPAM:
    """One worker: allocations follow each other, so none is given twice."""

    def __init__(self, context: Context) -> None:
        self._client, self._recorder = context.client, context.recorder
        self._nodes = context.informers.informer(Node)
        config = context.config
        self._ranges = ranges_of(config.cluster_cidrs, config.node_mask_ipv4, config.node_mask_ipv6)
        self._reserved = [ipaddress.ip_network(config.service_cidr)] if config.service_cidr else []
        # What was given to nodes whose informer does not show it yet, by node name.
        self._given: dict[str, list[Network]] = {}

    async def reconcile(self, key: str) -> None:
        node = self._nodes.get(key)
        if node is None or node.spec.podCIDR or not self._ranges:
            self._given.pop(key, None)
            return
        if key in self._given:
            return
        given = [network for networks in self._given.values() for network in networks]
        occupied = [*taken(self._nodes.items()), *given, *self._reserved]
        found = [free for r in self._ranges if (free := r.first_free(occupied)) is not None]
        if len(found) < len(self._ranges):
            text = f"Node {key} status is now: CIDRNotAvailable"
            self._recorder.event(node, "Normal", "CIDRNotAvailable", text)
            raise NotYet(f"no range of pod addresses is left for node {key}")
        cidrs = [str(network) for network in found]
        body = {
            "metadata": {"uid": node.metadata.uid},
            "spec": {"podCIDR": cidrs[0], "podCIDRs": cidrs},
        }
        await self._client.patch(Node, key, body)
        self._given[key] = found


CONTROLLER = Controller(
    name="nodeipam",
    reconciler=NodeIPAM,
    watches=(own(Node),),
    component="cidrAllocator",
    account="node-controller",
)
