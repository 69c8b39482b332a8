"""Who a request asks to be taken for (the Impersonate- headers), what that takes, and the user it makes.

There are several ways, from the narrowest to the widest, and the first whose rights somebody has is taken: the node that a service
account's pod runs on, any node, a service account, other users, and last the old way, which knows no difference between them. All
but the last take two rights: to be that user (`impersonate:WAY`), and to do as that user what is asked (`impersonate-on:WAY:VERB`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import unquote

from steersman.api import names
from steersman.api.errors import BadRequest, Forbidden, StatusError
from steersman.api.field import quote
from steersman.api.http import User
from steersman.api.identities import (
    ANONYMOUS,
    AUTHENTICATED,
    MASTERS,
    NODE_PREFIX,
    NODES,
    SERVICE_ACCOUNT_PREFIX,
    UNAUTHENTICATED,
    service_account_groups,
)
from steersman.apiserver.authz import Attributes, forbidden
from steersman.http.head import is_text

_PREFIX = "impersonate-"
_EXTRA = "impersonate-extra-"
_GROUP = "authentication.k8s.io"
_NODE_NAME = "authentication.kubernetes.io/node-name"
_NODE_KEYS = "authentication.kubernetes.io/associated-node-keys"
# From so many on it is first asked for all at once.
_MANY = 4


@dataclass(slots=True)
class Asked:
    """What the headers say. `extra` has its keys in lower case and unescaped."""

    name: str = ""
    groups: list[str] = field(default_factory=list)
    uid: str = ""
    extra: dict[str, list[str]] = field(default_factory=dict)

    @property
    def names_only(self) -> bool:
        return not self.groups and not self.uid and not self.extra


def asked(headers: Mapping[str, str]) -> Asked | None:
    """The impersonation asked for, or None. Raises BadRequest for one that names no user."""
    if _PREFIX not in "\n".join(headers).lower():
        return None
    found = Asked()
    for header, value in headers.items():
        name = header.lower()
        if not name.startswith(_PREFIX):
            continue
        if not is_text(value):
            raise BadRequest(f"the value of the header {name} is not UTF-8")
        if name == "impersonate-user":
            found.name = found.name or value
        elif name == "impersonate-group":
            found.groups.append(value)
        elif name == "impersonate-uid":
            found.uid = found.uid or value
        elif name.startswith(_EXTRA):
            found.extra.setdefault(unquote(name.removeprefix(_EXTRA)), []).append(value)
    if found == Asked():
        return None
    if not found.name:
        raise BadRequest(f"requested {_shown(found)} without impersonating a user name")
    return found


def _shown(asked: Asked) -> str:
    """As upstream shows such a user."""

    def listed(values: Sequence[str]) -> str:
        return f"[]string{{{', '.join(map(quote, values))}}}" if values else "[]string(nil)"

    extra = "map[string][]string(nil)"
    if asked.extra:
        pairs = ", ".join(f"{quote(key)}:{listed(values)}" for key, values in sorted(asked.extra.items()))
        extra = f"map[string][]string{{{pairs}}}"
    return f'&user.DefaultInfo{{Name:"", UID:{quote(asked.uid)}, Groups:{listed(asked.groups)}, Extra:{extra}}}'


# What it takes


@dataclass(frozen=True, slots=True)
class Mode:
    """One way. `concerns` tells by who asks, and what for, whether it is one at all. The old way has no name."""

    name: str
    concerns: Callable[[User, Asked], bool]

    @property
    def verb(self) -> str:
        return f"impersonate:{self.name}" if self.name else "impersonate"


ASSOCIATED_NODE = "associated-node"
LEGACY = Mode("", lambda requester, asked: True)
MODES = (
    Mode(ASSOCIATED_NODE, lambda requester, asked: asked.names_only and _is_own_node(requester, asked.name)),
    Mode("arbitrary-node", lambda requester, asked: asked.names_only and node_of(asked.name) is not None),
    Mode("serviceaccount", lambda requester, asked: asked.names_only and account_of(asked.name) is not None),
    Mode("user-info", lambda requester, asked: node_of(asked.name) is None and account_of(asked.name) is None),
    LEGACY,
)


def needed(user: User, asked: Asked, mode: Mode = LEGACY, on: Attributes | None = None) -> Iterator[Attributes]:
    """What `user` must be allowed to do, to do what `on` says. Raises Forbidden for what nobody may in a mode with a name."""
    requester = _anywhere(user) if mode.name == ASSOCIATED_NODE else user
    if mode.name and on is not None:
        yield replace(on, user=requester, verb=f"impersonate-on:{mode.name}:{on.verb}")
    yield _for_name(requester, asked, mode)
    if asked.uid:
        yield Attributes(user, mode.verb, group=_GROUP, version="v1", resource="uids", name=asked.uid)
    if asked.groups:
        yield from _for_groups(user, asked.groups, mode)
    if asked.extra:
        yield from _for_extra(user, asked.extra, mode)


def _for_name(user: User, asked: Asked, mode: Mode) -> Attributes:
    group = _GROUP if mode.name else ""
    account, node = account_of(asked.name), node_of(asked.name) if mode.name else None
    if account is not None:
        namespace, name = account
        return Attributes(
            user, mode.verb, group=group, version="v1", resource="serviceaccounts", namespace=namespace, name=name
        )
    if node is not None:
        # Whoever may be the own node may be so on every node.
        named = "*" if mode.name == ASSOCIATED_NODE else node
        return Attributes(user, mode.verb, group=group, version="v1", resource="nodes", name=named)
    return Attributes(user, mode.verb, group=group, version="v1", resource="users", name=asked.name)


def _for_groups(user: User, groups: list[str], mode: Mode) -> Iterator[Attributes]:
    one = Attributes(user, mode.verb, group=_GROUP if mode.name else "", version="v1", resource="groups")
    if mode.name and "" in groups:
        raise forbidden(one, "impersonating the empty string group is not allowed")
    if mode.name and MASTERS in groups:
        raise forbidden(replace(one, name=MASTERS), "impersonating the system:masters group is not allowed")
    for group in groups:
        yield replace(one, name=group)


def _for_extra(user: User, extra: Mapping[str, list[str]], mode: Mode) -> Iterator[Attributes]:
    one = Attributes(user, mode.verb, group=_GROUP, version="v1", resource="userextras")
    wrong = next(filter(None, (_wrong_extra(key, values) for key, values in extra.items())), "") if mode.name else ""
    if wrong:
        raise forbidden(one, wrong)
    for key, values in extra.items():
        for value in values:
            yield replace(one, subresource=key, name=value)


def _wrong_extra(key: str, values: list[str]) -> str:
    if not key:
        return "impersonating the empty string key in extra is not allowed"
    problems = names.domain_prefixed_path(key)
    if problems:
        return f"impersonating an invalid key in extra is not allowed: extra.key: Invalid value: {quote(key)}: {problems[0]}"
    return "impersonating the empty string value in extra is not allowed" if "" in values else ""


def _anywhere(user: User) -> User:
    """Who asks, without what depends on where it runs: the right is the same on every node."""
    return replace(user, extra={_NODE_KEYS: tuple(sorted(user.extra))})


# Who comes of it


@dataclass(frozen=True, slots=True)
class Impersonated:
    """The user that a request is done as; `constraint` is the verb that allowed it, empty for the old way."""

    user: User
    constraint: str = ""


class Authorizing(Protocol):
    """Who says what is allowed."""

    async def check(self, attributes: Attributes) -> None:
        """Raises Forbidden."""
        ...

    async def allowed(self, attributes: Attributes) -> bool: ...


async def impersonate(authorizer: Authorizing, user: User, asked: Asked, on: Attributes) -> Impersonated:
    """Be taken for somebody else to do what `on` says. Raises Forbidden: why the first way that there is was refused."""
    refusal: StatusError | None = None
    for mode in MODES:
        if not mode.concerns(user, asked):
            continue
        try:
            await _check(authorizer, user, asked, mode, on)
        except StatusError as error:
            refusal = refusal or error
            continue
        return Impersonated(become(asked, mode), mode.verb if mode.name else "")
    raise refusal or Forbidden("all impersonation modes failed")


async def _check(authorizer: Authorizing, user: User, asked: Asked, mode: Mode, on: Attributes) -> None:
    at_once: dict[str, bool] = {}
    for attributes in needed(user, asked, mode, on):
        if mode.name and _is_many(asked, attributes.resource):
            if attributes.resource not in at_once:
                subresource = "*" if attributes.subresource else ""
                everything = replace(attributes, name="*", subresource=subresource)
                at_once[attributes.resource] = await authorizer.allowed(everything)
            if at_once[attributes.resource]:
                continue
        await authorizer.check(attributes)


def _is_many(asked: Asked, resource: str) -> bool:
    if resource == "groups":
        return len(asked.groups) >= _MANY
    return resource == "userextras" and sum(map(len, asked.extra.values())) >= _MANY


def become(asked: Asked, mode: Mode = LEGACY) -> User:
    """The user; a service account without groups is given those that its token would have, a node those of nodes."""
    groups = list(asked.groups)
    account = account_of(asked.name)
    if account is not None and not groups:
        groups = [*service_account_groups(account[0])]
    elif mode.name and node_of(asked.name) is not None:
        groups = [NODES]
    if asked.name == ANONYMOUS:
        ends = UNAUTHENTICATED
    else:
        ends = "" if UNAUTHENTICATED in groups else AUTHENTICATED
    if ends and ends not in groups:
        groups.append(ends)
    return User(asked.name, tuple(groups), asked.uid, {key: tuple(values) for key, values in asked.extra.items()})


def account_of(name: str) -> tuple[str, str] | None:
    """Namespace and name of the service account that a user name stands for."""
    if not name.startswith(SERVICE_ACCOUNT_PREFIX):
        return None
    namespace, separator, account = name.removeprefix(SERVICE_ACCOUNT_PREFIX).partition(":")
    if not separator or names.dns1123_label(namespace) or names.dns1123_subdomain(account):
        return None
    return namespace, account


def node_of(name: str) -> str | None:
    """The name of the node that a user name stands for."""
    node = name.removeprefix(NODE_PREFIX)
    return None if node == name or names.dns1123_subdomain(node) else node


def _is_own_node(requester: User, name: str) -> bool:
    """Whether a user name is that of the node on which the service account that asks runs."""
    node = node_of(name)
    return node is not None and account_of(requester.name) is not None and requester.extra.get(_NODE_NAME) == (node,)
