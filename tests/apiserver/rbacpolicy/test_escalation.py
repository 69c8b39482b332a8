"""Nobody gives rights that they do not have: roles, bindings, aggregation, by every way of writing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.conftest import Api

from steersman.api.http import User

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROLES, BINDINGS = f"{RBAC}/namespaces/default/roles", f"{RBAC}/namespaces/default/rolebindings"
CLUSTER_ROLES, CLUSTER_BINDINGS = f"{RBAC}/clusterroles", f"{RBAC}/clusterrolebindings"
JOE = User("joe", ("devs", "system:authenticated"))
PODS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}
SECRETS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["secrets"]}
WRITING = {"verbs": ["*"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["*"]}
TAKING = {
    "verbs": ["create", "get", "update", "patch", "delete"],
    "apiGroups": ["rbac.authorization.k8s.io"],
    "resources": ["roles", "rolebindings", "clusterroles", "clusterrolebindings"],
}
ATTEMPT = (
    'user "joe" (groups=["devs" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
)
LACKS_SECRETS = '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}'


def role(name: str, *rules: dict[str, Any], kind: str = "Role", **fields: Any) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name, **fields.pop("metadata", {})},
        "rules": list(rules),
        **fields,
    }


def binding(
    name: str, to: str, kind: str = "RoleBinding", to_kind: str = "ClusterRole", whom: str = "joe"
) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": to_kind, "name": to},
        "subjects": [{"kind": "User", "name": whom, "apiGroup": "rbac.authorization.k8s.io"}],
    }


@pytest.fixture
async def joe(api: Api) -> Api:
    """May write roles and bindings everywhere, and read pods; nothing else."""
    await api.post(CLUSTER_ROLES, role("joe", PODS, TAKING, kind="ClusterRole"))
    await api.post(CLUSTER_BINDINGS, binding("joe", "joe", "ClusterRoleBinding"))
    await api.post(CLUSTER_ROLES, role("secrets", SECRETS, kind="ClusterRole"))
    await api.post(CLUSTER_ROLES, role("pods", PODS, kind="ClusterRole"))
    await api.post(ROLES, role("secrets", SECRETS))
    return api.as_(JOE)


async def test_a_role_within_ones_own_rights(joe: Api) -> None:
    await joe.post(ROLES, role("fine", PODS))
    await joe.put(f"{ROLES}/fine", role("fine", {**PODS, "verbs": ["get"]}))
    await joe.post(CLUSTER_ROLES, role("fine", PODS, kind="ClusterRole"))


async def test_creating_more_is_refused_in_the_words_of_kubernetes(joe: Api) -> None:
    answer = await joe.post(ROLES, role("more", SECRETS), code=403)
    assert answer["reason"] == "Forbidden"
    assert answer["message"] == f'roles.rbac.authorization.k8s.io "more" is forbidden: {ATTEMPT}{LACKS_SECRETS}'
    assert answer["details"] == {"name": "more", "group": "rbac.authorization.k8s.io", "kind": "roles"}
    answer = await joe.post(CLUSTER_ROLES, role("more", SECRETS, kind="ClusterRole"), code=403)
    assert answer["message"].startswith('clusterroles.rbac.authorization.k8s.io "more" is forbidden: user "joe"')


async def test_every_missing_right_is_named_in_order(joe: Api) -> None:
    rules = [
        {"verbs": ["get"], "nonResourceURLs": ["/metrics"]},
        {"verbs": ["get", "delete"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a", "b"]},
        SECRETS,
    ]
    answer = await joe.post(CLUSTER_ROLES, role("more", *rules, kind="ClusterRole"), code=403)
    assert answer["message"].partition("\n")[2].split("\n") == [
        '{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["delete"]}',
        '{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["delete"]}',
        LACKS_SECRETS,
        '{NonResourceURLs:["/metrics"], Verbs:["get"]}',
    ]


@pytest.mark.parametrize("collection", [ROLES, CLUSTER_ROLES])
async def test_no_way_of_writing_goes_around_it(joe: Api, collection: str) -> None:
    kind = "Role" if collection == ROLES else "ClusterRole"
    await joe.post(collection, role("r", PODS, kind=kind))
    more = role("r", PODS, SECRETS, kind=kind)
    apply = {"content-type": "application/apply-patch+yaml"}
    merge = {"content-type": "application/merge-patch+json"}
    json_patch = {"content-type": "application/json-patch+json"}
    for query in ("", "?dryRun=All"):
        await joe.do("PUT", f"{collection}/r{query}", more, code=403)
        await joe.do("PATCH", f"{collection}/r{query}", {"rules": more["rules"]}, merge, code=403)
        add = [{"op": "add", "path": "/rules/-", "value": SECRETS}]
        await joe.do("PATCH", f"{collection}/r{query}", add, json_patch, code=403)
        sep = "&" if query else "?"
        path = f"{collection}/r{query}{sep}fieldManager=m&force=true"
        await joe.do("PATCH", path, more, apply, code=403)
        await joe.do("POST", f"{collection}{query}", {**more, "metadata": {"name": "new"}}, code=403)
        await joe.do("PUT", f"{collection}/new{query}", {**more, "metadata": {"name": "new"}}, code=403)
        path = path.replace("/r?", "/new?")
        await joe.do("PATCH", path, {**more, "metadata": {"name": "new"}}, apply, code=403)
    await joe.do("PATCH", f"{collection}/r", {"metadata": {"labels": {"a": "b"}}}, merge)


async def test_what_others_have_put_in_is_not_touched_either(api: Api, joe: Api) -> None:
    """Labels too: they decide what is aggregated."""
    merge = {"content-type": "application/merge-patch+json"}
    await joe.do("PATCH", f"{ROLES}/secrets", {"metadata": {"labels": {"a": "b"}}}, merge, code=403)
    # But what lets it be deleted in the end.
    await joe.do("PATCH", f"{ROLES}/secrets", {"metadata": {"finalizers": ["example.com/x"]}}, merge)
    await joe.do("PATCH", f"{ROLES}/secrets", {"metadata": {"finalizers": None}}, merge)
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "u"}
    await joe.do("PATCH", f"{ROLES}/secrets", {"metadata": {"ownerReferences": [owner]}}, merge)


async def test_escalate(api: Api, joe: Api) -> None:
    await api.post(
        ROLES,
        role("esc", {**WRITING, "verbs": ["escalate"], "resources": ["roles"], "resourceNames": ["allowed"]}),
    )
    await api.post(BINDINGS, binding("esc", "esc", to_kind="Role"))
    await joe.put(f"{ROLES}/allowed", role("allowed", SECRETS))
    await joe.put(f"{ROLES}/other", role("other", SECRETS), code=403)
    # A POST names nobody.
    await joe.delete(f"{ROLES}/allowed")
    await joe.post(ROLES, role("allowed", SECRETS), code=403)
    await api.post(ROLES, role("esc2", {**WRITING, "verbs": ["escalate"], "resources": ["roles"]}))
    await api.post(BINDINGS, binding("esc2", "esc2", to_kind="Role"))
    await joe.post(ROLES, role("allowed", SECRETS))
    await joe.post(CLUSTER_ROLES, role("allowed", SECRETS, kind="ClusterRole"), code=403)


async def test_a_star_in_the_group_does_escalate(api: Api) -> None:
    """`*` on roles includes the verbs that nobody thinks of: that is what it says."""
    await api.post(CLUSTER_ROLES, role("star", WRITING, kind="ClusterRole"))
    await api.post(CLUSTER_BINDINGS, binding("star", "star", "ClusterRoleBinding"))
    await api.as_(JOE).post(CLUSTER_ROLES, role("all", SECRETS, kind="ClusterRole"))


async def test_bindings_need_the_rights_of_the_role(joe: Api) -> None:
    answer = await joe.post(BINDINGS, binding("b", "secrets"), code=403)
    assert answer["message"] == (f'rolebindings.rbac.authorization.k8s.io "b" is forbidden: {ATTEMPT}{LACKS_SECRETS}')
    await joe.post(BINDINGS, binding("b", "secrets", to_kind="Role"), code=403)
    await joe.post(CLUSTER_BINDINGS, binding("b", "secrets", "ClusterRoleBinding"), code=403)
    answer = await joe.post(CLUSTER_BINDINGS, binding("b", "cluster-admin", "ClusterRoleBinding"), code=403)
    assert '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n{NonResourceURLs:["*"], Verbs:["*"]}' in answer["message"]
    await joe.post(BINDINGS, binding("b", "pods"))
    await joe.put(f"{BINDINGS}/b", {**binding("b", "pods"), "subjects": []})
    await joe.post(CLUSTER_BINDINGS, binding("b", "pods", "ClusterRoleBinding"))


async def test_a_role_that_is_not_there_cannot_be_bound(joe: Api) -> None:
    answer = await joe.post(BINDINGS, binding("b", "nothing"), code=404)
    assert answer["message"] == 'clusterroles.rbac.authorization.k8s.io "nothing" not found'
    answer = await joe.post(BINDINGS, binding("b", "nothing", to_kind="Role"), code=404)
    assert answer["message"] == 'roles.rbac.authorization.k8s.io "nothing" not found'


async def test_bind(api: Api, joe: Api) -> None:
    bind = {**WRITING, "verbs": ["bind"], "resources": ["clusterroles"], "resourceNames": ["secrets", "nothing"]}
    await api.post(ROLES, role("binder", bind))
    await api.post(BINDINGS, binding("binder", "binder", to_kind="Role"))
    await joe.post(BINDINGS, binding("b", "secrets", whom="ann"))
    await joe.post(BINDINGS, binding("later", "nothing", whom="ann"))
    await joe.post(BINDINGS, binding("c", "cluster-admin"), code=403)
    await joe.post(CLUSTER_BINDINGS, binding("b", "secrets", "ClusterRoleBinding"), code=403)
    await joe.post(BINDINGS, binding("d", "secrets", to_kind="Role"), code=403)


async def test_rights_in_a_namespace_count_there_only(api: Api, joe: Api) -> None:
    await api.post(BINDINGS, binding("grant", "secrets"))
    await joe.post(ROLES, role("fine", SECRETS))
    await joe.post(f"{RBAC}/namespaces/kube-public/roles", role("more", SECRETS), code=403)
    await joe.post(CLUSTER_ROLES, role("more", SECRETS, kind="ClusterRole"), code=403)


async def test_aggregation_needs_everything(api: Api, joe: Api) -> None:
    collecting = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
    answer = await joe.post(CLUSTER_ROLES, role("sum", kind="ClusterRole", aggregationRule=collecting), code=403)
    assert answer["message"] == (
        'clusterroles.rbac.authorization.k8s.io "sum" is forbidden: '
        "must have cluster-admin privileges to use the aggregationRule"
    )
    await api.post(CLUSTER_ROLES, role("sum", kind="ClusterRole", aggregationRule=collecting))
    await joe.put(f"{CLUSTER_ROLES}/sum", role("sum", kind="ClusterRole"), code=403)
    await api.post(CLUSTER_BINDINGS, binding("root", "cluster-admin", "ClusterRoleBinding"))
    await joe.put(f"{CLUSTER_ROLES}/sum", role("sum", kind="ClusterRole"))
    await joe.put(f"{CLUSTER_ROLES}/sum", role("sum", kind="ClusterRole", aggregationRule=collecting))


async def test_a_bound_role_that_is_gone_is_told(api: Api, joe: Api) -> None:
    await api.post(BINDINGS, binding("gone", "gone"))
    answer = await joe.post(ROLES, role("more", SECRETS), code=403)
    assert answer["message"].endswith(
        f'{LACKS_SECRETS}; resolution errors: [clusterrole.rbac.authorization.k8s.io "gone" not found]'
    )


async def test_masters_may_do_everything(api: Api) -> None:
    master = api.as_(User("root", ("system:masters", "system:authenticated")))
    await master.post(CLUSTER_ROLES, role("all", SECRETS, kind="ClusterRole"))
    await master.post(CLUSTER_BINDINGS, binding("early", "not-yet", "ClusterRoleBinding"))


async def test_whoever_becomes_another_has_the_others_rights(api: Api, joe: Api) -> None:
    await api.do("POST", ROLES, role("more", SECRETS), {"impersonate-user": "joe"}, code=403)


@pytest.mark.parametrize("version", ["v1beta1", "v1alpha1"])
async def test_older_versions_are_no_way_around(joe: Api, version: str) -> None:
    group = "rbac.authorization.k8s.io"
    at = f"/apis/{group}/{version}"
    more = {**role("more", SECRETS, kind="ClusterRole"), "apiVersion": f"{group}/{version}"}
    answer = await joe.post(f"{at}/clusterroles", more, code=403)
    assert LACKS_SECRETS in answer["message"]
    to = {**binding("b", "cluster-admin", "ClusterRoleBinding"), "apiVersion": f"{group}/{version}"}
    if version == "v1alpha1":
        to["subjects"] = [{"kind": "User", "name": "joe", "apiVersion": f"{group}/{version}"}]
    answer = await joe.post(f"{at}/clusterrolebindings", to, code=403)
    assert '{NonResourceURLs:["*"], Verbs:["*"]}' in answer["message"]


async def test_the_garbage_collector_may_collect_roles(api: Api, joe: Api) -> None:
    """It may change what decides of their deletion, whatever they give."""
    groups = ("system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated")
    collector = api.as_(User("system:serviceaccount:kube-system:generic-garbage-collector", groups))
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "u"}
    owned = role(
        "owned",
        {**SECRETS, "verbs": ["create"]},
        metadata={"ownerReferences": [owner], "finalizers": ["foregroundDeletion"]},
    )
    await api.post(ROLES, owned)
    await collector.patch(f"{ROLES}/owned", {"metadata": {"ownerReferences": None}})
    await collector.delete(f"{ROLES}/owned")
    await collector.patch(f"{ROLES}/owned", {"metadata": {"finalizers": None}})
    await api.get(f"{ROLES}/owned", code=404)
    await api.post(ROLES, role("kept", SECRETS))
    await collector.patch(f"{ROLES}/kept", {"rules": [{**SECRETS, "verbs": ["create"]}]}, code=403)


async def test_what_a_webhook_has_added_is_looked_at_too(api: Api, joe: Api) -> None:
    """The guard sees what is going to be stored."""
    chain = api.app.chain
    mutate = chain.mutate

    async def adding(review: Any) -> None:
        await mutate(review)
        if review.resource.plural == "roles":
            review.object.rules = [*review.object.rules, *wanted.rules]

    wanted = api.app.registries.get(type_of(api, "roles"), "default", "secrets")
    chain.mutate = adding  # type: ignore[method-assign]
    answer = await joe.post(ROLES, role("fine", PODS), code=403)
    assert LACKS_SECRETS in answer["message"]


def type_of(api: Api, plural: str) -> Any:
    registry = api.app.registries.find("rbac.authorization.k8s.io", plural)
    assert registry is not None
    return registry.kind.type
