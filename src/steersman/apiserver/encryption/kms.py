"""The provider whose keys a KMS plugin keeps: seeds that the plugin encrypts, when they are changed, and how the plugin is.

Writes and reads are done with seeds in memory. The plugin is asked for its status each minute, for a new seed's encryption when
its key has another id, and for a seed's decryption when a value is read whose seed is not known yet.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from msgspec import Struct

from steersman.api.clock import Clock
from steersman.api.meta import format_time
from steersman.apiserver.encryption import counting
from steersman.apiserver.encryption import envelope as envelopes
from steersman.apiserver.encryption.built import key_hash
from steersman.apiserver.encryption.envelope import HKDF_SEED, SEED_SIZE, Derived, Envelope
from steersman.apiserver.encryption.plugin import SERVICE, Encrypted, PluginError, Service, Status
from steersman.apiserver.encryption.providers import Algorithm
from steersman.apiserver.encryption.wire import field
from steersman.store.sealing import PREFIX, OpenFailed, Origin, SealFailed

log = logging.getLogger(__name__)
T = TypeVar("T")

WRITE_SECONDS = 180.0
"""How long a seed may be written with after the plugin was last well."""
FAILED_SECONDS = 3.0
"""How long a plugin that did not answer is not asked again by readers, of whom there may be thousands."""
SEEDS = 2048
"""Decrypted seeds that are kept."""
VERSIONS = ("v2", "v2beta1")
KNOWN_HEALTHY_SECONDS = 20.0
"""How long an answer about a plugin's health is good for whoever asks."""
KNOWN_UNHEALTHY_SECONDS = 3.0


class Seed(Struct, frozen=True):
    """What is written with: a seed, its encrypted form, and until when (monotonic seconds) it may be used."""

    algorithm: Derived
    envelope: Envelope
    tail: bytes
    origin: Origin
    key_hash: str
    expires: float


