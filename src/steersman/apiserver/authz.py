"""May this user do this? The chain of authorizers, each of which allows, denies or has no opinion, and what is asked of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Protocol

from steersman.api import fields, labels
from steersman.api.errors import Forbidden, InternalError, StatusError
from steersman.api.field import quote
from steersman.api.fields import FieldSelector
from steersman.api.http import User
from steersman.api.identities import MASTERS
from steersman.api.labels import Selector
from steersman.apiserver.requestinfo import LONGEST_PATH, Query, RequestInfo

_KNOWN = 8192
# Nobody has been let in yet who sends it: what takes milliseconds to read is left out, which asks for more.
_LONGEST_SELECTOR = 8192
_SELECTING = frozenset({"list", "watch", "deletecollection"})


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is asked for. A path request has only `verb` and `path`. Selectors are there if they restrict anything and can be
    understood: they only narrow, so that leaving one out asks for more."""

    user: User
    verb: str
    is_resource: bool = True
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    version: str = ""
    field_selector: FieldSelector | None = None
    label_selector: Selector | None = None

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


class PolicyRule(Protocol):
    """PolicyRule of rbac.authorization.k8s.io/v1, however it was decoded."""

    @property
    def verbs(self) -> Sequence[str]: ...
    @property
    def apiGroups(self) -> Sequence[str] | None: ...
    @property
    def resources(self) -> Sequence[str] | None: ...
    @property
    def resourceNames(self) -> Sequence[str] | None: ...
    @property
    def nonResourceURLs(self) -> Sequence[str] | None: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy rule, as in rbac.authorization.k8s.io/v1 PolicyRule."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    @classmethod
    def of(cls, rule: PolicyRule) -> Rule:
        """A rule as a role has it."""
        return cls(
            tuple(rule.verbs),
            tuple(rule.apiGroups or ()),
            tuple(rule.resources or ()),
            tuple(rule.resourceNames or ()),
            tuple(rule.nonResourceURLs or ()),
        )

    def allows(self, a: Attributes) -> bool:
        if a.verb not in self.verbs and "*" not in self.verbs:
            return False
        if not a.is_resource:
            return any(path_fits(p, a.path) for p in self.paths)
        if a.group not in self.groups and "*" not in self.groups:
            return False
        if not self._resource_fits(a):
            return False
        return not self.names or a.name in self.names

    def _resource_fits(self, a: Attributes) -> bool:
        full = a.full_resource
        for resource in self.resources:
            if resource in ("*", full) or (a.subresource and resource == f"*/{a.subresource}"):
                return True
        return False


def path_fits(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))


class Verdict(Enum):
    """NO_OPINION leaves the question to the next authorizer; when there is none, the answer is no."""

    ALLOW = "Allow"
    DENY = "Deny"
    NO_OPINION = "NoOpinion"


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer. `error` is what went wrong on the way to it, "" for nothing; an answer that allows counts all the same.
    `general` says that it is the same whatever the name of the object and the selectors are."""

    verdict: Verdict
    reason: str = ""
    error: str = ""
    general: bool = False

    @property
    def allowed(self) -> bool:
        return self.verdict is Verdict.ALLOW


ALLOWED = Decision(Verdict.ALLOW, general=True)
NO_OPINION = Decision(Verdict.NO_OPINION)


Question = Callable[[], Awaitable[Decision]]
"""Asks whoever knows. Whoever does not want to know any more leaves it alone."""


@dataclass(slots=True)
class Rules:
    """What a user may do, as far as it can be listed; `incomplete` says that there may be more, and `errors` why."""

    rules: list[Rule] = field(default_factory=list)
    incomplete: bool = False
    errors: list[str] = field(default_factory=list)


class Module(Protocol):
    """One authorizer of the chain."""

    @property
    def name(self) -> str:
        """Its name, which nobody else in the chain has."""
        ...

    @property
    def waits(self) -> bool:
        """Whether it may have to ask somebody outside of the process. Only those that do may deny."""
        ...

    def decide(self, attributes: Attributes) -> Decision | Question:
        """The answer of this moment, or how it is to be had from somebody. Quick; never raises, then neither but for
        cancellation."""
        ...

    def rules(self, user: User, namespace: str) -> Rules:
        """What is known of a user's rights in a namespace and in the whole cluster."""
        ...


