"""Service account tokens that somebody else signs: a signer behind a unix socket (k8s.io/externaljwt v1), whose keys are fetched
when it starts, when it says that they should be, and when a token names one that is not known.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from steersman.api.clock import Clock
from steersman.api.field import quote
from steersman.apiserver.authn.signer_counting import NOT_GRPC, OK, SignerCounts
from steersman.apiserver.encryption.wire import Message, WireError, field
from steersman.http import grpcio
from steersman.pki import jose
from steersman.pki.tokens import NamedKey

SERVICE = "v1.ExternalJWTSigner"
ALGORITHMS = ("RS256", "ES256", "ES384", "ES512")
SHORTEST_LIFE = 600
"""Seconds that a signer must be willing to let a token live."""
START_SECONDS, FETCH_SECONDS, METADATA_SECONDS, SIGN_SECONDS = 60.0, 10.0, 10.0, 30.0
"""How long it may take to answer. While keys are fetched, whoever shows a token of an unknown one waits."""
AGAIN_SECONDS = 10.0
"""How long after a failure the keys are fetched again."""
APART_SECONDS = 1.0
"""The keys are fetched no more often than this, however many tokens name unknown ones."""
_LONGEST_ID = 1024
_LONGEST_HINT = 24 * 3600
_YEAR_1, _YEAR_10000 = -62135596800, 253402300800
log = logging.getLogger(__name__)


class SignerError(Exception):
    """The signer does not answer, or not with what it should. The text holds nothing of a token.

    `code` is gRPC's, where the call failed.
    """

    def __init__(self, text: str, code: str = NOT_GRPC) -> None:
        super().__init__(text)
        self.code = code

    def during(self, what: str) -> SignerError:
        """The same with what was to be done."""
        return SignerError(f"{what}: {self}", self.code)


class ExternalSigner:
    """Signs tokens and knows the keys of these. `keys` is another tuple when they have changed, and only then."""

    def __init__(self, endpoint: str, clock: Clock) -> None:
        """`endpoint` is the path of a socket, or @ and the name of an abstract one."""
        self._endpoint, self._clock = endpoint, clock
        self._channel: Any = None
        self._lock = asyncio.Lock()
        self._fetched = float("-inf")
        self._due = 0.0
        self.keys: tuple[NamedKey, ...] = ()
        self.max_expiration = 0
        """Seconds that a token may live for the signer's sake."""
        self.counts = SignerCounts()

    async def start(self) -> None:
        """Fetch the keys, and ask what the signer does. Raises SignerError."""
        try:
            await self._fetch(START_SECONDS)
        except SignerError as error:
            raise error.during("while initially filling key cache: while performing initial cache fill") from error
        try:
            found = (await self._call("Metadata", b"", METADATA_SECONDS)).signed(1)
        except WireError as error:
            raise SignerError(str(error)) from error
        if found < SHORTEST_LIFE:
            raise SignerError(
                f"max token life supported by external-jwt-signer ({found}s) is less than acceptable (min {SHORTEST_LIFE}s)"
            )
        self.max_expiration = found

    async def run(self) -> None:
        """Keep the keys fresh, until cancelled."""
        while True:
            await self._clock.sleep(max(self._due - self._clock.monotonic(), 0.0))
            try:
                async with self._lock:
                    await self._fetch()
            except SignerError as error:
                self._due = self._clock.monotonic() + AGAIN_SECONDS
                log.error("public keys of the signer cannot be fetched, those of before stay good: %s", error)

    async def close(self) -> None:
        """Hang up."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    @property
    def max_age(self) -> int:
        """Seconds for which the keys are surely those."""
        return max(0, int(self._due - self._clock.monotonic()))

    def knows(self, kid: str) -> bool:
        """Whether there is such a key; that of no name is any."""
        return not kid or any(key.kid == kid for key in self.keys)

    @property
    def may_ask(self) -> bool:
        """Whether it makes sense to ask for a key that is not known: the keys are being fetched, or were not just now."""
        return self._lock.locked() or self._is_due

    @property
    def _is_due(self) -> bool:
        return self._clock.monotonic() >= self._fetched + APART_SECONDS

    async def find(self, kid: str) -> None:
        """Fetch the keys if this one is not known; those who come while that is done wait for the same answer. Never raises."""
        async with self._lock:
            if self.knows(kid) or not self._is_due:
                return
            try:
                await self._fetch()
            except SignerError as error:
                log.error("public keys of the signer cannot be fetched: %s", error)

    async def sign(self, claims: Mapping[str, Any]) -> str:
        """A token of these claims. Raises SignerError."""
        try:
            made = await self._signed(claims)
        except SignerError as error:
            self.counts.signed(error.code)
            raise
        self.counts.signed(OK)
        return made

    async def _signed(self, claims: Mapping[str, Any]) -> str:
        payload = jose.encode_json(claims)
        try:
            answer = await self._call("Sign", field(1, payload), SIGN_SECONDS)
            header, signature = answer.text(1), answer.text(2)
        except SignerError as error:
            raise error.during("while signing jwt") from error
        except WireError as error:
            raise SignerError(f"while signing jwt: {error}") from error
        try:
            kid = key_of(header)
        except SignerError as error:
            raise error.during("while validating header") from error
        await self.find(kid)
        if any(key.excluded for key in self.keys if key.kid == kid):
            why = f"key used for signing JWT (kid: {kid}) is excluded from OIDC discovery docs"
            raise SignerError(f"while validating header: {why}")
        if not signature:
            raise SignerError("empty signature returned")
        _decoded(signature, "while unwrapping signature")
        return f"{header}.{payload}.{signature}"

    async def _fetch(self, seconds: float = FETCH_SECONDS) -> None:
        try:
            keys, hint, stamp = keys_of(await self._call("FetchKeys", b"", seconds))
        except (SignerError, WireError) as error:
            failed = error if isinstance(error, SignerError) else SignerError(str(error))
            self.counts.fetched(failed.code)
            raise failed.during("while fetching token verification keys") from error
        finally:
            # Its end counts: those who have waited for it do not ask again, one after the other, while the signer is slow.
            self._fetched = self._clock.monotonic()
        self.counts.fetched(OK, self._clock.time(), stamp)
        if _comparable(keys) != _comparable(self.keys):
            self.keys = keys
        self._due = self._clock.monotonic() + min(hint, _LONGEST_HINT)

    async def _call(self, name: str, request: bytes, seconds: float) -> Message:
        grpc = grpcio.library()
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(grpcio.target(self._endpoint), options=grpcio.OPTIONS)
        method, begun, code = f"/{SERVICE}/{name}", self._clock.monotonic(), OK
        try:
            # A signer that is just starting is waited for.
            call = self._channel.unary_unary(method)
            return Message(await call(request, timeout=seconds, wait_for_ready=True))
        except grpc.RpcError as error:
            code = grpcio.code_of(error)
            raise SignerError(grpcio.told(error), code) from error
        except WireError as error:
            raise SignerError(f"{name} was answered with what is no message: {error}") from error
        finally:
            self.counts.called(method, code, self._clock.monotonic() - begun)


def keys_of(answer: Message) -> tuple[tuple[NamedKey, ...], int, float]:
    """What FetchKeys is answered with: the keys, after how many seconds it wants to be asked again, and of when they are.

    Raises SignerError and WireError.
    """
    hint, listed, stamps = answer.signed(3), answer.messages(1), answer.messages(2)
    if hint <= 0:
        raise SignerError(f"found invalid refresh hint ({hint}s)")
    if not listed:
        raise SignerError("found no keys")
    if not stamps:
        raise SignerError("invalid data timestamp: proto: invalid nil Timestamp")
    seconds, nanos = stamps[-1].signed(1), stamps[-1].signed(2)
    if not (_YEAR_1 <= seconds < _YEAR_10000 and 0 <= nanos < 10**9):
        raise SignerError(f"invalid data timestamp: proto: timestamp (seconds:{seconds} nanos:{nanos}) out of range")
    keys = []
    for each in listed:
        kid, der = each.text(1), each.data(2)
        if not 0 < len(kid.encode()) <= _LONGEST_ID:
            raise SignerError(f"found invalid public key id {quote(kid)}")
        if not der:
            raise SignerError("found empty public key")
        try:
            keys.append(NamedKey(kid, jose.der_public_key(der), bool(each.number(3))))
        except jose.JoseError as error:
            raise SignerError(f"while parsing external public keys: {error}") from error
    return tuple(keys), hint, seconds + nanos / 1e9


def key_of(header: str) -> str:
    """The id of the key that a token's header names, if it is one as a signer may make them. Raises SignerError."""
    try:
        found = jose.decode_json(header)
    except jose.JoseError as error:
        raise SignerError(f"while unwrapping header: {error}") from error
    if unknown := sorted(set(found) - {"alg", "kid", "typ"}):
        raise SignerError(f"while parsing header JSON: json: unknown field {quote(unknown[0])}")
    if not all(isinstance(value, str) for value in found.values()):
        raise SignerError("while parsing header JSON: not all fields are texts")
    kid, algorithm = str(found.get("kid", "")), str(found.get("alg", ""))
    if found.get("typ") != "JWT":
        raise SignerError("bad type")
    if not kid:
        raise SignerError("key id missing")
    if len(kid.encode()) > _LONGEST_ID:
        raise SignerError("key id longer than 1 kb")
    if algorithm not in ALGORITHMS:
        raise SignerError(f"bad signing algorithm {quote(algorithm)}")
    return kid


def _decoded(text: str, what: str) -> bytes:
    try:
        return jose.decode(text)
    except jose.JoseError as error:
        raise SignerError(f"{what}: {error}") from error


def _comparable(keys: tuple[NamedKey, ...]) -> list[tuple[str, str, bool]]:
    return [(key.kid, jose.kid_of(key.public), key.excluded) for key in keys]
