"""Which rights of one set of rules another set lacks: the question behind every check that nobody gives what they do not have.

A rule stands for all combinations of its verbs, groups, resources and names, which can be astronomically many in an object that
fits into a request. What decides is only which of the owner's rules a value fits, so values that fit the same ones are looked at
together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, product

from steersman.api.field import quote
from steersman.apiserver.authz import Rule

MOST = 1000
"""So many missing rights are told; nobody reads more."""

Right = tuple[str, str, str | None, str]
"""Group, resource, name (None: every one), verb."""


def missing(owned: Sequence[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """The rights in `wanted` that `owned` does not give, one rule for each resource or path; empty if there are none.

    At most `MOST` rights are found; the verbs of a resource are in the order in which they are wanted.
    """
    resources: dict[tuple[str, str, str | None], list[str]] = {}
    paths: list[Rule] = []
    owner, left = _Owner(owned), MOST
    for rule in wanted:
        lacking = _in_order(_lacking(owner, rule, left), rule.verbs)
        left -= len(lacking)
        for group, resource, name, verb in lacking:
            verbs = resources.setdefault((group, resource, name), [])
            if verb not in verbs:
                verbs.append(verb)
        for path, verb in _lacking_paths(owner, rule, left):
            paths.append(Rule((verb,), paths=(path,)))
            left -= 1
        if left <= 0:
            break
    found = [
        Rule(tuple(verbs), (group,), (resource,), () if name is None else (name,))
        for (group, resource, name), verbs in resources.items()
    ]
    return found + list(dict.fromkeys(paths))


def _in_order(rights: Iterable[Right], verbs: Sequence[str]) -> list[Right]:
    """As the rule has its verbs; those that fit the same rules have come together."""
    order = {verb: position for position, verb in enumerate(verbs)}
    return sorted(rights, key=lambda right: order[right[3]])


def describe(rule: Rule) -> str:
    """A rule as messages show it."""
    parts = (
        ("APIGroups", rule.groups),
        ("Resources", rule.resources),
        ("NonResourceURLs", rule.paths),
        ("ResourceNames", rule.names),
        ("Verbs", rule.verbs),
    )
    return "{" + ", ".join(f"{name}:{quoted(values)}" for name, values in parts if values) + "}"


def quoted(values: Iterable[str]) -> str:
    return "[" + " ".join(quote(value) for value in values) + "]"


def _lacking(owner: _Owner, rule: Rule, most: int) -> Iterator[Right]:
    groups, resources = _classes(rule.groups, owner.group), _classes(rule.resources, owner.resource)
    verbs = _classes(rule.verbs, owner.verb)
    names = _classes(rule.names, owner.name) if rule.names else {owner.nameless: ()}
    for g, r, v, n in product(groups, resources, verbs, names):
        if g & r & v & n:
            continue
        for right in islice(product(groups[g], resources[r], names[n] or (None,), verbs[v]), most):
            most -= 1
            yield right


def _lacking_paths(owner: _Owner, rule: Rule, most: int) -> Iterator[tuple[str, str]]:
    paths, verbs = _classes(rule.paths, owner.path), _classes(rule.verbs, owner.verb)
    for p, v in product(paths, verbs):
        if p & v:
            continue
        for lacking in islice(product(paths[p], verbs[v]), most):
            most -= 1
            yield lacking


def _classes(values: Iterable[str], fitting: Callable[[str], int]) -> Mapping[int, Sequence[str]]:
    """Values by the set of rules that they fit."""
    classes: dict[int, list[str]] = {}
    for value in dict.fromkeys(values):
        classes.setdefault(fitting(value), []).append(value)
    return classes


class _Owner:
    """For a value, the set of the owner's rules that it fits, as bits of a number."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._verbs = _bits(r.verbs for r in rules)
        self._groups = _bits(r.groups for r in rules)
        self._resources = _bits(r.resources for r in rules)
        self._names = _bits(r.names for r in rules)
        self._paths = _bits(r.paths for r in rules)
        self.nameless = sum(1 << position for position, rule in enumerate(rules) if not rule.names)
        self._prefixes: dict[str, int] = {}
        for path, bits in self._paths.items():
            if path.endswith("*"):
                prefix = path.rstrip("*")
                self._prefixes[prefix] = self._prefixes.get(prefix, 0) | bits
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})

    def verb(self, verb: str) -> int:
        return self._verbs.get("*", 0) | self._verbs.get(verb, 0)

    def group(self, group: str) -> int:
        return self._groups.get("*", 0) | self._groups.get(group, 0)

    def resource(self, resource: str) -> int:
        bits = self._resources.get("*", 0) | self._resources.get(resource, 0)
        _, slash, subresource = resource.partition("/")
        return bits | self._resources.get(f"*/{subresource}", 0) if slash else bits

    def name(self, name: str) -> int:
        return self.nameless | self._names.get(name, 0)

    def path(self, path: str) -> int:
        bits = self._paths.get(path, 0)
        for length in self._lengths:
            bits |= self._prefixes.get(path[:length], 0)
        return bits


def _bits(values: Iterable[Iterable[str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for position, of_rule in enumerate(values):
        for value in of_rule:
            found[value] = found.get(value, 0) | 1 << position
    return found