class Local:
    """The base of authorizers that decide at once."""

    waits = False

    def __init__(self, name: str) -> None:
        self.name = name

    def decide(self, attributes: Attributes) -> Decision:
        return NO_OPINION

    def rules(self, user: User, namespace: str) -> Rules:
        return Rules()


_Decider = tuple[str, bool]
"""The name of a module, and whether it has allowed."""
_NOBODY: _Decider = ("", False)


class Authorizer:
    """Asks the authorizers in order until one allows or denies; members of system:masters may do everything.

    Two ways to ask: requests `admit`, which remembers, and does not wait where nobody has to be waited for; everybody else
    awaits `authorize`. Either way each module is asked once. `generation` changes whenever what the authorizers of this process know may have; what they allow is
    remembered until then.
    """

    def __init__(self, modules: Sequence[Module], generation: Callable[[], int]) -> None:
        self._generation = generation
        self._remembered = generation()
        self._allowed: dict[tuple[object, ...], tuple[Decision, _Decider]] = {}
        """What is allowed in general."""
        self.decided: Counter[_Decider] = Counter()
        """How many questions each module has allowed, and denied."""
        self._modules: tuple[Module, ...] = ()
        self._remembers = True
        self.replace(modules)

    def replace(self, modules: Sequence[Module]) -> None:
        """Ask these from now on."""
        self._modules = tuple(modules)
        self._remembers = not any(m.waits for m in modules)
        self._allowed.clear()

    # Asking

    def decide(self, attributes: Attributes) -> Decision | Question:
        """The answer, or how it is to be had if somebody outside of the process has to be asked."""
        if MASTERS in attributes.user.groups:
            return ALLOWED
        found = self._decide(self._modules, attributes, [])
        return found[0] if isinstance(found, tuple) else found

    def _decide(
        self,
        modules: Sequence[Module],
        attributes: Attributes,
        left: list[tuple[str, Decision]],
        answer: Decision | None = None,
    ) -> tuple[Decision, _Decider] | Question:
        """Asks these modules, with whose answer it is. `left` is what others have left undecided; `answer` is the first one's,
        if somebody else has given it meanwhile."""
        for index, module in enumerate(modules):
            decision = answer or module.decide(attributes)
            answer = None
            if not isinstance(decision, Decision):
                return partial(self._go_on, modules[index:], attributes, left, decision)
            if decision.verdict is not Verdict.NO_OPINION:
                decider = module.name, decision.allowed
                self.decided[decider] += 1
                return decision, decider
            if decision is not NO_OPINION:
                left.append((module.name, decision))
        return _undecided(left) if left else NO_OPINION, _NOBODY

    async def _go_on(
        self, modules: Sequence[Module], attributes: Attributes, left: list[tuple[str, Decision]], question: Question
    ) -> Decision:
        """What comes of it when the first of these modules has the answer to its question."""
        found = self._decide(modules, attributes, left, await question())
        return found[0] if isinstance(found, tuple) else await found()

    async def authorize(self, attributes: Attributes) -> Decision:
        """The answer."""
        found = self.decide(attributes)
        return found if isinstance(found, Decision) else await found()

    async def allowed(self, attributes: Attributes) -> bool:
        return (await self.authorize(attributes)).allowed

    async def check(self, attributes: Attributes) -> None:
        """Raise Forbidden, with the reason a user can act on, unless allowed."""
        decision = await self.authorize(attributes)
        if not decision.allowed:
            raise refusal(attributes, decision)

    def admit(self, info: RequestInfo, user: User, query: Query | None = None) -> Decision | Question:
        """As `decide` for what a request asks for, but quicker where this user has done the same before."""
        if MASTERS in user.groups:
            return ALLOWED
        generation = self._generation()
        if generation != self._remembered:
            self._remembered = generation
            self._allowed.clear()
        if not info.is_resource or not self._remembers:
            return self.decide(attributes_of(info, user, query))
        asked = (user.name, user.groups, info.verb, info.resource, info.namespace, info.group, info.subresource)
        known = self._allowed.get(asked)
        if known is not None:
            self.decided[known[1]] += 1
            return known[0]
        found = self._decide(self._modules, attributes_of(info, user, query), [])
        if not isinstance(found, tuple):
            return found
        if found[0].allowed and found[0].general and len(info.path) <= LONGEST_PATH:
            if len(self._allowed) >= _KNOWN:
                self._allowed.clear()
            self._allowed[asked] = found
        return found[0]

    def rules(self, user: User, namespace: str) -> Rules:
        """What the authorizers know of a user's rights in a namespace."""
        found = Rules()
        for module in self._modules:
            known = module.rules(user, namespace)
            found.rules += known.rules
            found.errors += known.errors
            found.incomplete = found.incomplete or known.incomplete
        return found


