"""The RBAC authorizer: Roles, ClusterRoles and their bindings, taken over object by object as they change."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Protocol

import msgspec

from steersman.api import identities
from steersman.api.field import quote
from steersman.api.http import User
from steersman.apiserver.authz import NO_OPINION, Attributes, Decision, Local, Rule, Rules, Verdict, aggregate
from steersman.apiserver.rbac_index import GROUP as GROUP_KIND
from steersman.apiserver.rbac_index import USER, Grant, Rights, Role, Scope, Subject
from steersman.store.protocol import Event

GROUP = "rbac.authorization.k8s.io"
PREFIX = f"/registry/{GROUP}/"
_PLURALS = ("clusterroles", "roles", "clusterrolebindings", "rolebindings")
_MOST_NOTED = 10_000


class Stored(Protocol):
    """A cached object as far as this module reads it."""

    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> bytes: ...


class Objects(Protocol):
    """Where all objects of a kind are read."""

    def __call__(self, plural: str, /) -> Sequence[Stored]: ...


class _PolicyRule(msgspec.Struct):
    verbs: tuple[str, ...] = ()
    apiGroups: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    resourceNames: tuple[str, ...] | None = None
    nonResourceURLs: tuple[str, ...] | None = None


class _Role(msgspec.Struct):
    rules: tuple[_PolicyRule, ...] | None = None


class _Subject(msgspec.Struct):
    kind: str
    name: str
    namespace: str = ""


class _RoleRef(msgspec.Struct):
    kind: str
    name: str


class _Binding(msgspec.Struct):
    roleRef: _RoleRef
    subjects: tuple[_Subject, ...] | None = None


log = logging.getLogger(__name__)
_decode_role = msgspec.json.Decoder(_Role).decode
_decode_binding = msgspec.json.Decoder(_Binding).decode

_Key = tuple[str, str, str]
"""Plural, namespace and name."""


def _told(key: _Key, ref: _RoleRef, subjects: Sequence[_Subject], place: int) -> str:
    """A binding for one of its subjects, in upstream's words."""
    _, namespace, name = key
    subject = subjects[place]
    whom = subject.name
    if subject.kind == "ServiceAccount":
        whom = f"{subject.name}/{subject.namespace or namespace}"
    shown = f"RoleBinding {quote(f'{name}/{namespace}')}" if namespace else f"ClusterRoleBinding {quote(name)}"
    return f"{shown} of {ref.kind} {quote(ref.name)} to {subject.kind} {quote(whom)}"


