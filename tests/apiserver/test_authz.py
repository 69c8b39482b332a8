"""Who may do what: roles, reviews, impersonation, and what is remembered of them."""

from dataclasses import replace
from typing import Any

import pytest
from tests.apiserver.conftest import MAPS, PODS, Api

from steersman.api.http import Request, User
from steersman.apiserver.authz import Attributes, Rule

RBAC = "/apis/rbac.authorization.k8s.io/v1"
JOE = User("joe", ("team", "system:authenticated"))
REVIEW = "/apis/authorization.k8s.io/v1"


@pytest.mark.parametrize(
    ("rule", "attributes", "allowed"),
    [
        (Rule(("get",), ("",), ("pods",)), Attributes(JOE, "get", True, "", "pods"), True),
        (Rule(("get",), ("",), ("pods",)), Attributes(JOE, "list", True, "", "pods"), False),
        (Rule(("get",), ("",), ("pods",)), Attributes(JOE, "get", True, "apps", "pods"), False),
        (Rule(("get",), ("",), ("pods",)), Attributes(JOE, "get", True, "", "pods", "log"), False),
        (Rule(("get",), ("",), ("pods/log",)), Attributes(JOE, "get", True, "", "pods", "log"), True),
        (Rule(("get",), ("",), ("*/log",)), Attributes(JOE, "get", True, "", "pods", "log"), True),
        (Rule(("*",), ("*",), ("*",)), Attributes(JOE, "x", True, "a", "b", "c"), True),
        (Rule(("get",), ("",), ("pods",), ("a",)), Attributes(JOE, "get", True, "", "pods", name="a"), True),
        (Rule(("get",), ("",), ("pods",), ("a",)), Attributes(JOE, "get", True, "", "pods", name="b"), False),
        (Rule(("get",), ("",), ("pods",), ("a",)), Attributes(JOE, "get", True, "", "pods"), False),
        (Rule(("get",), paths=("/x/*",)), Attributes(JOE, "get", False, path="/x/y"), True),
        (Rule(("get",), paths=("/x",)), Attributes(JOE, "get", False, path="/x/y"), False),
        (Rule(("get",), paths=("*",)), Attributes(JOE, "get", False, path="/x/y"), True),
        (Rule(("*",), ("*",), ("*",)), Attributes(JOE, "get", False, path="/x"), False),
    ],
)
def test_rules(rule: Rule, attributes: Attributes, allowed: bool) -> None:
    assert rule.allows(attributes) is allowed


async def grant(api: Api, subject: dict[str, str], rule: dict[str, Any], *, cluster: bool) -> None:
    role = "clusterroles" if cluster else "namespaces/default/roles"
    kind = "ClusterRole" if cluster else "Role"
    await api.post(f"{RBAC}/{role}", {"metadata": {"name": "r"}, "rules": [rule]})
    body = {
        "metadata": {"name": "b"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "r"},
        "subjects": [subject],
    }
    binding = "clusterrolebindings" if cluster else "namespaces/default/rolebindings"
    await api.post(f"{RBAC}/{binding}", body)


SUBJECTS = [
    ({"kind": "User", "name": "joe", "apiGroup": "rbac.authorization.k8s.io"}, JOE),
    ({"kind": "Group", "name": "team", "apiGroup": "rbac.authorization.k8s.io"}, JOE),
    (
        {"kind": "ServiceAccount", "name": "default", "namespace": "default"},
        User("system:serviceaccount:default:default", ("system:authenticated",)),
    ),
]


@pytest.mark.parametrize(("subject", "user"), SUBJECTS, ids=["user", "group", "serviceaccount"])
async def test_a_role_holds_in_its_namespace(api: Api, subject: dict[str, str], user: User) -> None:
    joe = api.as_(user)
    await joe.get(PODS, code=403)
    await grant(api, subject, {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}, cluster=False)
    await joe.get(PODS)
    await joe.get("/api/v1/namespaces/kube-system/pods", code=403)
    await joe.get("/api/v1/pods", code=403)
    await joe.get(f"{PODS}/a", code=403)
    await api.delete(f"{RBAC}/namespaces/default/rolebindings/b")
    await joe.get(PODS, code=403)


async def test_a_cluster_role_holds_everywhere(api: Api) -> None:
    rule = {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}
    await grant(api, SUBJECTS[0][0], rule, cluster=True)
    for path in (PODS, "/api/v1/pods"):
        await api.as_(JOE).get(path)


async def test_names(api: Api) -> None:
    rule = {"verbs": ["list", "get"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["a"]}
    await grant(api, SUBJECTS[0][0], rule, cluster=True)
    joe = api.as_(JOE)
    await joe.get(f"{MAPS}/a", code=404)
    await joe.get(f"{MAPS}/b", code=403)
    await joe.get(MAPS, code=403)
    await joe.get(f"{MAPS}?fieldSelector=metadata.name=a")


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        (
            "GET",
            PODS,
            'pods is forbidden: User "joe" cannot list resource "pods" in API group "" in the namespace "default"',
        ),
        (
            "GET",
            "/api/v1/nodes/n",
            'nodes "n" is forbidden: User "joe" cannot get resource "nodes" in API group "" at the cluster scope',
        ),
        (
            "GET",
            f"{PODS}/a/log",
            'pods "a" is forbidden: User "joe" cannot get resource "pods/log" in API group "" in the namespace "default"',
        ),
        (
            "POST",
            "/apis/apps/v1/namespaces/x/deployments",
            'deployments.apps is forbidden: User "joe" cannot create resource "deployments" in API group "apps" '
            'in the namespace "x"',
        ),
        ("GET", "/metrics", 'forbidden: User "joe" cannot get path "/metrics"'),
    ],
)
async def test_refusals(api: Api, method: str, path: str, message: str) -> None:
    answer = await api.as_(JOE).do(method, path, code=403)
    assert (answer["reason"], answer["message"]) == ("Forbidden", message)


