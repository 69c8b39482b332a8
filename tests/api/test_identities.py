"""Who counts as somebody that is known."""

from __future__ import annotations

import pytest

from steersman.api import identities
from steersman.api.http import User


def test_names() -> None:
    assert identities.node("n") == "system:node:n"
    assert identities.service_account("a", "b") == "system:serviceaccount:a:b"
    assert identities.service_account_groups("a") == ("system:serviceaccounts", "system:serviceaccounts:a")


@pytest.mark.parametrize(
    ("user", "groups"),
    [
        (User("jane", ("dev",), "1"), ("dev", "system:authenticated")),
        (User("jane", ("system:authenticated", "dev")), ("system:authenticated", "dev")),
        (User("jane", ("system:unauthenticated",)), ("system:unauthenticated",)),
        (User("system:anonymous"), ()),
    ],
)
def test_authenticated(user: User, groups: tuple[str, ...]) -> None:
    found = identities.authenticated(user)
    assert (found.name, found.uid, found.groups) == (user.name, user.uid, groups)
