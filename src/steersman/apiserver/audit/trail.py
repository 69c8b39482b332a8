"""What one request leaves behind: what is to be known of it is noted down on its way, and becomes an event at each stage."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from steersman.api import duration
from steersman.api.errors import StatusError
from steersman.api.http import Hijack, Hijacked, Request, Response, User
from steersman.apiserver.audit import bodies
from steersman.apiserver.audit.event import (
    API_VERSION,
    AuthenticationMetadata,
    Event,
    ObjectReference,
    UserInfo,
    request_uri,
    user_info,
)
from steersman.apiserver.audit.policy import (
    COMPLETE,
    LEVELS,
    METADATA,
    NONE,
    PANIC,
    PATCH_NOTE,
    RECEIVED,
    REQUEST,
    REQUEST_RESPONSE,
    STARTED,
    Verdict,
)
from steersman.apiserver.requestinfo import RequestInfo

if TYPE_CHECKING:
    from steersman.apiserver.audit.service import Audit
    from steersman.apiserver.authz import Decision

log = logging.getLogger(__name__)

LONGEST_ID = 64
AUDIT_ID = "Audit-Id"
_DECISION, _REASON = "authorization.k8s.io/decision", "authorization.k8s.io/reason"
# Subresources whose requests last as long as the client likes.
_LASTING = frozenset({"attach", "exec", "log", "portforward", "proxy"})
_WRITING = frozenset({"create", "update", "patch"})
_SLOW_SECONDS = 0.5
_LATENCY = "apiserver.latency.k8s.io/total"


class NotStored(StatusError):
    """The event of a request could not be stored, where requests must not be served without."""

    code = 500
    reason = "InternalError"


def new_id() -> str:
    """A random UUID. Nobody's secret, so a quick source of chance will do."""
    text = f"{random.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def id_of(headers: Mapping[str, str]) -> str:
    """The id that the client gives its request, or a new one."""
    given = headers.get("audit-id")
    return given if given and len(given) <= LONGEST_ID else new_id()


