"""What encryption at rest has done, by upstream's names. Values are opened by several threads: all of this may be called by any."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from typing import Final

from steersman.api.metrics import Counter, Gauge, Histogram, exponential
from steersman.apiserver.metrics import PROCESS

FROM_STORAGE, TO_STORAGE = "from_storage", "to_storage"
_STORAGE = "apiserver_storage_"
_ENVELOPE = "apiserver_envelope_encryption_"
_OF_KEY = ("provider_name", "key_id_hash", "apiserver_id_hash")
# A server has no name here that others could tell it by.
_SERVER = ""
_CODE = re.compile(r"code = (\w+)")
# Keys come and go; of so many the use is told.
_KEYS = 100

_lock = threading.Lock()
_seconds: Final = PROCESS.add(
    Histogram(
        f"{_STORAGE}transformation_duration_seconds",
        "How long values took to be encrypted or decrypted.",
        ("transformation_type", "transformer_prefix"),
        exponential(5e-6, 2, 25),
    )
)
_operations: Final = PROCESS.add(
    Counter(
        f"{_STORAGE}transformation_operations_total",
        "Values that were encrypted or decrypted, or could not be.",
        ("resource", "transformation_type", "transformer_prefix", "status"),
    )
)
misses: Final = PROCESS.add(
    Counter(f"{_STORAGE}envelope_transformation_cache_misses_total", "Seeds that had to be decrypted by a plugin.")
)
_made: Final = PROCESS.add(
    Histogram(
        f"{_STORAGE}data_key_generation_duration_seconds",
        "How long it took to make seeds.",
        (),
        exponential(5e-6, 2, 14),
    )
).of()
PROCESS.add(Counter(f"{_STORAGE}data_key_generation_failures_total", "Seeds that could not be made."))
_calls: Final = PROCESS.add(
    Histogram(
        f"{_ENVELOPE}kms_operations_latency_seconds",
        "How long plugins took to answer.",
        ("provider_name", "method_name", "grpc_status_code"),
        exponential(0.0001, 2, 20),
    )
)
_uses: Final = PROCESS.add(
    Counter(f"{_ENVELOPE}key_id_hash_total", "Uses of keys of plugins.", ("transformation_type", *_OF_KEY))
)
_used: Final = PROCESS.add(
    Gauge(
        f"{_ENVELOPE}key_id_hash_last_timestamp_seconds",
        "When keys of plugins were last used.",
        ("transformation_type", *_OF_KEY),
    )
)
_status: Final = PROCESS.add(
    Gauge(
        f"{_ENVELOPE}key_id_hash_status_last_timestamp_seconds", "When plugins have last told of their keys.", _OF_KEY
    )
)
invalid_keys: Final = PROCESS.add(
    Counter(f"{_ENVELOPE}invalid_key_id_from_status_total", "Names of keys that are none.", ("provider_name", "error"))
)
_seeds: Final = PROCESS.add(
    Gauge(f"{_ENVELOPE}dek_source_cache_size", "Decrypted seeds in memory.", ("provider_name",))
)
_known: OrderedDict[tuple[str, ...], None] = OrderedDict()


def transformed(resource: str, kind: str, prefix: str, seconds: float, error: Exception | None = None) -> None:
    """A value was encrypted (TO_STORAGE) or decrypted (FROM_STORAGE) by the provider with this prefix, or was not."""
    with _lock:
        _operations.add(resource, kind, prefix, "OK" if error is None else status_of(error))
        if error is None:
            _seconds.observe(seconds, kind, prefix)


def seed_made(seconds: float) -> None:
    """A seed was made."""
    with _lock:
        _made.observe(seconds)


def called(provider: str, method: str, seconds: float, error: Exception | None = None) -> None:
    """A plugin was asked something."""
    with _lock:
        _calls.observe(seconds, provider, method, "OK" if error is None else status_of(error))


def key_used(kind: str, provider: str, key_hash: str, now: float) -> None:
    """A value was encrypted or decrypted under a key of a plugin."""
    labels = kind, provider, key_hash, _SERVER
    with _lock:
        if labels not in _known:
            _know(labels)
        _uses.add(*labels)
        _used.values[labels] = now


def _know(labels: tuple[str, ...]) -> None:
    _known[labels] = None
    if len(_known) > _KEYS:
        oldest, _ = _known.popitem(last=False)
        for metric in (_uses, _used):
            metric.values.pop(oldest, None)


def key_told(provider: str, key_hash: str, now: float) -> None:
    """A plugin has told which key it encrypts with."""
    with _lock:
        _status.values.pop((provider, key_hash, _SERVER), None)
        _status.put(now, provider, key_hash, _SERVER)
        if len(_status.values) > _KEYS:
            del _status.values[next(iter(_status.values))]


def seeds_known(provider: str, count: int) -> None:
    """So many seeds of a plugin are in memory."""
    with _lock:
        _seeds.put(count, provider)


def status_of(error: Exception) -> str:
    """The status of gRPC that an error comes from."""
    found = _CODE.search(str(error))
    return found.group(1) if found else "unknown-non-grpc"