class RBAC(Local):
    """Decides by the objects as they are stored. Changes are only noted, and taken over with the next question."""

    def __init__(self, objects: Objects, name: str = "rbac") -> None:
        super().__init__(name)
        self._objects = objects
        self.generation = 0
        """Changes with every object."""
        self._changed: dict[_Key, bytes] | None = None
        """Objects to be taken over; None for all there are."""
        self._roles: dict[_Key, Role] = {}
        self._everywhere, self._local = Scope(), dict[str, Scope]()
        self._bindings: dict[_Key, list[tuple[Subject, Grant]]] = {}
        self._rights = Rights()
        self._absent: set[Role] = set()
        """Roles that are bound, but not there."""

    # Changes

    def reload(self) -> None:
        """Take over everything anew."""
        self.generation += 1
        self._changed = None

    def changed(self, events: Iterable[Event]) -> None:
        """Take over what was written, under PREFIX."""
        self.generation += 1
        if self._changed is not None:
            for event in events:
                plural, _, rest = event.key.removeprefix(PREFIX).partition("/")
                namespace, _, name = rest.rpartition("/")
                # What cannot be decrypted gives no rights.
                self._changed[plural, namespace, name] = event.value if isinstance(event.value, bytes) else b""
            if len(self._changed) > _MOST_NOTED:
                # Nobody asks: a server whose chain is another one does not keep account for ever.
                self._changed = None

    def _settle(self) -> None:
        changed, self._changed = self._changed, {}
        if changed is None:
            self._roles, self._bindings = {}, {}
            self._everywhere, self._local, self._rights, self._absent = Scope(), {}, Rights(), set()
            changed = {(p, s.namespace, s.name): s.value for p in _PLURALS for s in self._objects(p)}
        for key, value in changed.items():
            try:
                if key[0] in ("clusterroles", "roles"):
                    self._take_role(key, _decode_role(value) if value else None)
                else:
                    self._take_binding(key, _decode_binding(value) if value else None)
            except msgspec.DecodeError as error:
                # It gives no rights, and the others must not go without notice because of it.
                log.error("%s %s/%s cannot be read: %s", *key, error)
                if key[0] in ("clusterroles", "roles"):
                    self._take_role(key, None)
                else:
                    self._take_binding(key, None)

    def _take_role(self, key: _Key, taken: _Role | None) -> None:
        role = self._role(key)
        self._rights.remove(role)
        if taken is not None:
            role.rules = tuple(map(Rule.of, taken.rules or ()))
            self._rights.add(role)
            self._absent.discard(role)
        else:
            role.rules = None
            self._absent.add(role)
            self._forget(role)

    def _forget(self, role: Role) -> None:
        """If it is neither there nor bound."""
        if role.rules is None and not role.bound:
            self._absent.discard(role)
            self._roles.pop(role.key, None)

    def _role(self, key: _Key) -> Role:
        role = self._roles.get(key)
        if role is None:
            role = self._roles[key] = Role(key, f"{key[0].removesuffix('s')}.{GROUP} {quote(key[2])} not found")
            self._absent.add(role)
        return role

    def _take_binding(self, key: _Key, binding: _Binding | None) -> None:
        namespace = key[1]
        scope = self._scope(namespace)
        for subject, grant in self._bindings.pop(key, ()):
            scope.remove(subject, grant)
            grant.role.bound -= 1
            self._forget(grant.role)
        if binding is not None:
            taken = self._bindings[key] = list(self._grants(key, binding))
            for subject, grant in taken:
                scope.add(subject, grant)
                grant.role.bound += 1
        if namespace and not scope:
            del self._local[namespace]

    def _scope(self, namespace: str) -> Scope:
        return self._local.setdefault(namespace, Scope()) if namespace else self._everywhere

    def _grants(self, key: _Key, binding: _Binding) -> Iterator[tuple[Subject, Grant]]:
        _, namespace, name = key
        ref, role = binding.roleRef, None
        subjects = binding.subjects or ()
        told = partial(_told, key, ref, subjects)
        for place, subject in enumerate(subjects):
            who, kind = subject.name, subject.kind
            if kind == "ServiceAccount":
                home = subject.namespace or namespace
                if not home:
                    continue
                who, kind = identities.service_account(home, subject.name), USER
            if kind in (USER, GROUP_KIND):
                # A binding of nobody keeps no role in mind.
                role = role or self._bound_role(key, ref)
                yield (kind, who), Grant(role, (name, place), told)

    def _bound_role(self, key: _Key, ref: _RoleRef) -> Role:
        if ref.kind == "ClusterRole":
            return self._role(("clusterroles", "", ref.name))
        if ref.kind == "Role" and key[1]:
            return self._role(("roles", key[1], ref.name))
        role = Role(key, f"unsupported role reference kind: {quote(ref.kind)}")
        self._absent.add(role)
        return role

    # Questions

    def decide(self, attributes: Attributes) -> Decision:
        if self._changed is None or self._changed:
            self._settle()
        user = attributes.user
        everywhere, groups = self._everywhere, user.groups
        mine = everywhere.roles(user.name, groups)
        found = self._rights.find(attributes, mine) if mine else None
        if found is not None:
            return everywhere.grant(user.name, groups, found[0]).decision(general=found[1])
        local = self._local.get(attributes.namespace) if attributes.namespace and attributes.is_resource else None
        if local is not None:
            here = local.roles(user.name, groups)
            found = self._rights.find(attributes, here) if here else None
            if found is not None:
                return local.grant(user.name, groups, found[0]).decision(general=found[1])
            mine |= here
        if self._absent.isdisjoint(mine):
            return NO_OPINION
        errors = [grant.role.missing for grant in self._all(user, local) if grant.role in self._absent]
        return Decision(Verdict.NO_OPINION, f"RBAC: {aggregate(errors)}")

    def _all(self, user: User, local: Scope | None) -> list[Grant]:
        """Every binding of a user, once."""
        found: list[Grant] = []
        for scope in (self._everywhere, local):
            if scope is not None:
                # The first of its subjects that the user is.
                grants = {grant.place[0]: grant for grant in reversed(scope.grants(user.name, user.groups))}
                found += reversed(grants.values())
        return found

    def rules(self, user: User, namespace: str) -> Rules:
        """All rules of a user's roles; a role that is bound but not there is an error."""
        if self._changed is None or self._changed:
            self._settle()
        found = Rules()
        for grant in self._all(user, self._local.get(namespace) if namespace else None):
            if grant.role.rules is None:
                found.errors.append(grant.role.missing)
            else:
                found.rules += grant.role.rules
        return found

    def rules_of(self, plural: str, namespace: str, name: str) -> tuple[Rule, ...] | None:
        """The rules of one role (`clusterroles` or `roles`); None if there is none."""
        if self._changed is None or self._changed:
            self._settle()
        role = self._roles.get((plural, namespace, name))
        return role.rules if role is not None else None