def _undecided(left: Sequence[tuple[str, Decision]]) -> Decision:
    """What nobody has decided, with what each has to say to it."""
    reasons = [f"{name}: {decision.reason}" for name, decision in left if decision.reason]
    errors = [decision.error for _, decision in left if decision.error]
    if not reasons and not errors:
        return NO_OPINION
    return Decision(Verdict.NO_OPINION, "\n".join(reasons), aggregate(errors))


def aggregate(errors: Sequence[str]) -> str:
    """Several errors as one text, each once."""
    distinct = list(dict.fromkeys(errors))
    return distinct[0] if len(distinct) == 1 else f"[{', '.join(distinct)}]" if distinct else ""


def attributes_of(info: RequestInfo, user: User, query: Query | None = None) -> Attributes:
    """What a request asks for. A list or watch of one name is that of the object."""
    if not info.is_resource:
        return Attributes(user, info.verb, False, path=info.path)
    name, wanted, labelled = info.name, None, None
    if query and info.verb in _SELECTING and not info.legacy_watch:
        wanted, labelled = field_selector(query.get("fieldSelector")), label_selector(query.get("labelSelector"))
        if wanted is not None and not name and info.verb != "deletecollection":
            name = wanted.requires("metadata.name") or ""
    return Attributes(
        user,
        info.verb,
        True,
        info.group,
        info.resource,
        info.subresource,
        info.namespace,
        name,
        info.path,
        info.version,
        wanted,
        labelled,
    )


def field_selector(text: str) -> FieldSelector | None:
    """The selector, if it restricts anything and can be read."""
    if len(text) > _LONGEST_SELECTOR:
        return None
    try:
        found = fields.parse(text)
    except fields.FieldSelectorError:
        return None
    return None if found.empty else found


def label_selector(text: str) -> Selector | None:
    """As `field_selector`."""
    if len(text) > _LONGEST_SELECTOR:
        return None
    try:
        found = labels.parse(text)
    except labels.SelectorError:
        return None
    return None if found.empty else found


_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def refusal(a: Attributes, decision: Decision) -> StatusError:
    """The error for a request that is not allowed: a 403, or a 500 when that is because something went wrong."""
    if decision.error:
        return InternalError.occurred(decision.error)
    return forbidden(a, decision.reason)


def forbidden(a: Attributes, reason: str = "") -> Forbidden:
    """The 403 for a request that nobody allows."""
    because = f": {reason}" if reason else ""
    if not a.is_resource:
        why = f"User {quote(a.user.name)} cannot {a.verb} path {quote(a.path)}".translate(_ESCAPES)
        return Forbidden(f"forbidden: {why}{because}", details={})
    where = f"in the namespace {quote(a.namespace)}" if a.namespace else "at the cluster scope"
    what = f"resource {quote(a.full_resource)} in API group {quote(a.group)}"
    why = f"User {quote(a.user.name)} cannot {a.verb} {what} {where}".translate(_ESCAPES)
    subject = f"{a.resource}.{a.group}" if a.group else a.resource
    if a.name:
        subject = f"{subject} {quote(a.name)}"
    details = {k: v for k, v in (("name", a.name), ("group", a.group), ("kind", a.resource)) if v}
    return Forbidden(f"{subject} is forbidden: {why}{because}", details=details)
