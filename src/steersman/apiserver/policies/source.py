"""The policies of one kind with their bindings, as they are configured at this moment: compiled once per change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from steersman.api.meta import Resource
from steersman.apiserver.policies.matching import Constraints
from steersman.apiserver.webhook.hooks import GROUP
from steersman.store.protocol import Event

if TYPE_CHECKING:
    from steersman.apiserver.server import App

E = TypeVar("E")
_Spec = tuple[str, int | None]
"""What changes with a policy's expressions, and not with its status: its uid and generation."""

_EXEMPT = frozenset({
    "validatingadmissionpolicies", "validatingadmissionpolicybindings", "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
})  # fmt: skip


def is_exempt(resource: Resource) -> bool:
    """Whether no policy has a say in a resource: a wrong one must not keep anybody from taking it away."""
    return resource.group == GROUP and resource.plural in _EXEMPT


@dataclass(frozen=True, slots=True)
class Bound:
    """One binding, and what it matches beyond what its policy does."""

    name: str
    spec: Any
    constraints: Constraints | None


@dataclass(frozen=True, slots=True)
class Hook(Generic[E]):
    """One policy that has bindings, and what evaluates it."""

    name: str
    spec: Any
    constraints: Constraints
    bindings: tuple[Bound, ...]
    evaluator: E

    @property
    def ignores_failures(self) -> bool:
        return bool(self.spec.failurePolicy == "Ignore")


class Source(Generic[E]):
    """All policies of one kind that have bindings, in the order of their names. `close` at the end."""

    def __init__(self, app: App, policies: str, bindings: str, compile_: Callable[[Any], E]) -> None:
        self._compile = compile_
        self._policies = app.registries.find(GROUP, policies)
        self._bindings = app.registries.find(GROUP, bindings)
        self._evaluators: dict[str, tuple[_Spec, E]] = {}
        self._hooks: tuple[Hook[E], ...] | None = None
        self._unobserve: Callable[[], None] = app.store.observe(f"/registry/{GROUP}/", self._changed)

    def _changed(self, events: Sequence[Event]) -> None:
        self._hooks = None

    def hooks(self) -> tuple[Hook[E], ...]:
        if self._hooks is None:
            self._hooks = tuple(self._load())
        return self._hooks

    def _load(self) -> Iterable[Hook[E]]:
        policies, bindings = self._policies, self._bindings
        if policies is None or bindings is None:
            return
        bound: dict[str, list[Bound]] = {}
        for item in bindings.cache.list():
            spec = bindings.at(item.value, item.revision).spec
            match = spec.matchResources
            bound.setdefault(spec.policyName, []).append(
                Bound(item.name, spec, None if match is None else Constraints.of(match))
            )
        evaluators: dict[str, tuple[_Spec, E]] = {}
        for item in policies.cache.list():
            if item.name not in bound:
                continue
            policy = policies.at(item.value, item.revision)
            if policy.spec.matchConstraints is None:
                # It is about nothing; nobody can make such a one.
                continue
            known, spec = self._evaluators.get(item.name), (policy.metadata.uid, policy.metadata.generation)
            if known is None or known[0] != spec:
                known = (spec, self._compile(policy))
            evaluators[item.name] = known
            constraints = Constraints.of(policy.spec.matchConstraints)
            yield Hook(item.name, policy.spec, constraints, tuple(bound[item.name]), known[1])
        self._evaluators = evaluators

    def close(self) -> None:
        self._unobserve()
