"""Rules from the cluster's Roles, ClusterRoles and their bindings, compiled once per change of any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from steersman.api.http import User
from steersman.apiserver.authz import Rule

GROUP = "rbac.authorization.k8s.io"
_SERVICE_ACCOUNT = "system:serviceaccount:"


class Stored(Protocol):
    """A cached object as far as this module reads it."""

    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def body(self) -> bytes: ...


class Objects(Protocol):
    """Where the objects are read: `generation` changes whenever any of them may have changed."""

    @property
    def generation(self) -> int: ...

    def objects(self, plural: str) -> Sequence[Stored]: ...


class _PolicyRule(msgspec.Struct):
    verbs: tuple[str, ...] = ()
    apiGroups: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    resourceNames: tuple[str, ...] | None = None
    nonResourceURLs: tuple[str, ...] | None = None

    def rule(self) -> Rule:
        return Rule(
            self.verbs,
            self.apiGroups or (),
            self.resources or (),
            self.resourceNames or (),
            self.nonResourceURLs or (),
        )


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


_decode_role = msgspec.json.Decoder(_Role).decode
_decode_binding = msgspec.json.Decoder(_Binding).decode


class RBAC:
    """The RuleSource of role-based access control."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._generation = -1
        # (role's namespace, role's name) → rules; a ClusterRole has no namespace.
        self._rules: dict[tuple[str, str], tuple[Rule, ...]] = {}
        # subject → [(namespace the binding holds in, role)]
        self._bound: dict[tuple[str, str], list[tuple[str, tuple[str, str]]]] = {}
        self._answers: dict[tuple[str, tuple[str, ...], str], tuple[Rule, ...]] = {}

    def rules(self, user: User, namespace: str) -> Iterator[Rule]:
        if self._generation != self._objects.generation:
            self._compile()
        key = (user.name, user.groups, namespace)
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) > 4096:
                self._answers.clear()
            answer = self._answers[key] = tuple(self._collect(user, namespace))
        return iter(answer)

    def _collect(self, user: User, namespace: str) -> Iterator[Rule]:
        subjects = [("User", user.name), *(("Group", g) for g in user.groups)]
        if user.name.startswith(_SERVICE_ACCOUNT):
            subjects.append(("ServiceAccount", user.name.removeprefix(_SERVICE_ACCOUNT)))
        for subject in subjects:
            for scope, role in self._bound.get(subject, ()):
                if not scope or scope == namespace:
                    yield from self._rules.get(role, ())

    def _compile(self) -> None:
        self._generation = self._objects.generation
        self._answers.clear()
        self._rules = {}
        for plural in ("clusterroles", "roles"):
            for stored in self._objects.objects(plural):
                role = _decode_role(stored.body)
                self._rules[(stored.namespace, stored.name)] = tuple(r.rule() for r in role.rules or ())
        self._bound = {}
        for plural in ("clusterrolebindings", "rolebindings"):
            for stored in self._objects.objects(plural):
                self._bind(stored.namespace, _decode_binding(stored.body))

    def _bind(self, namespace: str, binding: _Binding) -> None:
        role_namespace = namespace if binding.roleRef.kind == "Role" else ""
        role = (role_namespace, binding.roleRef.name)
        for subject in binding.subjects or ():
            name = subject.name
            if subject.kind == "ServiceAccount":
                name = f"{subject.namespace or namespace}:{name}"
            self._bound.setdefault((subject.kind, name), []).append((namespace, role))
