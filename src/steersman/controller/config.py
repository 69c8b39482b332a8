"""Settings of the controllers, declared once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ControllerConfig:
    """Durations are in seconds; defaults are Kubernetes' own."""

    # PEM text of the authority that signed the API server's certificate, for `kube-root-ca.crt` and tokens' Secrets.
    root_ca: str = ""
    # Signs the claims of tokens that are kept in Secrets; without it those Secrets get none.
    sign_token: Callable[[Mapping[str, Any]], str] | None = None
    # Certificate and key, in PEM, of the authority that signs certificate requests; without it none is signed.
    signing_authority: tuple[bytes, bytes] | None = field(default=None, repr=False)
    # For each node, by its name: the DNS names and addresses that it may have a serving certificate for without being asked.
    node_hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Every service account gets such a Secret by itself, as in Kubernetes before 1.24.
    legacy_service_account_tokens: bool = False
    # Such a Secret whose token nobody has used for so long is taken away.
    legacy_token_clean_up_period: float = 365 * 24 * 3600.0
    # Ranges that nodes get their pod ranges from (one, or one per IP family); empty: nodes are left alone.
    cluster_cidrs: tuple[str, ...] = ()
    node_mask_ipv4: int = 24
    node_mask_ipv6: int = 64
    # Range of Service addresses: never given to nodes.
    service_cidr: str = ""
    # A node that has not been heard of for so long is Unknown.
    node_grace: float = 50.0
    # How much longer a node that was never heard of has.
    node_startup_grace: float = 60.0
    # How long objects of a node outlive it, and pods their finishing before there are too many.
    node_quarantine: float = 40.0
    terminated_pod_threshold: int = 12500
    # Evictions from unreachable nodes per second.
    eviction_rate: float = 0.1
