"""What the API server is told about authorization."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ALWAYS_ALLOW, ALWAYS_DENY, ABAC, WEBHOOK, RBAC, NODE = "AlwaysAllow", "AlwaysDeny", "ABAC", "Webhook", "RBAC", "Node"
MODES = (ALWAYS_ALLOW, ALWAYS_DENY, ABAC, WEBHOOK, RBAC, NODE)
DEFAULT = (NODE, RBAC)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A server that is asked by SubjectAccessReview; durations are seconds, and 0 remembers nothing.

    `conditions` are expressions: it is asked only about what all of them are true for. When it cannot be asked, it has denied
    (`denies`) or has no opinion.
    """

    kubeconfig: Path
    version: str = "v1"
    timeout: float = 30.0
    allowed_ttl: float = 300.0
    refused_ttl: float = 30.0
    denies: bool = False
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Configured:
    """One authorizer of the chain; `webhook` for those of that mode."""

    mode: str
    name: str
    webhook: Webhook | None = None


@dataclass(frozen=True, slots=True)
class Authorization:
    """The authorizers in the order in which they are asked, or a file (AuthorizationConfiguration) that says it, and is read
    again when it changes. `policy_file` is that of ABAC."""

    chain: tuple[Configured, ...] = (Configured(NODE, "node"), Configured(RBAC, "rbac"))
    file: Path | None = None
    policy_file: Path | None = None
