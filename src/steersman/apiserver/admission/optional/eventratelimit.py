"""Events beyond a rate are refused: for the whole server, by namespace, by user, or by source and object."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from msgspec import Struct

from steersman.api.errors import TooManyRequests
from steersman.api.field import Errors, Path, invalid, not_supported
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.apiserver.admission.given import Given
from steersman.apiserver.authz import aggregate

_CACHE = 4096
_GROUP = "eventratelimit.admission.k8s.io"


class Limit(Struct, kw_only=True, forbid_unknown_fields=True):
    """`qps` events a second, and `burst` at once, for everybody of one key; `cacheSize` keys are remembered."""

    type: str = ""
    qps: int = 0
    burst: int = 0
    cacheSize: int = 0


class _Configuration(Struct, kw_only=True, forbid_unknown_fields=True):
    limits: list[Limit] | None = None


def _source_and_object(review: Review) -> str:
    event = review.object
    source, about = event.source, event.involvedObject
    parts = (
        (source.component, source.host) if source is not None else ("", ""),
        (about.kind, about.namespace, about.name, about.uid, about.apiVersion) if about is not None else (),
    )
    return "".join(part for group in parts for part in group)


_KEYS: Mapping[str, Callable[[Review], str]] = {
    "Namespace": lambda review: review.namespace,
    "Server": lambda review: "",
    "SourceAndObject": _source_and_object,
    "User": lambda review: review.user.name,
}


@dataclass(slots=True)
class _Bucket:
    """Tokens, as of a moment in seconds."""

    tokens: float
    since: float

    def take(self, limit: Limit, now: float) -> bool:
        self.tokens = min(limit.burst, self.tokens + (now - self.since) * limit.qps)
        self.since = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(slots=True)
class Enforcer:
    """One limit and its buckets, of which those longest unused are forgotten."""

    limit: Limit
    buckets: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict)

    def accepts(self, review: Review, now: float) -> str | None:
        """None, or the key whose limit is reached."""
        key = _KEYS[self.limit.type](review)
        bucket = self.buckets.get(key)
        if bucket is None:
            bucket = self.buckets[key] = _Bucket(self.limit.burst, now)
            if len(self.buckets) > (self.limit.cacheSize or _CACHE):
                self.buckets.popitem(last=False)
        else:
            self.buckets.move_to_end(key)
        return None if bucket.take(self.limit, now) else key


def configure(given: Given | None) -> Admission:
    """Raises ConfigurationError."""
    limits: list[Limit] = []
    if given is not None:
        limits = given.read({(f"{_GROUP}/v1alpha1", "Configuration"): _Configuration}).limits or []
        given.check(_check(limits))
    enforcers = [Enforcer(limit) for limit in limits]

    async def validate(review: Review, environment: Environment) -> None:
        # What is not stored costs the store nothing.
        if review.dry_run:
            return
        now = environment.clock.monotonic()
        # Everybody counts, even if the first refuses.
        reached = [(e.limit.type, key) for e in enforcers if (key := e.accepts(review, now)) is not None]
        if reached:
            texts = [f"limit reached on type {type_} for key {key}" for type_, key in reached]
            raise TooManyRequests(f"Too many requests: {aggregate(texts)}")

    return replace(ADMISSION, validate=validate)


def _check(limits: list[Limit]) -> Errors:
    path = Path("limits")
    errors: Errors = [] if limits else [invalid(path, limits, "must not be empty")]
    for index, limit in enumerate(limits):
        here = path.index(index)
        if limit.type not in _KEYS:
            errors.append(not_supported(here.child("type"), limit.type, sorted(_KEYS)))
        for name in ("burst", "qps"):
            if getattr(limit, name) <= 0:
                errors.append(invalid(here.child(name), getattr(limit, name), "must be positive"))
        if limit.type != "Server" and limit.cacheSize < 0:
            errors.append(invalid(here.child("cacheSize"), limit.cacheSize, "must not be negative"))
    return errors


ADMISSION = Admission(
    name="EventRateLimit",
    order=1_700,
    interests=(Interest(frozenset({CREATE, UPDATE}), "events"),),
    configure=configure,
)
