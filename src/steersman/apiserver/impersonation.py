"""Who a request asks to be taken for (the Impersonate- headers), what that takes, and the user it makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from steersman.api.errors import InternalError
from steersman.api.http import User
from steersman.apiserver.authn import ANONYMOUS, AUTHENTICATED
from steersman.apiserver.authz import Attributes

_PREFIX = "impersonate-"
_EXTRA = "impersonate-extra-"
_ACCOUNT = "system:serviceaccount:"
_GROUP = "authentication.k8s.io"


@dataclass(slots=True)
class Asked:
    """What the headers say. `extra` has its keys in lower case and unescaped."""

    name: str = ""
    groups: list[str] = field(default_factory=list)
    uid: str = ""
    extra: dict[str, list[str]] = field(default_factory=dict)


def asked(headers: Mapping[str, str]) -> Asked | None:
    """The impersonation asked for, or None. Raises InternalError, as upstream, for one that names no user."""
    if _PREFIX not in "\n".join(headers).lower():
        return None
    found = Asked()
    for header, value in headers.items():
        name = header.lower()
        if not name.startswith(_PREFIX):
            continue
        if name == "impersonate-user":
            found.name = value
        elif name == "impersonate-group":
            found.groups.append(value)
        elif name == "impersonate-uid":
            found.uid = value
        elif name.startswith(_EXTRA):
            found.extra.setdefault(unquote(name.removeprefix(_EXTRA)), []).append(value)
    if found == Asked():
        return None
    if not found.name:
        raise InternalError("requested impersonation without impersonating a user")
    return found


def needed(user: User, asked: Asked) -> Iterator[Attributes]:
    """What `user` must be allowed to do."""
    account = _account(asked.name)
    if account is not None:
        namespace, name = account
        yield Attributes(user, "impersonate", resource="serviceaccounts", namespace=namespace, name=name)
    else:
        yield Attributes(user, "impersonate", resource="users", name=asked.name)
    for group in asked.groups:
        yield Attributes(user, "impersonate", resource="groups", name=group)
    if asked.uid:
        yield Attributes(user, "impersonate", group=_GROUP, resource="uids", name=asked.uid)
    for key, values in asked.extra.items():
        for value in values:
            yield Attributes(user, "impersonate", group=_GROUP, resource="userextras", subresource=key, name=value)


def become(asked: Asked) -> User:
    """The user; a service account without groups is given those that its token would have."""
    groups = list(asked.groups)
    account = _account(asked.name)
    if account is not None and not groups:
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{account[0]}"]
    ends = ANONYMOUS.groups if asked.name == ANONYMOUS.name else (AUTHENTICATED,)
    groups += [g for g in ends if g not in groups]
    return User(asked.name, tuple(groups), asked.uid, {key: tuple(values) for key, values in asked.extra.items()})


def _account(name: str) -> tuple[str, str] | None:
    """Namespace and name of the service account that a user name stands for."""
    namespace, separator, account = name.removeprefix(_ACCOUNT).partition(":")
    if not name.startswith(_ACCOUNT) or not separator or not namespace or not account or ":" in account:
        return None
    return namespace, account
