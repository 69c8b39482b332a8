"""What becomes of tokens in this process, by upstream's names: known again, asked about, good, or out of date."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Any, Final, TypeVar

from steersman.api.clock import RealClock
from steersman.api.metrics import Counter, Gauge, Histogram
from steersman.apiserver.metrics import PROCESS
from steersman.apiserver.webhook.answers import Answers

V = TypeVar("V")

_CACHE = "authentication_token_cache_"
_JWT = "apiserver_authentication_jwt_authenticator_"
# A server has no name here that others could tell it by.
_SERVER = ""
_STATUS = ("status",)
_ISSUERS = 256

requests: Final = PROCESS.add(Counter(f"{_CACHE}request_total", "Tokens by whether they were known again.", _STATUS))
_seconds: Final = PROCESS.add(
    Histogram(f"{_CACHE}request_duration_seconds", "How long it took to ask about tokens that were not.", _STATUS)
)
_fetched: Final = PROCESS.add(Counter(f"{_CACHE}fetch_total", "Questions about tokens.", _STATUS))
_active: Final = PROCESS.add(
    Gauge(f"{_CACHE}active_fetch_count", "Questions under way, and who waits for them.", _STATUS)
)
_jwt: Final = PROCESS.add(
    Histogram(
        f"{_JWT}latency_seconds",
        "How long tokens of issuers took that were not known yet.",
        ("result", "jwt_issuer_hash"),
        (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    )
)
_ISSUER = ("jwt_issuer_hash", "apiserver_id_hash")
_keys_read: Final = PROCESS.add(
    Gauge(
        f"{_JWT}jwks_fetch_last_timestamp_seconds",
        "When the keys of issuers were last asked for.",
        ("result", *_ISSUER),
    )
)
_keys: Final = PROCESS.add(
    Gauge(f"{_JWT}jwks_fetch_last_key_set_info", "The digest of the keys of issuers.", (*_ISSUER, "hash"))
)
valid: Final = PROCESS.add(Counter("serviceaccount_valid_tokens_total", "Uses of tokens of service accounts."))
stale: Final = PROCESS.add(
    Counter("serviceaccount_stale_tokens_total", "Uses of such tokens that should have been replaced.")
)
legacy: Final = PROCESS.add(Counter("serviceaccount_legacy_tokens_total", "Uses of tokens that Secrets hold."))
legacy_auto: Final = PROCESS.add(
    Counter("serviceaccount_legacy_auto_token_uses_total", "Uses of such tokens that were made for the account.")
)
legacy_manual: Final = PROCESS.add(
    Counter("serviceaccount_legacy_manual_token_uses_total", "Uses of such tokens that somebody has asked for.")
)
invalid_legacy: Final = PROCESS.add(
    Counter("serviceaccount_invalid_legacy_auto_token_uses_total", "Uses of such tokens that are marked as invalid.")
)


class Hits:
    """Tokens of service accounts that were known again: an addition for nearly every request."""

    count = 0


def take_hits() -> None:
    """Puts them where they are shown."""
    count, Hits.count = Hits.count, 0
    if count:
        requests.add("hit", by=count)
        valid.add(by=count)


async def asked(answers: Answers[V], key: bytes, question: Callable[[], Coroutine[Any, Any, tuple[V, float]]]) -> V:
    """The answer to a question about a token, counted."""
    now = RealClock.monotonic

    async def counted() -> tuple[V, float]:
        _active.add("in_flight")
        result = "error"
        try:
            found = await question()
            result = "ok"
            return found
        finally:
            _active.add("in_flight", by=-1)
            _fetched.add(result)

    since = now()
    _active.add("blocked")
    try:
        return await answers.ask(key, counted)
    finally:
        _active.add("blocked", by=-1)
        requests.add("miss")
        _seconds.observe(now() - since, "miss")


@lru_cache(maxsize=256)
def hashed(text: str) -> str:
    """As metrics name what they do not tell."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" if text else ""


def judged(issuer: str, seconds: float, *, good: bool) -> None:
    """A token of an issuer was looked at."""
    _jwt.observe(seconds, "success" if good else "failure", hashed(issuer))


def keys_read(issuer: str, now: float, keys: str | None) -> None:
    """The keys of an issuer were read; None: could not be. Claims may lead to many issuers: they are not all told of."""
    if len(_keys_read.values) >= _ISSUERS and ("success", hashed(issuer), _SERVER) not in _keys_read.values:
        return
    _keys_read.put(now, "failure" if keys is None else "success", hashed(issuer), _SERVER)
    if keys is not None:
        for labels in [labels for labels in _keys.values if labels[0] == hashed(issuer)]:
            del _keys.values[labels]
        _keys.put(1, hashed(issuer), _SERVER, hashed(keys))
