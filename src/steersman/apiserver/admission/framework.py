"""The admission chain: what may change an object on its way in, and what may refuse it.

A plugin is one frozen declaration with two plain coroutines; the chain for each resource and operation is computed once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from steersman.api.clock import Clock
from steersman.api.errors import StatusError
from steersman.api.http import User
from steersman.api.identities import AUTHENTICATED, MASTERS
from steersman.api.meta import Resource
from steersman.apiserver.admission.counting import ADMIT, VALIDATE, Counts, Lane
from steersman.apiserver.admission.quota_ledger import QuotaLedger
from steersman.apiserver.podsecurity.counting import Counters
from steersman.kinds.types.meta_v1 import Object

if TYPE_CHECKING:
    from steersman.apiserver.admission.given import Given
    from steersman.apiserver.authz import Attributes
    from steersman.apiserver.backend import Backends
    from steersman.apiserver.cached import Cached
    from steersman.kinds.kind import Served

CREATE = "CREATE"
UPDATE = "UPDATE"
DELETE = "DELETE"
CONNECT = "CONNECT"

LOOPBACK = User("system:apiserver", (MASTERS, AUTHENTICATED))
"""The server itself, in what it writes of its own accord."""

T = TypeVar("T", bound=Object)


class Reader(Protocol):
    """The objects a plugin may look at: the newest durable state. What it returns is shared and must not be changed."""

    def get(self, cls: type[T], namespace: str, name: str) -> T | None: ...

    def list(self, cls: type[T], namespace: str = "") -> Sequence[T]: ...

    def each(self, cls: type[T], namespace: str = "") -> Iterator[T]:
        """As `list` is now, decoding only what is taken."""
        ...

    def versions(self, group: str, plural: str, namespace: str) -> Sequence[Cached]:
        """The objects as they are kept."""
        ...

    def decode(self, cls: type[T], version: Cached) -> T:
        """One of them, read; whoever takes it may keep it."""
        ...

    def uid(self, group: str, plural: str, namespace: str, name: str) -> str:
        """The uid of an object of whatever kind; "" when there is none."""
        ...

    def exists(self, group: str, plural: str, namespace: str, name: str) -> bool:
        """Whether there is such an object, of whatever kind."""
        ...

    def count(self, group: str, plural: str, namespace: str) -> int | None:
        """How many objects the namespace has; None when no such resource is served."""
        ...

    async def create(self, obj: Object) -> None:
        """Store a new object as the server itself, if there is none of that name."""
        ...

    async def change_status(self, cls: type[T], namespace: str, name: str, change: Callable[[T], T]) -> T:
        """Write a status as the server itself, in turn with everybody else's writes.

        `change` makes the new object from the current one; it is asked again after a lost race, unless it pins the
        resourceVersion. Raises Conflict, NotFound.
        """
        ...


Settle = Callable[[bool | None], Awaitable[None]]
"""Told once a write is over: True when it was stored, False when not, None when nobody knows (the request was cancelled)."""


@dataclass(slots=True)
class Review:
    """One write under review. `object` is None for a deletion, `old` None for a creation; mutating plugins change `object`
    in place. `name` is only the beginning of a name while those that change the object are asked and the server chooses it.
    """

    operation: str
    resource: Resource
    subresource: str
    namespace: str
    name: str
    object: Any
    old: Any
    user: User
    dry_run: bool = False
    options: Any = None
    warnings: list[str] = field(default_factory=list)
    settlers: list[Settle] = field(default_factory=list)
    """Whoever has reserved something for this write and must know what became of it."""
    kind: Any = None
    """The object's Kind, whose `revive` makes objects of plain values."""
    served: Served | None = None
    """The version in which the client speaks; without it, the stored one."""
    generated: bool = False
    """Whether the server chooses the object's name: the request has none."""
    admitted: bool = False
    """Whether this only carries out a request that webhooks and policies have admitted."""
    annotations: dict[str, str] = field(default_factory=dict)
    """What webhooks and policies note down for an audit."""
    round: int = 0
    """1 when the mutating plugins are asked once more, because a webhook has changed what they had seen."""
    again: bool = False
    """Set by a plugin that wants such a second round."""
    notes: dict[str, Any] = field(default_factory=dict)
    """What a plugin must remember from the first round to the second, by its name."""

    async def settle(self, stored: bool | None) -> None:
        """Tell everybody who wanted to know how the write ended."""
        for settler in self.settlers:
            await settler(stored)


class Webhooks(Protocol):
    """Asks those whom the cluster's users have configured: webhooks outside the server, or policies in it."""

    async def mutate(self, review: Review) -> None: ...

    async def validate(self, review: Review) -> None: ...


