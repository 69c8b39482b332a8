"""The notation of the default roles: words separated by spaces, `core` for the API group without a name."""

from __future__ import annotations

from msgspec import Struct

from steersman.apiserver.authz import Rule

GROUP = "rbac.authorization.k8s.io"
CORE = "core"
READ = "get list watch"
WRITE = "create delete deletecollection patch update"
READ_WRITE = "create delete deletecollection get list patch update watch"
SYSTEM, PUBLIC = "kube-system", "kube-public"
CONTROLLER = "system:controller:"


def may(verbs: str, resources: str, groups: str = CORE, *, names: str = "") -> Rule:
    """These verbs on these resources of these groups; with `names`, only on objects of those names."""
    in_groups = tuple("" if group == CORE else group for group in groups.split())
    return Rule(tuple(verbs.split()), in_groups, tuple(resources.split()), tuple(names.split()))


def urls(verbs: str, paths: str) -> Rule:
    """These verbs on paths outside of the resources."""
    return Rule(tuple(verbs.split()), paths=tuple(paths.split()))


EVENTS = may("create patch update", "events", "core events.k8s.io")
"""To record what has happened."""


class Subject(Struct, frozen=True):
    """Who has a role: a User, a Group, or a ServiceAccount, which alone has a namespace."""

    kind: str
    name: str
    namespace: str = ""


def user(name: str) -> Subject:
    return Subject("User", name)


def group(name: str) -> Subject:
    return Subject("Group", name)


def account(name: str, namespace: str = SYSTEM) -> Subject:
    return Subject("ServiceAccount", name, namespace)


class Role(Struct, frozen=True):
    """A ClusterRole, or with a namespace a Role.

    `part_of` and `collects` name an aggregation (`admin`, `edit`, `view`): its rules are also that one's, and it has the
    rules of all that are part of it. `ours` is what Kubernetes has no such role for.
    """

    name: str
    rules: tuple[Rule, ...] = ()
    namespace: str = ""
    part_of: str = ""
    collects: str = ""
    ours: bool = False


class Binding(Struct, frozen=True):
    """A ClusterRoleBinding, or with a namespace a RoleBinding to a Role of the same namespace."""

    name: str
    role: str
    subjects: tuple[Subject, ...] = ()
    namespace: str = ""
    ours: bool = False


class Area(Struct, frozen=True):
    """What one module declares."""

    roles: tuple[Role, ...] = ()
    bindings: tuple[Binding, ...] = ()


def role(name: str, *rules: Rule, part_of: str = "", collects: str = "") -> Role:
    return Role(name, rules, part_of=part_of, collects=collects)


def bound(name: str, *subjects: Subject) -> Binding:
    """The binding of the ClusterRole of the same name."""
    return Binding(name, name, subjects)


def controller(name: str, *rules: Rule) -> Role:
    """The role of the controller whose service account is called `name`."""
    return Role(CONTROLLER + name, rules)


def controllers(*roles: Role) -> Area:
    """Roles of controllers, each bound to its service account."""
    return Area(roles, tuple(bound(r.name, account(r.name.removeprefix(CONTROLLER))) for r in roles))
