"""Who has which role, and which role gives which right, kept so that a question costs as much as the user has groups, and a
change as much as the object that was changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from steersman.apiserver.authz import Attributes, Decision, Rule, Verdict

_WIDEST = 4096
"""Rules that stand for more rights than this are not spread out: a single object must not fill the memory."""

Subject = tuple[str, str]
"""A kind (USER or GROUP) and a name. A service account is a user."""

USER, GROUP = "User", "Group"


class Role:
    """What a binding refers to; without rules while there is no such role. Compared by identity."""

    __slots__ = ("bound", "key", "missing", "rules")

    def __init__(self, key: tuple[str, str, str], missing: str) -> None:
        self.key, self.missing = key, missing
        """Under which it is kept, and what is to be said when it is not there."""
        self.bound = 0
        """By how many grants."""
        self.rules: tuple[Rule, ...] | None = None


class Grant:
    """One binding for one of its subjects; `place` is where it stands among those of its scope. `told` says it in words: a
    function, because that is rarely asked."""

    __slots__ = ("_general", "_special", "_told", "place", "role")

    def __init__(self, role: Role, place: tuple[str, int], told: Callable[[int], str]) -> None:
        self.role, self.place, self._told = role, place, told
        self._general: Decision | None = None
        self._special: Decision | None = None

    def decision(self, *, general: bool) -> Decision:
        found = self._general if general else self._special
        if found is None:
            text = f"RBAC: allowed by {self._told(self.place[1])}"
            found = Decision(Verdict.ALLOW, text, general=general)
            if general:
                self._general = found
            else:
                self._special = found
        return found


class Scope:
    """The bindings that hold in one namespace, or in all of them."""

    __slots__ = ("_groups", "_users")

    def __init__(self) -> None:
        self._users: dict[str, dict[Role, list[Grant]]] = {}
        self._groups: dict[str, dict[Role, list[Grant]]] = {}

    def __bool__(self) -> bool:
        return bool(self._users or self._groups)

    def add(self, subject: Subject, grant: Grant) -> None:
        held = self._of(subject[0]).setdefault(subject[1], {})
        held.setdefault(grant.role, []).append(grant)

    def remove(self, subject: Subject, grant: Grant) -> None:
        subjects = self._of(subject[0])
        held = subjects[subject[1]]
        held[grant.role].remove(grant)
        if not held[grant.role]:
            del held[grant.role]
        if not held:
            del subjects[subject[1]]

    def _of(self, kind: str) -> dict[str, dict[Role, list[Grant]]]:
        return self._users if kind == USER else self._groups

    def roles(self, name: str, groups: Iterable[str]) -> set[Role]:
        """All roles of a user."""
        found: set[Role] = set()
        held = self._users.get(name)
        if held is not None:
            found.update(held)
        known = self._groups
        for group in groups:
            held = known.get(group)
            if held is not None:
                found.update(held)
        return found

    def grants(self, name: str, groups: Iterable[str]) -> list[Grant]:
        """How a user has come to all roles, in the order of the bindings."""
        found: list[Grant] = []
        for held in (self._users.get(name), *(self._groups.get(group) for group in groups)):
            if held is not None:
                for grants in held.values():
                    found += grants
        return sorted(found, key=_place)

    def grant(self, name: str, groups: Iterable[str], roles: set[Role]) -> Grant:
        """The first by which a user has one of these roles."""
        found: list[Grant] = []
        role = next(iter(roles)) if len(roles) == 1 else None
        for held in (self._users.get(name), *map(self._groups.get, groups)):
            if held is None:
                continue
            if role is not None:
                if role in held:
                    found += held[role]
            elif not roles.isdisjoint(held):
                for one in held.keys() & roles:
                    found += held[one]
        return found[0] if len(found) == 1 else min(found, key=_place)


def _place(grant: Grant) -> tuple[str, int]:
    return grant.place


_Verbs = dict[str, set[Role]]


class Rights:
    """Which roles give a right. Every role is in it with the rules that it had when it was added."""

    def __init__(self) -> None:
        self._resources: dict[tuple[str, str], _Verbs] = {}
        self._named: dict[tuple[str, str, str], _Verbs] = {}
        self._paths: dict[str, _Verbs] = {}
        self._starts: dict[str, _Verbs] = {}
        """Paths that end in a star, without it."""
        self._wide: set[Role] = set()

    def add(self, role: Role) -> None:
        for rule in role.rules or ():
            if _width(rule) > _WIDEST:
                self._wide.add(role)
                continue
            for table, key in self._places(rule):
                verbs = table.setdefault(key, {})
                for verb in rule.verbs:
                    verbs.setdefault(verb, set()).add(role)

    def remove(self, role: Role) -> None:
        self._wide.discard(role)
        for rule in role.rules or ():
            if _width(rule) > _WIDEST:
                continue
            for table, key in self._places(rule):
                verbs = table.get(key, {})
                for verb in rule.verbs:
                    roles = verbs.get(verb, set())
                    roles.discard(role)
                    if not roles:
                        verbs.pop(verb, None)
                if not verbs:
                    table.pop(key, None)

    def _places(self, rule: Rule) -> Iterator[tuple[dict[Any, _Verbs], object]]:
        for group in rule.groups:
            for resource in rule.resources:
                if not rule.names:
                    yield self._resources, (group, resource)
                for name in rule.names:
                    yield self._named, (group, resource, name)
        for path in rule.paths:
            if path.endswith("*"):
                yield self._starts, path.rstrip("*")
            else:
                yield self._paths, path

    def find(self, a: Attributes, mine: set[Role]) -> tuple[set[Role], bool] | None:
        """Those of one's own roles that give the right, not necessarily all, and whether they give it for any name."""
        found = self._find_resource(a, mine) if a.is_resource else self._find_path(a, mine)
        if found is None and not self._wide.isdisjoint(mine):
            wide = {role for role in self._wide & mine if any(rule.allows(a) for rule in role.rules or ())}
            return (wide, False) if wide else None
        return found

    def _find_resource(self, a: Attributes, mine: set[Role]) -> tuple[set[Role], bool] | None:
        verb, group = a.verb, a.group
        resources: Sequence[str] = (a.resource, "*")
        if a.subresource:
            resources = (f"{a.resource}/{a.subresource}", "*", f"*/{a.subresource}")
        table = self._resources
        for resource in resources:
            for wanted in (group, "*"):
                verbs = table.get((wanted, resource))
                if verbs is not None and (found := _held(verbs, verb, mine)):
                    return found, True
        named = self._named
        if named:
            for resource in resources:
                for wanted in (group, "*"):
                    verbs = named.get((wanted, resource, a.name))
                    if verbs is not None and (found := _held(verbs, verb, mine)):
                        return found, False
        return None

    def _find_path(self, a: Attributes, mine: set[Role]) -> tuple[set[Role], bool] | None:
        verbs = self._paths.get(a.path)
        if verbs is not None and (found := _held(verbs, a.verb, mine)):
            return found, False
        for verbs in self._starting(a.path):
            if found := _held(verbs, a.verb, mine):
                return found, False
        return None

    def _starting(self, path: str) -> Iterator[_Verbs]:
        starts = self._starts
        if len(starts) <= len(path):
            yield from [verbs for start, verbs in starts.items() if path.startswith(start)]
        else:
            yield from [starts[path[:end]] for end in range(len(path) + 1) if path[:end] in starts]


def _held(verbs: _Verbs, verb: str, mine: set[Role]) -> set[Role]:
    """Those of one's own roles that have the verb; empty for none."""
    roles = verbs.get(verb)
    if roles is not None and not roles.isdisjoint(mine):
        return roles & mine
    roles = verbs.get("*")
    if roles is not None and not roles.isdisjoint(mine):
        return roles & mine
    return _NONE


_NONE: set[Role] = set()


def _width(rule: Rule) -> int:
    """For how many rights it stands."""
    return len(rule.verbs) * (len(rule.groups) * len(rule.resources) * max(len(rule.names), 1) + len(rule.paths))
