"""The recorder of Events: what a part tells users about an object, counted instead of repeated, and never waited for."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Literal

from steersman.api.clock import Clock
from steersman.api.errors import AlreadyExists, Conflict, Forbidden, NotFound, StatusError
from steersman.api.meta import format_time
from steersman.client.rest import ApiObject, Client
from steersman.kinds.types.core_v1 import Event, EventSource, ObjectReference
from steersman.kinds.types.meta_v1 import ObjectMeta

EventType = Literal["Normal", "Warning"]

# Events waiting to be written; more are dropped, with a line in the log.
QUEUE_LENGTH = 1000
# Distinct events remembered for counting.
REMEMBERED = 4096
# After this many different messages of one reason about one object within the interval they are told as one.
SIMILAR_EVENTS = 10
SIMILAR_SECONDS = 600.0
# Events of one source about one object: so many at once, then one per REFILL_SECONDS.
BURST = 25
REFILL_SECONDS = 300.0
COMBINED = "(combined from similar events): "

_log = logging.getLogger(__name__)


def reference(obj: ApiObject, field_path: str = "") -> ObjectReference:
    """A reference to an object, as Events carry it."""
    meta, resource = obj.metadata, obj.__resource__
    return ObjectReference(
        kind=resource.kind,
        apiVersion=resource.api_version,
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        resourceVersion=meta.resourceVersion,
        fieldPath=field_path,
    )


@dataclass(slots=True)
class _Written:
    """An event as it was last written."""

    name: str
    count: int
    first: str


@dataclass(slots=True)
class _Similar:
    """The distinct messages of one reason about one object, since the first of them."""

    since: float
    messages: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Correlator:
    """Decides for each event: write it new, raise the count of one written before, or drop it. No I/O.

    The rules are those every Kubernetes component uses, so that a crash loop becomes one event with a count.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._written: OrderedDict[tuple[str, ...], _Written] = OrderedDict()
        self._similar: OrderedDict[tuple[str, ...], _Similar] = OrderedDict()
        self._buckets: OrderedDict[tuple[str, ...], _Bucket] = OrderedDict()

    def correlate(self, event: Event) -> tuple[Event, _Written | None] | None:
        """The event to write with its message, name, count and first time settled, and what is known of it as written.

        None when the source says too much about the object.
        """
        key = self._aggregate(event)
        if not self._admit(event):
            return None
        known = self._written.get(key)
        if known is not None:
            self._written.move_to_end(key)
            event.metadata.name = known.name
            event.firstTimestamp = known.first
            event.count = known.count + 1
        return event, known

    def written(self, event: Event) -> None:
        """The event is stored as it is now."""
        self._written[_key(event, event.message)] = _Written(
            event.metadata.name, event.count or 1, event.firstTimestamp
        )
        _bound(self._written)

    def lost(self, event: Event) -> None:
        """The stored event is gone."""
        self._written.pop(_key(event, event.message), None)

    def _aggregate(self, event: Event) -> tuple[str, ...]:
        now = self._clock.monotonic()
        group = _key(event, "")
        similar = self._similar.get(group)
        if similar is None or now - similar.since > SIMILAR_SECONDS:
            similar = self._similar[group] = _Similar(now)
            _bound(self._similar)
        similar.messages.add(event.message)
        if len(similar.messages) < SIMILAR_EVENTS:
            return _key(event, event.message)
        similar.messages.pop()
        event.message = COMBINED + event.message
        return group

    def _admit(self, event: Event) -> bool:
        now = self._clock.monotonic()
        key = _key(event, "")[:-4]
        bucket = self._buckets.setdefault(key, _Bucket(BURST, now))
        _bound(self._buckets)
        bucket.tokens = min(BURST, bucket.tokens + (now - bucket.at) / REFILL_SECONDS)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


def _key(event: Event, message: str) -> tuple[str, ...]:
    """(source, object, then type, reason, and the message, which is empty for combined events)."""
    source, about = event.source or EventSource(), event.involvedObject
    if message.startswith(COMBINED):
        message = ""
    return (
        source.component, source.host, about.kind, about.namespace, about.name, about.uid, about.apiVersion,
        about.fieldPath, event.type, event.reason, message,
    )  # fmt: skip


def _bound(cache: OrderedDict[tuple[str, ...], Any]) -> None:
    while len(cache) > REMEMBERED:
        cache.popitem(last=False)


class EventRecorder:
    """Tells users about objects. `event` never blocks and never fails; `run` writes, one event after the other."""

    def __init__(self, client: Client, clock: Clock, component: str, host: str = "") -> None:
        self._client = client
        self._clock = clock
        self._component = component
        self._source = EventSource(component=component, host=host)
        self._queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE_LENGTH)
        self._correlator = Correlator(clock)
        self._stamp = 0
        # Since the queue was last empty.
        self._dropped = 0

    def event(
        self,
        obj: ApiObject | ObjectReference,
        type_: EventType,
        reason: str,
        message: str,
        field_path: str = "",
    ) -> None:
        about = obj if isinstance(obj, ObjectReference) else reference(obj, field_path)
        now = self._clock.now()
        stamp = format_time(now)
        event = Event(
            metadata=ObjectMeta(
                name=self._name(about.name),
                namespace=about.namespace or "default",
            ),
            involvedObject=about,
            reason=reason,
            message=message[:1024],
            source=self._source,
            firstTimestamp=stamp,
            lastTimestamp=stamp,
            count=1,
            type=type_,
            reportingComponent=self._component,
            reportingInstance=self._source.host,
        )
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            if not self._dropped:
                _log.warning("events are dropped, %d are waiting; the first: %s %s", QUEUE_LENGTH, about.name, reason)
            self._dropped += 1

    def _name(self, about: str) -> str:
        """A name that no other event has: the object's, and the time in nanoseconds, made to grow."""
        self._stamp = max(self._stamp + 1, int(self._clock.time() * 1e9))
        return f"{about}.{self._stamp:x}"

    async def run(self) -> None:
        """Write events until cancelled."""
        while True:
            await self._record(await self._queue.get())
            if self._dropped and self._queue.empty():
                _log.warning("%d events were dropped", self._dropped)
                self._dropped = 0

    async def flush(self) -> None:
        """Write what is waiting, then return: for a part that ends."""
        while not self._queue.empty():
            await self._record(self._queue.get_nowait())

    async def _record(self, event: Event) -> None:
        decided = self._correlator.correlate(event)
        if decided is None:
            return
        event, known = decided
        try:
            await self._write(event, known)
        except (NotFound, Forbidden) as e:
            # The namespace is gone or going: nobody will read it.
            _log.debug("event %s: %s", event.metadata.name, e)
        except StatusError as e:
            _log.warning("event %s (%s) not written: %s", event.metadata.name, event.reason, e)
        else:
            self._correlator.written(event)

    async def _write(self, event: Event, known: _Written | None) -> None:
        if known is not None:
            body = {
                "count": event.count,
                "lastTimestamp": event.lastTimestamp,
                "message": event.message,
            }
            try:
                await self._client.patch(Event, event.metadata.name, body, event.metadata.namespace)
                return
            except (NotFound, Conflict):
                # Events expire: begin again.
                self._correlator.lost(event)
                event.count = 1
                event.firstTimestamp = event.lastTimestamp
                event.metadata.name = self._name(event.involvedObject.name)
        while True:
            try:
                await self._client.create(event)
                return
            except AlreadyExists:
                # Another part told of the same object at the same moment.
                event.metadata.name = self._name(event.involvedObject.name)
