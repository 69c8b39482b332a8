"""Tokens of service accounts: how one asks the API server for them, and when for the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from steersman.api.clock import Clock
from steersman.api.meta import parse_time
from steersman.client import decode
from steersman.client.rest import Client
from steersman.kinds.types.authentication_v1 import BoundObjectReference, TokenRequest, TokenRequestSpec
from steersman.kinds.types.core_v1 import ServiceAccount

RENEW = 0.8
"""The share of a token's life after which it is replaced."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and after how many seconds another should take its place."""

    value: str = field(repr=False)
    renew_after: float


async def request(
    client: Client,
    clock: Clock,
    namespace: str,
    account: str,
    seconds: int,
    *,
    audiences: Sequence[str] = (),
    bound: BoundObjectReference | None = None,
) -> Token:
    """A new token that is good for so long, for the API server's own audiences if none are named.

    It dies with the object that it is `bound` to. Raises StatusError: NotFound where there is no such account.
    """
    spec = TokenRequestSpec(audiences=list(audiences), expirationSeconds=seconds, boundObjectRef=bound)
    path = ServiceAccount.__resource__.path(namespace, account, "token")
    status = decode.one(TokenRequest, await client.answer("POST", path, body=TokenRequest(spec=spec))).status
    # The server's clock may be another than ours.
    life = min(parse_time(status.expirationTimestamp).timestamp() - clock.time(), seconds)
    return Token(status.token, life * RENEW)