class KMSProvider:
    """One plugin as a provider. `probe` blocks and is for one thread at a time; so may `open` when a seed is new."""

    def __init__(self, name: str, service: Service, clock: Clock) -> None:
        self.name = name
        self.prefix = b"%bkms:v2:%b:" % (PREFIX, name.encode())
        self._service = service
        self._clock = clock
        self._seed: Seed | None = None
        self._version = ""
        self._algorithms: dict[tuple[object, ...], Algorithm] = {}
        self._failed_until = 0.0
        self._failure = ""
        self._lock = threading.Lock()
        self._health = "the plugin was not asked yet"
        self._asked = float("-inf")

    # Values.

    @property
    def origin(self) -> Origin:
        seed = self._seed
        return Origin("kms", self.name, "") if seed is None else seed.origin

    def reads(self, origin: Origin) -> bool:
        return (origin.provider, origin.key) == ("kms", self.name)

    def seal(self, key: str, value: bytes) -> tuple[bytes, Origin]:
        seed = self._seed
        if seed is None:
            raise SealFailed(f"kms provider {self.name} has no key to write with: {self._health}")
        if self._clock.monotonic() > seed.expires:
            raise SealFailed(
                f'encryptedDEKSource with keyID hash "{key_hash(seed.envelope.key_id)}" expired at {self._time(seed.expires)} '
                f"(current time is {format_time(self._clock.now())})"
            )
        data = seed.algorithm.seal(key.encode(), value)
        counting.key_used(counting.TO_STORAGE, self.name, seed.key_hash, self._clock.time())
        return b"".join((self.prefix, field(1, data), seed.tail)), seed.origin

    def _time(self, monotonic: float) -> str:
        return format_time(self._clock.now() + timedelta(seconds=monotonic - self._clock.monotonic()))

    def open(self, key: str, stored: bytes) -> tuple[bytes, Origin]:
        envelope, data = envelopes.decode(stored[len(self.prefix) :])
        identity = envelope.identity()
        found = self._algorithms.get(identity)
        if found is None:
            found = self._decrypted(envelope, identity)
        value = found.open(key.encode(), data)
        counting.key_used(counting.FROM_STORAGE, self.name, key_hash(envelope.key_id), self._clock.time())
        return value, self._origin(envelope)

    def _origin(self, envelope: Envelope) -> Origin:
        seed = self._seed
        if seed is not None and seed.envelope.key_id == envelope.key_id and envelope.kind == HKDF_SEED:
            return seed.origin
        return Origin(
            "kms", self.name, envelope.key_id if envelope.kind == HKDF_SEED else f"{envelope.key_id} AES_GCM_KEY"
        )

    def _decrypted(self, envelope: Envelope, identity: tuple[object, ...]) -> Algorithm:
        with self._lock:
            found = self._algorithms.get(identity)
            if found is not None:
                return found
            counting.misses.add()
            if self._clock.monotonic() < self._failed_until:
                raise OpenFailed(self._failure)
            asked = Encrypted(envelope.source, envelope.key_id, envelope.annotations)
            try:
                source = self._call("Decrypt", lambda: self._service.decrypt(str(uuid.uuid4()), asked))
            except PluginError as error:
                failure = f"failed to decrypt DEK, error: {error}"
                if "code = Unavailable" in str(error) or "code = DeadlineExceeded" in str(error):
                    self._failed_until, self._failure = self._clock.monotonic() + FAILED_SECONDS, failure
                raise OpenFailed(failure) from error
            found = envelopes.algorithm(envelope.kind, source)
            self._remember(identity, found)
            return found

    def _remember(self, identity: tuple[object, ...], found: Algorithm) -> None:
        if len(self._algorithms) >= SEEDS:
            del self._algorithms[next(iter(self._algorithms))]
        self._algorithms[identity] = found
        counting.seeds_known(self.name, len(self._algorithms))

    # The plugin.

    def _call(self, method: str, call: Callable[[], T]) -> T:
        """What a call gives, timed. Raises PluginError."""
        since, failure = self._clock.monotonic(), None
        try:
            return call()
        except PluginError as error:
            failure = error
            raise
        finally:
            counting.called(self.name, f"/{SERVICE}/{method}", self._clock.monotonic() - since, failure)

    @property
    def health(self) -> str:
        """What was wrong when the plugin was last asked; empty if it was well."""
        return self._health

    def probe(self) -> str:
        """Asks the plugin how it is, and changes the seed if its key has changed; returns what is wrong, or nothing."""
        try:
            status = self._call("Status", self._service.status)
        except PluginError as error:
            self._health = (
                f"failed to perform status section of the healthz check for KMS Provider {self.name}, error: {error}"
            )
        else:
            problems = self._problems(status)
            reason = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
            self._health = f"kmsv2 Provider {self.name} is not healthy, error: {reason}" if problems else ""
            self._failed_until = 0.0
        self._asked = self._clock.monotonic()
        return self._health

    def fresh(self) -> bool:
        """Whether what `health` says is recent enough for whoever asks."""
        patience = KNOWN_UNHEALTHY_SECONDS if self._health else KNOWN_HEALTHY_SECONDS
        return self._clock.monotonic() - self._asked < patience

    def _problems(self, status: Status) -> list[str]:
        problems = []
        if status.healthz != "ok":
            problems.append(f"got unexpected healthz status: {status.healthz}")
        if status.version not in VERSIONS:
            problems.append(f"expected KMSv2 API version v2, got {status.version}")
        else:
            self._version = self._version or status.version
            if self._version != status.version:
                problems.append(
                    "KMSv2 API version should not change after the initial status response version "
                    f"{self._version}, got {status.version}"
                )
        if wrong := envelopes.check_key_id(status.key_id):
            counting.invalid_keys.add(self.name, "too_long" if status.key_id else "empty")
            problems.append(f'got invalid KMSv2 KeyID hash "{key_hash(status.key_id)}": {wrong}')
        else:
            counting.key_told(self.name, key_hash(status.key_id), self._clock.time())
            if wrong := self._follow(status.key_id):
                problems.append(wrong)
        return problems

    def _follow(self, key_id: str) -> str:
        """Writes with the plugin's present key from now on; what stands against that, or nothing."""
        # Counted from before the calls: the bound is an upper one.
        expires = self._clock.monotonic() + WRITE_SECONDS
        seed = self._seed
        if seed is not None and seed.envelope.key_id == key_id:
            self._seed = Seed(seed.algorithm, seed.envelope, seed.tail, seed.origin, seed.key_hash, expires)
            return ""
        since = self._clock.monotonic()
        plain = os.urandom(SEED_SIZE)
        counting.seed_made(self._clock.monotonic() - since)
        uid = str(uuid.uuid4())
        try:
            made = self._call("Encrypt", lambda: self._service.encrypt(uid, plain))
        except PluginError as error:
            return self._not_rotated(uid, f"failed to encrypt DEK, error: {error}", key_id, "")
        envelope = Envelope(made.key_id, made.ciphertext, made.annotations)
        if wrong := envelopes.check(envelope):
            return self._not_rotated(uid, wrong, key_id, made.key_id)
        if made.key_id != key_id:
            return self._not_rotated(uid, "<nil>", key_id, made.key_id)
        algorithm = Derived(plain)
        self._remember(envelope.identity(), algorithm)
        origin = Origin("kms", self.name, key_id)
        self._seed = Seed(algorithm, envelope, envelopes.tail(envelope), origin, key_hash(key_id), expires)
        log.info("kms provider %s: values are written under the key with hash %s", self.name, key_hash(key_id))
        return ""

    def _not_rotated(self, uid: str, why: str, status_key: str, encrypt_key: str) -> str:
        seed = self._seed
        key, expires = ("", "never") if seed is None else (seed.envelope.key_id, self._time(seed.expires))
        return (
            f'failed to rotate DEK uid="{uid}", errGen={why}, statusKeyIDHash="{key_hash(status_key)}", '
            f'encryptKeyIDHash="{key_hash(encrypt_key)}", stateKeyIDHash="{key_hash(key)}", expirationTimestamp={expires}'
        )

    def close(self) -> None:
        """Hangs up."""
        self._service.close()