async def test_everybody_may_look_at_what_is_served(api: Api) -> None:
    for path in ("/api", "/apis", "/api/v1", "/apis/apps/v1", "/version"):
        await api.as_(JOE).get(path)


@pytest.mark.parametrize(
    ("name", "group", "path", "code"),
    [
        ("system:kube-scheduler", "", "/api/v1/pods", 200),
        ("system:kube-scheduler", "", "/api/v1/secrets", 403),
        ("system:kube-controller-manager", "", "/api/v1/secrets", 200),
        ("system:kube-proxy", "", "/apis/discovery.k8s.io/v1/endpointslices", 200),
        ("system:kube-proxy", "", "/api/v1/secrets", 403),
        ("system:node:n", "system:nodes", "/api/v1/pods", 403),
        ("system:node:n", "system:nodes", "/api/v1/pods?fieldSelector=spec.nodeName=n", 200),
        ("system:steersman-dns", "", "/api/v1/services", 200),
    ],
)
async def test_the_parts_of_the_cluster(api: Api, name: str, group: str, path: str, code: int) -> None:
    await api.as_(User(name, (group, "system:authenticated"))).get(path, code=code)


async def test_access_reviews(api: Api) -> None:
    await grant(api, SUBJECTS[0][0], {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}, cluster=False)
    joe = api.as_(JOE)
    for verb, allowed in (("list", True), ("get", False)):
        attributes = {"verb": verb, "resource": "pods", "namespace": "default"}
        own = await joe.post(f"{REVIEW}/selfsubjectaccessreviews", {"spec": {"resourceAttributes": attributes}})
        assert own["status"]["allowed"] is allowed
        asked = {"spec": {"resourceAttributes": attributes, "user": "joe"}}
        assert (await api.post(f"{REVIEW}/subjectaccessreviews", asked))["status"]["allowed"] is allowed
        local = f"{REVIEW}/namespaces/default/localsubjectaccessreviews"
        assert (await api.post(local, asked))["status"]["allowed"] is allowed
    rules = await joe.post(f"{REVIEW}/selfsubjectrulesreviews", {"spec": {"namespace": "default"}})
    assert {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]} in rules["status"]["resourceRules"]
    await joe.post(f"{REVIEW}/subjectaccessreviews", {"spec": {"user": "joe"}}, code=403)
    await api.post(f"{REVIEW}/subjectaccessreviews", {"spec": {"user": "joe"}}, code=422)


async def test_impersonation(api: Api) -> None:
    headers = {"impersonate-user": "joe"}
    answer = await api.do("GET", PODS, None, headers, code=403)
    assert 'User "joe" cannot list' in answer["message"]
    answer = await api.as_(JOE).do("GET", PODS, None, {"impersonate-user": "admin"}, code=403)
    assert 'User "joe" cannot impersonate' in answer["message"]


async def test_what_is_remembered_is_forgotten_when_roles_change(api: Api) -> None:
    subject, user = SUBJECTS[0]
    asked = Request("GET", MAPS, user=user)
    assert (await api.app.handle(asked)).status == 403
    rule = {"verbs": ["list"], "apiGroups": [""], "resources": ["configmaps"]}
    await grant(api, subject, rule, cluster=False)
    for _ in range(2):
        assert (await api.app.handle(asked)).status == 200
        assert (await api.app.handle(Request("GET", f"{MAPS}/a", user=user))).status == 403
        assert (await api.app.handle(Request("GET", "/api/v1/configmaps", user=user))).status == 403
        assert (await api.app.handle(Request("GET", MAPS, user=replace(user, name="jane", groups=())))).status == 403
    await api.delete(f"{RBAC}/namespaces/default/rolebindings/b")
    assert (await api.app.handle(asked)).status == 403


async def test_what_names_allow_is_not_remembered_for_others(api: Api) -> None:
    subject, user = SUBJECTS[0]
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["a"]}
    await grant(api, subject, rule, cluster=False)
    for name, status in (("a", 404), ("b", 403), ("a", 404)):
        assert (await api.app.handle(Request("GET", f"{MAPS}/{name}", user=user))).status == status


async def test_a_put_that_creates_takes_the_right_to_create(api: Api) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    rule = {"verbs": ["update"], "apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    await grant(api, SUBJECTS[0][0], rule, cluster=False)
    answer = await api.as_(JOE).put(f"{path}/a", {"metadata": {"name": "a"}}, code=403)
    assert 'User "joe" cannot create resource "leases"' in answer["message"]
    made = await api.put(f"{path}/a", {"metadata": {"name": "a"}}, code=201)
    await api.as_(JOE).put(f"{path}/a", {**made, "spec": {"holderIdentity": "x"}})
