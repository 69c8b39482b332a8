"""Bootstrap tokens: Secrets of kube-system with which new nodes introduce themselves."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from steersman.api.clock import Clock
from steersman.api.http import User
from steersman.api.identities import authenticated
from steersman.apiserver.authn.users import Agnostic, Refused, Verdict
from steersman.kinds.core import bootstraptoken

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Secret


class BootstrapTokens:
    """Takes tokens whose Secret says so; `secrets` finds one by namespace and name."""

    def __init__(self, clock: Clock, secrets: Callable[[str, str], Secret | None], audiences: Agnostic) -> None:
        self._clock = clock
        self._secrets = secrets
        self._audiences = audiences

    def verdict(self, token: str, wanted: Sequence[str]) -> Verdict | None:
        """As of `Method`. Raises Refused for a token whose Secret is there and does not vouch for it."""
        parts = bootstraptoken.parse(token)
        if parts is None:
            return None
        good = self._audiences.good_for(wanted)
        if good is None:
            return None
        secret = self._secrets(bootstraptoken.NAMESPACE, bootstraptoken.PREFIX + parts[0])
        if secret is None:
            return None
        user, why = user_of(secret, *parts, self._clock.now())
        if user is None:
            # Told as all refusals are: a flood of guesses is no flood of lines.
            raise Refused(f"bootstrap secret {secret.metadata.name} matching the bearer token {why}")
        return Verdict(user, good)


def user_of(secret: Secret, identity: str, password: str, now: datetime) -> tuple[User | None, str]:
    """The user that a token's Secret stands for, or why it stands for none."""
    if secret.metadata.deletionTimestamp:
        return None, "is deleted and awaiting removal"
    if secret.type != bootstraptoken.TYPE:
        return None, f"has invalid type, expected {bootstraptoken.TYPE}"
    kept = bootstraptoken.value_of(secret, bootstraptoken.SECRET)
    if not hmac.compare_digest(kept.encode(), password.encode()):
        return None, f"has another value for key {bootstraptoken.SECRET}"
    if bootstraptoken.value_of(secret, bootstraptoken.ID) != identity:
        return None, f"has another value for key {bootstraptoken.ID}"
    left = bootstraptoken.seconds_left(secret, now)
    if left is not None and left <= 0:
        return None, "has expired"
    if bootstraptoken.value_of(secret, bootstraptoken.USAGE_AUTHENTICATION) != "true":
        return None, f"is not marked {bootstraptoken.USAGE_AUTHENTICATION}=true"
    groups = bootstraptoken.groups_of(secret)
    if groups is None:
        return None, f"has an invalid value for key {bootstraptoken.EXTRA_GROUPS}"
    return authenticated(User(bootstraptoken.USER_PREFIX + identity, groups)), ""
