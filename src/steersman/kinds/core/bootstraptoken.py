"""Bootstrap tokens (`abcdef.0123456789abcdef`) and the Secrets that keep them: what is where, and what it means."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import TYPE_CHECKING, Final

from steersman.api.meta import parse_time

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Secret

TYPE: Final = "bootstrap.kubernetes.io/token"
NAMESPACE: Final = "kube-system"
PREFIX: Final = "bootstrap-token-"
ID: Final = "token-id"
SECRET: Final = "token-secret"
EXPIRATION: Final = "expiration"
EXTRA_GROUPS: Final = "auth-extra-groups"
USAGE_AUTHENTICATION: Final = "usage-bootstrap-authentication"
USAGE_SIGNING: Final = "usage-bootstrap-signing"
USER_PREFIX: Final = "system:bootstrap:"
GROUP: Final = "system:bootstrappers"

_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})", re.ASCII)
_ID = re.compile(r"[a-z0-9]{6}", re.ASCII)
_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]", re.ASCII)


def parse(token: str) -> tuple[str, str] | None:
    """Id and secret of a token; None for what is no such token."""
    found = _TOKEN.fullmatch(token)
    return None if found is None else (found[1], found[2])


def value_of(secret: Secret, key: str) -> str:
    """What a Secret says under a key; nothing if that is no text."""
    try:
        return base64.b64decode((secret.data or {}).get(key, "")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def seconds_left(secret: Secret, now: datetime) -> float | None:
    """For how long the token is good (not at all: 0); None when it has no end. What is no time has passed."""
    expiration = value_of(secret, EXPIRATION)
    if not expiration:
        return None
    try:
        return max((parse_time(expiration) - now).total_seconds(), 0.0)
    except ValueError:
        return 0.0


def groups_of(secret: Secret) -> tuple[str, ...] | None:
    """The groups of whoever shows the token; None when the Secret names one that it must not."""
    extra = value_of(secret, EXTRA_GROUPS)
    named = extra.split(",") if extra else []
    if not all(map(_GROUP.fullmatch, named)):
        return None
    return tuple(sorted({GROUP, *named}))


def signing_token(secret: Secret, now: datetime) -> tuple[str, str] | None:
    """Id and secret of a token that signs what is published for new nodes; None when the Secret holds no such token."""
    name, identity, password = secret.metadata.name, value_of(secret, ID), value_of(secret, SECRET)
    if secret.type != TYPE or not _ID.fullmatch(identity) or name != PREFIX + identity or not password:
        return None
    left = seconds_left(secret, now)
    if (left is not None and left <= 0) or value_of(secret, USAGE_SIGNING) != "true":
        return None
    return identity, password
