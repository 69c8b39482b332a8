"""What the API server is told about authentication, beside certificates and service accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from steersman.api.http import User

if TYPE_CHECKING:
    from steersman.apiserver.authn.configuration import JWTAuthenticator


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Whether requests without credentials are taken for anybody's; with `paths`, only those for one of these."""

    enabled: bool = True
    paths: frozenset[str] = frozenset()

    def admits(self, path: str) -> bool:
        return self.enabled and (not self.paths or path in self.paths)


@dataclass(frozen=True)
class Webhook:
    """A server that knows tokens: its kubeconfig, the version of TokenReview it speaks, and for how many seconds what it
    says is remembered."""

    kubeconfig: Path
    version: str = "v1beta1"
    cache_ttl: float = 120.0


@dataclass(frozen=True)
class Authentication:
    """`file` is an AuthenticationConfiguration, which is read again when it changes; `jwt` are issuers that are configured
    otherwise, with the algorithms that these may sign with."""

    anonymous: Anonymous = Anonymous()
    static: Mapping[str, User] = field(default_factory=dict, repr=False)
    bootstrap_tokens: bool = True
    file: Path | None = None
    jwt: tuple[JWTAuthenticator, ...] = ()
    jwt_algorithms: tuple[str, ...] = ("RS256",)
    webhook: Webhook | None = None
