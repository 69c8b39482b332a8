"""Impersonation: what the headers ask for, what it takes, and who comes of it."""

import pytest
from multidict import CIMultiDict

from steersman.api.errors import InternalError
from steersman.api.http import User
from steersman.apiserver import impersonation

ADMIN = User("admin")


def became(*headers: tuple[str, str]) -> User | None:
    asked = impersonation.asked(CIMultiDict(headers))
    return None if asked is None else impersonation.become(asked)


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ([], None),
        ([("Accept", "x"), ("Impersonate-Nothing", "x")], None),
        ([("Impersonate-User", "joe")], User("joe", ("system:authenticated",))),
        (
            [("Impersonate-User", "joe"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b")],
            User("joe", ("a", "b", "system:authenticated")),
        ),
        (
            [("Impersonate-User", "system:serviceaccount:ns:sa")],
            User(
                "system:serviceaccount:ns:sa",
                ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"),
            ),
        ),
        ([("Impersonate-User", "system:anonymous")], User("system:anonymous", ("system:unauthenticated",))),
        (
            [("Impersonate-User", "joe"), ("Impersonate-Uid", "7"), ("Impersonate-Extra-Acme.com%2Fteam", "x")],
            User("joe", ("system:authenticated",), "7", {"acme.com/team": ("x",)}),
        ),
    ],
)
def test_become(headers: list[tuple[str, str]], user: User | None) -> None:
    assert became(*headers) == user


def test_no_user() -> None:
    with pytest.raises(InternalError, match="without impersonating a user"):
        became(("Impersonate-Group", "system:masters"))


def test_needed() -> None:
    asked = impersonation.Asked("system:serviceaccount:ns:sa", ["g"], "7", {"k": ["v"]})
    found = [(a.group, a.full_resource, a.namespace, a.name) for a in impersonation.needed(ADMIN, asked)]
    assert found == [
        ("", "serviceaccounts", "ns", "sa"),
        ("", "groups", "", "g"),
        ("authentication.k8s.io", "uids", "", "7"),
        ("authentication.k8s.io", "userextras/k", "", "v"),
    ]
    plain = next(impersonation.needed(ADMIN, impersonation.Asked("system:serviceaccount:ns")))
    assert (plain.verb, plain.resource, plain.name) == ("impersonate", "users", "system:serviceaccount:ns")