class Reviewer(Webhooks, Protocol):
    """As above, until it is closed."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Environment:
    """What plugins are given besides the review."""

    reader: Reader
    clock: Clock
    quotas: QuotaLedger = field(default_factory=QuotaLedger)
    pod_security: Counters = field(default_factory=Counters)
    counts: Counts = field(default_factory=Counts)
    webhooks: Webhooks | None = None
    policies: Webhooks | None = None
    check_params: Callable[[Review], Awaitable[None]] | None = None
    """Raises what keeps the user from configuring a policy: that its parameters are not theirs to read."""
    allowed: Callable[[Attributes], Awaitable[bool]] | None = None
    """Whether a user may do something else than what is under review; without it, everybody may."""
    resources: Callable[[str, str], Sequence[Resource]] = lambda api_version, kind: ()
    """The resources that serve a kind, by apiVersion and kind."""
    backends: Backends | None = None
    """Connections to what is outside."""


Step = Callable[[Review, Environment], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Interest:
    """Which writes a plugin wants to see. `*` as plural means every resource of any group, and all that is
    written of a part of one."""

    operations: frozenset[str]
    plural: str = "*"
    group: str = ""
    subresource: str = ""

    def covers(self, operation: str, resource: Resource, subresource: str) -> bool:
        if operation not in self.operations:
            return False
        if self.plural == "*":
            return True
        return (self.group, self.plural, self.subresource) == (resource.group, resource.plural, subresource)


@dataclass(frozen=True, slots=True)
class Admission:
    """One plugin. Lower `order` runs first; errors are StatusErrors that the steps raise."""

    name: str
    order: int
    interests: tuple[Interest, ...]
    mutate: Step | None = None
    validate: Step | None = None
    configure: Configure | None = None
    """Makes the plugin with its configuration, or without (None); a plugin that has none takes none. Raises
    ConfigurationError."""
    settings: Any = None
    """What others read who do the plugin's work."""


Configure = Callable[["Given | None"], Admission]
_Steps = tuple[tuple[Step, ...], Lane]


class Chain:
    """The plugins in order, with the steps for each (operation, resource, subresource) remembered."""

    def __init__(self, plugins: Sequence[Admission], environment: Environment) -> None:
        self._plugins = sorted(plugins, key=lambda p: (p.order, p.name))
        self._environment = environment
        self._steps: dict[tuple[str, str, str, str], tuple[_Steps, _Steps]] = {}
        self._lanes: dict[tuple[str, str, tuple[str, ...]], Lane] = {}

    def _for(self, review: Review) -> tuple[_Steps, _Steps]:
        resource = review.resource
        key = (review.operation, resource.group, resource.plural, review.subresource)
        steps = self._steps.get(key)
        if steps is None:
            operation = review.operation
            wanted = [
                p for p in self._plugins if any(i.covers(operation, resource, review.subresource) for i in p.interests)
            ]
            steps = self._steps[key] = (
                self._made(operation, ADMIT, [(p.name, p.mutate) for p in wanted if p.mutate is not None]),
                self._made(operation, VALIDATE, [(p.name, p.validate) for p in wanted if p.validate is not None]),
            )
        return steps

    def _made(self, operation: str, step: str, steps: Sequence[tuple[str, Step]]) -> _Steps:
        names = tuple(name for name, _ in steps)
        key = operation, step, names
        lane = self._lanes.get(key)
        if lane is None:
            environment = self._environment
            lane = environment.counts.lane(names, step, operation, environment.clock.monotonic)
            self._lanes[key] = lane
        return tuple(step for _, step in steps), lane

    async def mutate(self, review: Review) -> None:
        steps = self._for(review)[0]
        await self._run(review, steps)
        if review.again:
            review.round = 1
            await self._run(review, steps)

    async def validate(self, review: Review) -> None:
        await self._run(review, self._for(review)[1])

    async def _run(self, review: Review, steps: _Steps) -> None:
        lane, environment = steps[1], self._environment
        now = lane.now
        times = [now()]
        note = times.append
        try:
            for step in steps[0]:
                await step(review, environment)
                note(now())
        except StatusError:
            lane.stopped(times)
            raise
        lane.passed(times)

    def settings(self, name: str) -> Any:
        """What a plugin is configured with; None without it."""
        return next((p.settings for p in self._plugins if p.name == name), None)

    async def admit_part(self, review: Review) -> None:
        """Ask the plugins that name the subresource itself: the object is that of the request, and is stored nowhere."""
        for plugin in self._plugins:
            named = (i for i in plugin.interests if i.plural != "*")
            if any(i.covers(review.operation, review.resource, review.subresource) for i in named):
                for step in (plugin.mutate, plugin.validate):
                    if step is not None:
                        await step(review, self._environment)