class Trail:
    """One request. Without a verdict from a policy everything that is noted is forgotten.

    The order of calls: `authenticated` or not, then what happens, then `answered` or `abandoned`.
    """

    # Most requests never have more than these: a trail is made for every one of them.
    impersonated: User | None = None
    metadata: AuthenticationMetadata | None = None
    panic: Exception | None = None
    level: int = NONE
    verdict: Verdict = Verdict()
    received: float = 0.0
    _authenticated: bool = False
    _user: UserInfo | Raw | None = None
    _reference: ObjectReference | None = None
    _request_object: Raw | None = None
    _response: Response | None = None
    _started: bool = False
    _state: Raw | None = None
    _same: tuple[str, list[str], str, str] | None = None
    """What all events of a request say: URI, source addresses, user agent, time of arrival."""

    def __init__(self, audit: Audit | None, request: Request, info: RequestInfo) -> None:
        self.id = id_of(request.headers)
        self.annotations: dict[str, str] = {}
        """What is noted down, by names that are the noters' own."""
        self._audit, self._request, self._info = audit, request, info

    # What happens.

    def authenticated(self, user: User) -> Awaitable[None] | None:
        """It is known who asks: from here on the request is one that the policy is about.

        What is returned must be awaited. Raises NotStored, now or then.
        """
        audit = self._audit
        if audit is None:
            return None
        self._authenticated = True
        self._begin(audit, user)
        if self.level == NONE or RECEIVED in self.verdict.omitted:
            return None
        pending = audit.emit(self._event(audit, RECEIVED, self.received))
        if isinstance(pending, bool):
            self._require(pending)
            return None
        return self._awaited(pending)

    def _begin(self, audit: Audit, user: User | None) -> None:
        self.received = audit.clock.time()
        self.verdict = audit.judge(user, self._info)
        self.level = self.verdict.level
        if self.level == NONE:
            return
        self._user = audit.user(user) if user is not None else UserInfo()
        if self._request.hijack is not None:
            self._hijackable(self._request.hijack)
        info = self._info
        if info.is_resource:
            self._reference = ObjectReference(
                info.resource, info.namespace, info.name, "", info.group, info.version, "", info.subresource
            )

    def _require(self, stored: bool) -> None:
        if not stored and self._audit is not None:
            self._audit.rejected += 1
            self.level = NONE
            raise NotStored("failed to store audit event")

    async def _awaited(self, pending: Awaitable[bool]) -> None:
        self._require(await pending)

    def became(self, user: User, constraint: str = "") -> None:
        """The request is taken for somebody else's; `constraint` is the verb that allowed it, if not the old one."""
        self.impersonated = user
        self.metadata = AuthenticationMetadata(constraint) if constraint else None

    def decided(self, decision: Decision) -> None:
        """What the authorizers have said."""
        if self.level == NONE:
            return
        if decision.allowed or not decision.error:
            self.annotations[_DECISION] = "allow" if decision.allowed else "forbid"
        self.annotations[_REASON] = decision.reason if decision.allowed or not decision.error else "internal error"

    def decoded(self, obj: Any) -> None:
        """The object in the request, as it has been sent."""
        if self.level == NONE:
            return
        meta, reference = getattr(obj, "metadata", None), self._reference
        if meta is not None and reference is not None and hasattr(meta, "resourceVersion"):
            reference.namespace = reference.namespace or getattr(meta, "namespace", "")
            reference.name = reference.name or getattr(meta, "name", "")
            reference.uid = getattr(meta, "uid", "")
            reference.resourceVersion = meta.resourceVersion
        if self.level >= REQUEST:
            self._request_object = bodies.line_of(obj, omit_managed_fields=self.verdict.omit_managed_fields)

    def answer(self, response: Response) -> None:
        """The answer, before it is compressed."""
        if self.level >= REQUEST_RESPONSE:
            self._response = Response(response.status, response.headers, response.body)

    # Stages.

    @property
    def lasts(self) -> bool:
        """Whether the request is one whose answer may have no end."""
        info = self._info
        return info.verb in ("watch", "proxy") or (info.is_resource and info.subresource in _LASTING)

    def _hijackable(self, take: Hijack) -> None:
        """Notice when the handler takes the connection over, which is when its answer begins."""

        async def hijack() -> Hijacked:
            taken = await take()
            self._soon(self._begun(101))
            return taken

        self._request.hijack = hijack

    def answered(self, response: Response) -> Awaitable[bool] | bool:
        """The handler is done. An answer that lasts is noted once more when it ends. Never raises: what cannot be noted is an
        error of the audit, not of the request."""
        audit = self._audit
        if audit is None:
            return True
        try:
            return self._answered(audit, response)
        except Exception:
            log.exception("request %s: its answer cannot be noted", self.id)
            audit.errors.note("event", 1, "an answer cannot be noted")
            return True

    def _answered(self, audit: Audit, response: Response) -> Awaitable[bool] | bool:
        if not self._authenticated:
            return self._refused(audit, response)
        if self.level == NONE:
            return True
        if self.panic is not None:
            self._state = bodies.told_status(
                "Failure", f"APIServer panic'd: {type(self.panic).__name__}", "InternalError", 500
            )
            return self._emit(PANIC)
        body = response.body
        if response.status == 0:
            return self._both(self._begun(101), self._emit(COMPLETE))
        if isinstance(body, bytes):
            self._state = self._status(audit, response, body)
            started = self._emit(STARTED) if self.lasts else True
            self._annotate_latency(audit)
            return self._both(started, self._emit(COMPLETE))
        pending = self._begun(response.status) if self.lasts else True
        collected: list[bytes] | None = [] if self._collects(response) else None
        response.body = Told(body, self, response.status, collected)
        return pending

    def _collects(self, response: Response) -> bool:
        """Whether the pieces of an answer are an object."""
        return self.level >= REQUEST_RESPONSE and not self.lasts and response.headers.get("Content-Encoding") is None

    def _both(self, first: Awaitable[bool] | bool, second: Awaitable[bool] | bool) -> Awaitable[bool] | bool:
        if isinstance(first, bool):
            return second

        async def both() -> bool:
            done = await first
            return (second if isinstance(second, bool) else await second) and done

        return both()

    def _refused(self, audit: Audit, response: Response) -> Awaitable[bool] | bool:
        """Nobody knows who asks; as upstream, that is told when the answer begins, and no more."""
        self._begin(audit, None)
        if self.level == NONE or not isinstance(response.body, bytes):
            return True
        self._state = self._status(audit, response, response.body)
        return self._emit(STARTED)

    def _status(self, audit: Audit, response: Response, body: bytes) -> Raw:
        """What is told of the answer: the Status that it is, or its code."""
        if response.status < 400 and self._info.verb not in ("delete", "deletecollection"):
            return bodies.plain_status(response.status)
        kind = response.headers.get("Content-Type", "")
        if "json" not in kind:
            body = bodies.answer_line(body, kind, audit.find, omit_managed_fields=False) or b""
        # What is wrong with an object is told in words that may hold parts of it.
        quoting = self.level < REQUEST and response.status in (400, 422) and self._info.verb in _WRITING
        return bodies.status_of(response.status, bytes(body), quoting=quoting)

    def _begun(self, code: int) -> Awaitable[bool] | bool:
        if self._started:
            return True
        self._started = True
        self._state = bodies.plain_status(code)
        return self._emit(STARTED)

    def ended(self, code: int, collected: list[bytes] | None) -> None:
        """A streamed answer is at its end, or nobody wants more of it."""
        self._state = bodies.plain_status(code)
        if collected is not None and self._response is not None:
            self._response.body = b"".join(collected)
        self._soon(self._emit(COMPLETE))

    def abandoned(self) -> None:
        """The client has gone before there was an answer."""
        if self._audit is None or self.level == NONE:
            return
        self._state = self._state or bodies.told_status("Success", "Connection closed early", "", 200)
        self._soon(self._emit(COMPLETE))

    def _soon(self, pending: Awaitable[bool] | bool) -> None:
        if not isinstance(pending, bool) and self._audit is not None:
            self._audit.later(pending)

    def _annotate_latency(self, audit: Audit) -> None:
        seconds = audit.clock.time() - self.received
        if seconds > _SLOW_SECONDS:
            self.annotations.setdefault(_LATENCY, duration.format_go(seconds))

    def _emit(self, stage: str) -> Awaitable[bool] | bool:
        audit = self._audit
        if audit is None or stage in self.verdict.omitted:
            return True
        return audit.emit(self._event(audit, stage, audit.clock.time()))

    def _event(self, audit: Audit, stage: str, now: float) -> Event:
        same = self._same
        if same is None:
            ips, agent = audit.origin(self._request)
            same = self._same = request_uri(self._request), ips, agent, audit.micro_time(self.received)
        uri, ips, agent, received = same
        other = self.impersonated
        shown = self.level >= REQUEST and stage is not RECEIVED and self._info.is_resource
        return Event(
            "Event", API_VERSION, LEVELS[self.level], self.id, stage, uri, self._info.verb,
            self._user or UserInfo(), None if other is None else user_info(other), self.metadata, ips, agent, self._reference,
            self._state,
            self._request_line() if shown else None, self._response_line(stage) if shown else None,
            received, received if now == self.received else audit.micro_time(now), self._annotations(),
        )  # fmt: skip

    def _annotations(self) -> dict[str, str] | None:
        """Those that the level is enough for."""
        if self.level >= REQUEST or len(self.annotations) <= 2:
            # Whoever takes the event writes it down at once.
            return self.annotations or None
        return {k: v for k, v in self.annotations.items() if not k.startswith(PATCH_NOTE)} or None

    def _request_line(self) -> Raw | None:
        if self._request_object is None and self._info.verb == "patch" and self._state is not None:
            request = self._request
            self._request_object = bodies.patch_line(
                request.body,
                request.headers.get("content-type", ""),
                omit_managed_fields=self.verdict.omit_managed_fields,
            )
        return self._request_object

    def _response_line(self, stage: str) -> Raw | None:
        response, info, audit = self._response, self._info, self._audit
        if stage != COMPLETE or response is None or audit is None:
            return None
        body = response.body
        if not isinstance(body, bytes) or not body or info.subresource in _LASTING:
            return None
        kind = response.headers.get("Content-Type", "")
        line = bodies.answer_line(body, kind, audit.find, omit_managed_fields=self.verdict.omit_managed_fields)
        if line is not None and info.resource == "serviceaccounts" and info.subresource == "token":
            return bodies.without_token(line)
        return line


class Told:
    """The body of an answer that is streamed: as it is, and the audit is told of its end."""

    __slots__ = ("_body", "_code", "_collected", "_open", "_trail")

    def __init__(self, body: AsyncIterator[bytes], trail: Trail, code: int, collected: list[bytes] | None) -> None:
        self._body, self._trail, self._code, self._collected = body, trail, code, collected
        self._open = True

    @property
    def cut_by(self) -> Callable[[Callable[[], None]], None] | None:
        """That of the body, if it has one."""
        found: Callable[[Callable[[], None]], None] | None = getattr(self._body, "cut_by", None)
        return found

    def __aiter__(self) -> Told:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await anext(self._body)
        except (StopAsyncIteration, asyncio.CancelledError):
            self._end()
            raise
        if self._collected is not None:
            self._collected.append(piece)
        return piece

    async def aclose(self) -> None:
        closer = getattr(self._body, "aclose", None)
        try:
            if closer is not None:
                await closer()
        finally:
            self._end()

    def _end(self) -> None:
        if self._open:
            self._open = False
            self._trail.ended(self._code, self._collected)


__all__ = ["LONGEST_ID", "METADATA", "NotStored", "Told", "Trail", "id_of", "new_id"]
