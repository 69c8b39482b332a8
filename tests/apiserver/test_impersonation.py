"""Impersonation: what the headers ask for, what it takes, and the user it makes."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from multidict import CIMultiDict
from tests.apiserver.conftest import MAPS, Api

from steersman.api.errors import BadRequest, Forbidden
from steersman.api.http import User
from steersman.apiserver import impersonation
from steersman.apiserver.authz import Attributes, forbidden
from steersman.http.head import Fields

ADMIN = User("admin")
POD = User(
    "system:serviceaccount:ns:agent",
    ("system:serviceaccounts",),
    extra={"authentication.kubernetes.io/node-name": ("n1",), "authentication.kubernetes.io/pod-name": ("p",)},
)
LIST = Attributes(ADMIN, "list", group="", resource="pods", namespace="ns", version="v1")
MODES = {mode.name or "legacy": mode for mode in impersonation.MODES}
SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


def became(*headers: tuple[str, str]) -> User | None:
    asked = impersonation.asked(CIMultiDict(headers))
    return None if asked is None else impersonation.become(asked)


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ([], None),
        ([("Accept", "x"), ("Impersonate-Nothing", "x")], None),
        ([("Impersonate-User", "")], None),
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
        (
            [("Impersonate-User", "system:serviceaccount:ns:sa"), ("Impersonate-Group", "system:unauthenticated")],
            User("system:serviceaccount:ns:sa", ("system:unauthenticated",)),
        ),
        (
            [("Impersonate-User", "system:serviceaccount:NS:sa")],
            User("system:serviceaccount:NS:sa", ("system:authenticated",)),
        ),
        ([("Impersonate-User", "system:anonymous")], User("system:anonymous", ("system:unauthenticated",))),
        (
            [("Impersonate-User", "joe"), ("Impersonate-Uid", "7"), ("Impersonate-Extra-Acme.com%2Fteam", "x")],
            User("joe", ("system:authenticated",), "7", {"acme.com/team": ("x",)}),
        ),
        (
            [("Impersonate-User", "joe"), ("Impersonate-Extra-A", "1"), ("impersonate-extra-a", "2")],
            User("joe", ("system:authenticated",), "", {"a": ("1", "2")}),
        ),
        ([("Impersonate-User", "joe"), ("Impersonate-Extra-%zz", "1")], User("joe", ("system:authenticated",), "", {"%zz": ("1",)})),
    ],
)  # fmt: skip
def test_become(headers: list[tuple[str, str]], user: User | None) -> None:
    assert became(*headers) == user


def test_every_value_of_a_head_counts() -> None:
    block = b"impersonate-user: joe\r\nImpersonate-Group: a\r\nIMPERSONATE-GROUP: b\r\nImpersonate-Group: c\r\n"
    asked = impersonation.asked(Fields(block).headers)
    assert asked is not None
    assert (asked.name, asked.groups) == ("joe", ["a", "b", "c"])


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        (
            [("Impersonate-Group", "system:masters")],
            '&user.DefaultInfo{Name:"", UID:"", Groups:[]string{"system:masters"}, Extra:map[string][]string(nil)}',
        ),
        (
            [("Impersonate-Uid", "7"), ("Impersonate-Extra-a", "x")],
            '&user.DefaultInfo{Name:"", UID:"7", Groups:[]string(nil), Extra:map[string][]string{"a":[]string{"x"}}}',
        ),
    ],
)
def test_no_user(headers: list[tuple[str, str]], shown: str) -> None:
    with pytest.raises(BadRequest) as refused:
        became(*headers)
    assert str(refused.value) == f"requested {shown} without impersonating a user name"


ACCOUNT = impersonation.Asked("system:serviceaccount:ns:sa", ["g"], "7", {"k": ["v"]})
NODE = impersonation.Asked("system:node:n1")
JOE = impersonation.Asked("joe", ["g"], "7", {"a.io/k": ["v"]})


@pytest.mark.parametrize(
    ("mode", "requester", "asked", "found"),
    [
        (
            "legacy", ADMIN, ACCOUNT,
            ["impersonate serviceaccounts ns/sa", "impersonate authentication.k8s.io/uids /7", "impersonate groups /g",
             "impersonate authentication.k8s.io/userextras/k /v"],
        ),
        ("legacy", ADMIN, NODE, ["impersonate users /system:node:n1"]),
        ("legacy", ADMIN, impersonation.Asked("system:serviceaccount:ns"), ["impersonate users /system:serviceaccount:ns"]),
        (
            "user-info", ADMIN, JOE,
            ["impersonate-on:user-info:list pods ns/", "impersonate:user-info authentication.k8s.io/users /joe",
             "impersonate:user-info authentication.k8s.io/uids /7", "impersonate:user-info authentication.k8s.io/groups /g",
             "impersonate:user-info authentication.k8s.io/userextras/a.io/k /v"],
        ),
        (
            "serviceaccount", ADMIN, impersonation.Asked("system:serviceaccount:ns:sa"),
            ["impersonate-on:serviceaccount:list pods ns/",
             "impersonate:serviceaccount authentication.k8s.io/serviceaccounts ns/sa"],
        ),
        (
            "arbitrary-node", ADMIN, NODE,
            ["impersonate-on:arbitrary-node:list pods ns/", "impersonate:arbitrary-node authentication.k8s.io/nodes /n1"],
        ),
        (
            "associated-node", POD, NODE,
            ["impersonate-on:associated-node:list pods ns/", "impersonate:associated-node authentication.k8s.io/nodes /*"],
        ),
    ],
)  # fmt: skip
def test_needed(mode: str, requester: User, asked: impersonation.Asked, found: list[str]) -> None:
    assert MODES[mode].concerns(requester, asked)
    assert [line(a) for a in impersonation.needed(requester, asked, MODES[mode], LIST)] == found


def line(a: Attributes) -> str:
    what = f"{a.group}/{a.full_resource}" if a.group else a.full_resource
    return f"{a.verb} {what} {a.namespace}/{a.name}"


def test_where_somebody_runs_gives_no_right() -> None:
    asked = impersonation.needed(POD, NODE, MODES["associated-node"], LIST)
    keys = ("authentication.kubernetes.io/node-name", "authentication.kubernetes.io/pod-name")
    assert {tuple(a.user.extra.items()) for a in asked} == {
        (("authentication.kubernetes.io/associated-node-keys", keys),)
    }


@pytest.mark.parametrize(
    ("mode", "requester", "asked"),
    [
        ("associated-node", POD, impersonation.Asked("system:node:n2")),
        ("associated-node", ADMIN, NODE),
        ("associated-node", POD, impersonation.Asked("system:node:n1", ["g"])),
        ("arbitrary-node", ADMIN, impersonation.Asked("system:node:n1", uid="7")),
        ("arbitrary-node", ADMIN, impersonation.Asked("system:node:N_1")),
        ("serviceaccount", ADMIN, ACCOUNT),
        ("user-info", ADMIN, NODE),
        ("user-info", ADMIN, impersonation.Asked("system:serviceaccount:ns:sa")),
    ],
)
def test_ways_that_are_none(mode: str, requester: User, asked: impersonation.Asked) -> None:
    assert not MODES[mode].concerns(requester, asked)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (impersonation.Asked("joe", ["system:masters"]), "impersonating the system:masters group is not allowed"),
        (impersonation.Asked("joe", ["a", ""]), "impersonating the empty string group is not allowed"),
        (impersonation.Asked("joe", extra={"": ["x"]}), "impersonating the empty string key in extra"),
        (impersonation.Asked("joe", extra={"k": ["x"]}), "impersonating an invalid key in extra is not allowed"),
        (impersonation.Asked("joe", extra={"a.io/k": ["", "x"]}), "impersonating the empty string value in extra"),
    ],
)
def test_what_nobody_may_in_the_new_ways(asked: impersonation.Asked, why: str) -> None:
    with pytest.raises(Forbidden, match=why):
        list(impersonation.needed(ADMIN, asked, MODES["user-info"], LIST))
    assert list(impersonation.needed(ADMIN, asked))


@dataclass
class Rights:
    """Allows what it lists, by its lines."""

    lines: set[str]
    asked: list[str] = field(default_factory=list)

    async def allowed(self, attributes: Attributes) -> bool:
        self.asked.append(line(attributes))
        return line(attributes) in self.lines

    async def check(self, attributes: Attributes) -> None:
        if not await self.allowed(attributes):
            raise forbidden(attributes)


async def test_the_narrowest_way_is_taken() -> None:
    every = {line(a) for mode in MODES.values() for a in impersonation.needed(POD, NODE, mode, LIST)}
    for name in ("associated-node", "arbitrary-node", "legacy"):
        found = await impersonation.impersonate(Rights(every), POD, NODE, LIST)
        assert found.constraint == ("" if name == "legacy" else f"impersonate:{name}")
        assert ("system:nodes" in found.user.groups) is (name != "legacy")
        every -= {line(a) for a in impersonation.needed(POD, NODE, MODES[name], LIST)}
    with pytest.raises(Forbidden) as refused:
        await impersonation.impersonate(Rights(every), POD, NODE, LIST)
    assert 'cannot impersonate-on:associated-node:list resource "pods"' in str(refused.value)


async def test_many_groups_are_asked_for_at_once() -> None:
    asked = impersonation.Asked("joe", ["a", "b", "c", "d"])
    start = {
        "impersonate-on:user-info:list pods ns/",
        "impersonate:user-info authentication.k8s.io/users /joe",
        "impersonate:user-info authentication.k8s.io/groups /*",
    }
    rights = Rights(start)
    assert (await impersonation.impersonate(rights, ADMIN, asked, LIST)).constraint == "impersonate:user-info"
    assert len(rights.asked) == 3


def role(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name}, "rules": list(rules)}


def binding(name: str, user: str) -> dict[str, Any]:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}
    return {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}


async def test_with_rights_by_role(api: Api) -> None:
    joe = api.as_(User("joe", ("system:authenticated",)))
    as_jane = {"impersonate-user": "jane", "impersonate-uid": "7"}
    refused = await joe.do("POST", SELF, {}, as_jane, code=403)
    assert 'User "joe" cannot impersonate-on:user-info:create resource "selfsubjectreviews"' in refused["message"]
    rules = (
        {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "resourceNames": ["jane"]},
        {"verbs": ["impersonate"], "apiGroups": ["authentication.k8s.io"], "resources": ["uids"]},
    )
    await api.post(f"{RBAC}/clusterroles", role("old", *rules))
    await api.post(f"{RBAC}/clusterrolebindings", binding("old", "joe"))
    who = await joe.do("POST", SELF, {}, as_jane)
    assert who["status"]["userInfo"] == {"username": "jane", "uid": "7", "groups": ["system:authenticated"]}
    await joe.do("POST", SELF, {}, {**as_jane, "impersonate-group": "system:masters"}, code=403)
    # The rights are those of whom one is taken for.
    await joe.do("GET", MAPS, None, as_jane, code=403)
    await api.do("GET", MAPS, None, as_jane, code=403)


async def test_constrained_to_what_is_done(api: Api) -> None:
    joe = api.as_(User("joe", ("system:authenticated",)))
    rules = (
        {"verbs": ["impersonate:user-info"], "apiGroups": ["authentication.k8s.io"], "resources": ["users"]},
        {"verbs": ["impersonate-on:user-info:create"], "apiGroups": ["authentication.k8s.io"], "resources": ["*"]},
    )
    await api.post(f"{RBAC}/clusterroles", role("new", *rules))
    await api.post(f"{RBAC}/clusterrolebindings", binding("new", "joe"))
    who = await joe.do("POST", SELF, {}, {"impersonate-user": "jane"})
    assert who["status"]["userInfo"]["username"] == "jane"
    refused = await joe.do("GET", MAPS, None, {"impersonate-user": "jane"}, code=403)
    assert 'User "joe" cannot impersonate-on:user-info:list resource "configmaps"' in refused["message"]


async def test_no_user_is_a_bad_request(api: Api) -> None:
    refused = await api.do("GET", MAPS, None, {"impersonate-group": "g"}, code=400)
    assert refused["message"].endswith("without impersonating a user name")


@pytest.mark.parametrize("header", ["impersonate-user", "impersonate-group", "impersonate-uid", "impersonate-extra-a"])
async def test_what_is_no_text_names_nobody(api: Api, header: str) -> None:
    headers = {"impersonate-user": "joe"} | {header: "jo\udcfc"}
    refused = await api.do("GET", MAPS, None, headers, code=400)
    assert refused["message"] == f"the value of the header {header} is not UTF-8"
