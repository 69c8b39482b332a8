"""Giving oneself rights: roles above one's own, bindings to them, aggregation, impersonation, tokens of others."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiprocess import ApiProcess
from tests.attacks.conftest import EVE, NAMESPACE, Grants

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ALL = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
EVERY_PATH = {"nonResourceURLs": ["*"], "verbs": ["*"]}
PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
WRITES = {
    "apiGroups": ["rbac.authorization.k8s.io"],
    "resources": ["roles", "rolebindings", "clusterroles", "clusterrolebindings"],
    "verbs": ["create", "update", "patch", "get", "delete"],
}
EVERYTHING = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
TO_EVE = [{"kind": "User", "name": "eve", "apiGroup": "rbac.authorization.k8s.io"}]


def is_admin(server: ApiProcess) -> bool:
    return server.ask("GET", "/api/v1/namespaces/kube-system/secrets", user=EVE).status == 200


@pytest.mark.parametrize(
    "rule", [ALL, EVERY_PATH, {**PODS, "verbs": ["*"]}, {**PODS, "resources": ["*"]}, {**PODS, "apiGroups": ["*"]}]
)
@pytest.mark.parametrize("kind", ["clusterroles", f"namespaces/{NAMESPACE}/roles"])
def test_no_role_above_ones_own(server: ApiProcess, grant: Grants, rule: dict[str, Any], kind: str) -> None:
    grant(WRITES, PODS)
    answer = server.ask("POST", f"{RBAC}/{kind}", {"metadata": {"name": "mine"}, "rules": [rule]}, user=EVE)
    assert answer.status in (403, 422), answer.body
    if answer.status == 403:
        assert "attempting to grant RBAC permissions not currently held" in answer.message


def test_ones_own_rights_can_be_given(server: ApiProcess, grant: Grants) -> None:
    grant(WRITES, PODS)
    grant.keep(f"{RBAC}/clusterroles", {"metadata": {"name": "other"}, "rules": []})
    answer = server.ask("PUT", f"{RBAC}/clusterroles/other", {"metadata": {"name": "other"}, "rules": [PODS]}, user=EVE)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize(
    "media", ["merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml", "json-patch+json"]
)
def test_no_patch_makes_a_role_above_ones_own(server: ApiProcess, grant: Grants, media: str) -> None:
    grant(WRITES, PODS)
    grant.keep(f"{RBAC}/clusterroles", {"metadata": {"name": "weak"}, "rules": [PODS]})
    body: Any = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": [ALL]}
    if media == "json-patch+json":
        body = [{"op": "replace", "path": "/rules/0/verbs/0", "value": "*"}]
    path = f"{RBAC}/clusterroles/weak?fieldManager=eve&force=true" if "apply" in media else f"{RBAC}/clusterroles/weak"
    answer = server.ask("PATCH", path, body, {"Content-Type": f"application/{media}"}, user=EVE)
    assert answer.status == 403, answer.body


@pytest.mark.parametrize("where", ["clusterrolebindings", f"namespaces/{NAMESPACE}/rolebindings"])
def test_nobody_binds_what_they_do_not_have(server: ApiProcess, grant: Grants, where: str) -> None:
    grant(WRITES)
    binding = {"metadata": {"name": "mine"}, "subjects": TO_EVE, "roleRef": EVERYTHING}
    answer = server.ask("POST", f"{RBAC}/{where}", binding, user=EVE)
    assert answer.status == 403
    assert "attempting to grant RBAC permissions not currently held" in answer.message
    assert not is_admin(server)


def test_a_role_that_is_not_there_is_not_bound_in_advance(server: ApiProcess, grant: Grants) -> None:
    grant(WRITES)
    reference = {**EVERYTHING, "name": "to-be-made-later"}
    binding = {"metadata": {"name": "mine"}, "subjects": TO_EVE, "roleRef": reference}
    assert server.ask("POST", f"{RBAC}/clusterrolebindings", binding, user=EVE).status in (403, 404)


def test_what_a_binding_refers_to_does_not_change(server: ApiProcess, grant: Grants) -> None:
    grant(WRITES, PODS)
    grant.keep(f"{RBAC}/clusterroles", {"metadata": {"name": "weak"}, "rules": [PODS]})
    binding = {"metadata": {"name": "weak"}, "subjects": TO_EVE, "roleRef": {**EVERYTHING, "name": "weak"}}
    grant.keep(f"{RBAC}/clusterrolebindings", binding)
    answer = server.ask("PUT", f"{RBAC}/clusterrolebindings/weak", {**binding, "roleRef": EVERYTHING}, user=EVE)
    assert answer.status in (403, 422)
    assert not is_admin(server)


def test_a_label_does_not_add_rights_to_aggregated_roles(server: ApiProcess, grant: Grants) -> None:
    grant(WRITES, PODS)
    labelled = {
        "metadata": {"name": "more", "labels": {"rbac.authorization.k8s.io/aggregate-to-admin": "true"}},
        "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["delete"]}],
    }
    assert server.ask("POST", f"{RBAC}/clusterroles", labelled, user=EVE).status == 403


def test_an_aggregation_rule_needs_all_rights(server: ApiProcess, grant: Grants) -> None:
    grant(WRITES, PODS)
    role = {
        "metadata": {"name": "sum"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {}}]},
        "rules": [],
    }
    assert server.ask("POST", f"{RBAC}/clusterroles", role, user=EVE).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Impersonate-User": "admin", "Impersonate-Group": "system:masters"},
        {"Impersonate-User": "system:admin"},
        {"Impersonate-User": f"system:serviceaccount:{NAMESPACE}:default"},
        {"Impersonate-User": "eve", "Impersonate-Group": "system:masters"},
        {"Impersonate-User": "eve", "Impersonate-Uid": "1"},
        {"Impersonate-User": "eve", "Impersonate-Extra-Scopes": "all"},
        {"Impersonate-User": "system:node:n1", "Impersonate-Group": "system:nodes"},
        {"Impersonate-User": "system:anonymous"},
    ],
)
def test_nobody_is_impersonated_without_the_right(server: ApiProcess, headers: dict[str, str]) -> None:
    answer = server.ask("GET", "/api/v1/namespaces", headers=headers, user=EVE)
    assert answer.status == 403
    assert "cannot impersonate" in answer.message


@pytest.mark.parametrize(
    "headers", [{"Impersonate-Group": "system:masters"}, {"Impersonate-Uid": "1"}, {"Impersonate-Extra-X": "1"}]
)
def test_an_impersonation_of_nobody_is_refused(server: ApiProcess, headers: dict[str, str]) -> None:
    answer = server.ask("GET", "/api/v1/namespaces", headers=headers, user=EVE)
    assert answer.status >= 400


def test_the_right_to_impersonate_users_is_not_one_for_groups(server: ApiProcess, grant: Grants) -> None:
    grant({"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]})
    mine = {"Impersonate-User": "bob"}
    assert "bob" in server.ask("GET", "/api/v1/namespaces", headers=mine, user=EVE).message
    more = {**mine, "Impersonate-Group": "system:masters"}
    answer = server.ask("GET", "/api/v1/namespaces", headers=more, user=EVE)
    assert answer.status == 403
    assert "cannot impersonate" in answer.message
    account = {"Impersonate-User": f"system:serviceaccount:{NAMESPACE}:default"}
    assert "cannot impersonate" in server.ask("GET", "/api/v1/namespaces", headers=account, user=EVE).message


def test_no_tokens_of_others(server: ApiProcess, grant: Grants) -> None:
    token = {"resources": ["serviceaccounts/token"], "apiGroups": [""], "verbs": ["create"]}
    grant({**token, "resourceNames": ["other"]}, namespace=NAMESPACE)
    base = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
    assert server.ask("POST", f"{base}/default/token", {"spec": {}}, user=EVE).status == 403
    assert server.ask("POST", f"{base}/other/token", {"spec": {}}, user=EVE).status == 201
    elsewhere = {"metadata": {"name": "default"}, "spec": {}}
    assert server.ask("POST", f"{base}/other/token", elsewhere, user=EVE).status == 422
    assert (
        server.ask("POST", "/api/v1/namespaces/kube-system/serviceaccounts/other/token", {"spec": {}}, user=EVE).status
        == 403
    )


def test_a_secret_is_not_made_a_token_of_another_account(server: ApiProcess, grant: Grants) -> None:
    """Who may create and read secrets gets no token by a secret that names an account, unless it is there to be filled."""
    grant({"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}, namespace=NAMESPACE)
    secret = {
        "metadata": {"name": "t", "annotations": {"kubernetes.io/service-account.name": "nobody"}},
        "type": "kubernetes.io/service-account-token",
    }
    server.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/secrets", secret, user=EVE)
    found = server.ask("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/t")
    assert found.status == 404 or "token" not in (found.json.get("data") or {})


def test_tokens_that_somebody_else_has_signed_are_no_good(server: ApiProcess) -> None:
    import base64
    import json

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    claims = {
        "iss": "https://kubernetes.default.svc.cluster.local",
        "sub": f"system:serviceaccount:{NAMESPACE}:default",
        "aud": ["https://kubernetes.default.svc.cluster.local"],
        "exp": 4_000_000_000,
    }
    for header in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "ES256"}, {"alg": "ES256", "kid": "../../etc/passwd"}):
        for signature in ("", "AAAA", "A" * 86):
            token = f"{part(header)}.{part(claims)}.{signature}"
            answer = server.ask("GET", "/api/v1/namespaces", headers={"Authorization": f"Bearer {token}"}, user=None)
            assert answer.status == 401, header


def test_kubectl_is_told_so_too(server: ApiProcess, grant: Grants) -> None:
    grant(WRITES)
    done = server.kubectl("create", "clusterrolebinding", "mine", "--clusterrole=cluster-admin", "--user=eve", user=EVE)
    assert done.returncode == 1
    assert "attempting to grant RBAC permissions not currently held" in done.stderr
    done = server.kubectl("get", "--raw=/api", "--as=admin", "--as-group=system:masters", user=EVE)
    assert "cannot impersonate" in done.stderr
    assert server.kubectl("auth", "can-i", "*", "*", user=EVE).stdout.strip() == "no"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1{}/namespaces", None),
        ("GET", "/api/v1{}/namespaces/kube-system", None),
        ("POST", "/api/v1{}/namespaces", {"metadata": {"name": "stolen"}}),
        ("PATCH", "/api/v1{}/namespaces/kube-system", {"metadata": {"labels": {"a": "b"}}}),
        ("PATCH", "/api/v1{}/namespaces/kube-system/status", {}),
        ("DELETE", "/api/v1{}/namespaces/kube-system", None),
        ("DELETE", "/api/v1{}/namespaces", None),
        ("GET", "/api/v1/watch{}/namespaces", None),
        ("GET", "/api/v1{}/nodes", None),
        ("GET", "/api/v1{}/componentstatuses", None),
        (
            "POST",
            "/apis/authorization.k8s.io/v1{}/subjectaccessreviews",
            {"spec": {"user": "joe", "resourceAttributes": {"verb": "get", "resource": "secrets"}}},
        ),
        ("POST", "/apis/authentication.k8s.io/v1{}/tokenreviews", {"spec": {"token": "x"}}),
        ("DELETE", f"{RBAC}{{}}/clusterroles/view", None),
    ],
)
def test_all_rights_in_a_namespace_reach_nothing_outside(
    server: ApiProcess, grant: Grants, method: str, path: str, body: Any
) -> None:
    grant(ALL, namespace=NAMESPACE)
    headers = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
    answer = server.ask(method, path.format(f"/namespaces/{NAMESPACE}"), body, headers, user=EVE)
    assert answer.status == 404, answer.body
    own = server.ask("GET", f"/api/v1/namespaces/{NAMESPACE}", user=EVE)
    assert own.status == 200, own.body


def test_all_namespaces_do_not_end_by_one_request(server: ApiProcess) -> None:
    assert server.ask("DELETE", "/api/v1/namespaces").status == 405


@pytest.mark.parametrize("target", ["pods/victim/eviction", "serviceaccounts/other/token", "pods"])
@pytest.mark.parametrize("url", [False, True])
def test_a_webhook_does_not_make_the_server_act(server: ApiProcess, grant: Grants, target: str, url: bool) -> None:
    """Who may say where webhooks are has the server, which may do everything, post to its own paths for him."""
    hooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    grant({"apiGroups": ["admissionregistration.k8s.io"], "resources": ["*"], "verbs": ["create"]})
    grant({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}, namespace=NAMESPACE)
    grant.keep(
        f"/api/v1/namespaces/{NAMESPACE}/pods",
        {"metadata": {"name": "victim"}, "spec": {"containers": [{"name": "c", "image": "x"}]}},
    )
    path = f"/api/v1/namespaces/{NAMESPACE}/{target}"
    service = {"namespace": "default", "name": "kubernetes", "path": path}
    hook = {
        "name": "a.eve.example",
        "clientConfig": {"url": f"https://kubernetes.default.svc{path}"} if url else {"service": service},
        "rules": [{"apiGroups": [""], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["configmaps"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    made = server.ask("POST", hooks, {"metadata": {"name": "eves"}, "webhooks": [hook]}, user=EVE)
    assert made.status == 201, made.body
    try:
        answer = server.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/configmaps", {"metadata": {"name": "m"}}, user=EVE)
        assert answer.status == 500, answer.body
        assert "failed calling webhook" in answer.message
        assert "eyJ" not in answer.message
        victim = server.ask("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/victim")
        assert victim.status == 200, victim.body
        assert not victim.json["metadata"].get("deletionTimestamp")
    finally:
        server.ask("DELETE", f"{hooks}/eves")
