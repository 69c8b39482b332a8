"""Service accounts: their tokens, what every namespace is given, and what they may do."""

import pytest

from steersman.pki import jose

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_should_create_a_serviceaccounttoken_and_ensure_a_successful_tokenreview(api, ns):
    """ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview"""
    path = f"/api/v1/namespaces/{ns}/serviceaccounts"
    await api.post(path, {"metadata": {"name": "tested"}})
    request = await api.post(f"{path}/tested/token", {"spec": {}}, code=201)
    assert request["status"]["token"]
    review = {"spec": {"token": request["status"]["token"]}}
    reviewed = await api.post("/apis/authentication.k8s.io/v1/tokenreviews", review, code=201)
    assert reviewed["status"]["authenticated"] is True
    assert not reviewed["status"].get("error")
    assert reviewed["status"]["user"]["username"] == f"system:serviceaccount:{ns}:tested"


async def test_should_guarantee_kube_root_ca_crt_exist_in_any_namespace(api, ns):
    """ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace"""
    path = f"/api/v1/namespaces/{ns}/configmaps/kube-root-ca.crt"
    first = await api.until(path, lambda o: list(o["data"]) == ["ca.crt"])
    await api.delete(path)
    again = await api.until(path, lambda _: True)
    assert again["data"] == first["data"]
    assert again["metadata"]["uid"] != first["metadata"]["uid"]
    await api.patch(path, {"data": {"ca.crt": ""}})
    await api.until(path, lambda o: o["data"] == first["data"])


async def test_should_update_a_serviceaccount(api, ns):
    """ServiceAccounts should update a ServiceAccount"""
    path = f"/api/v1/namespaces/{ns}/serviceaccounts/tested"
    created = await api.post(
        f"/api/v1/namespaces/{ns}/serviceaccounts",
        {"metadata": {"name": "tested"}, "automountServiceAccountToken": False},
    )
    assert created["automountServiceAccountToken"] is False
    updated = await api.change(path, lambda o: o.update(automountServiceAccountToken=True))
    assert updated["automountServiceAccountToken"] is True
    assert (await api.get(path))["automountServiceAccountToken"] is True


async def test_should_support_subjectreview_api_operations(api, ns):
    """SubjectReview should support SubjectReview API operations"""
    account = await api.post(f"/api/v1/namespaces/{ns}/serviceaccounts", {"metadata": {"name": "tested"}})
    user = f"system:serviceaccount:{ns}:tested"
    groups = ["system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{ns}"]
    maps = f"/api/v1/namespaces/{ns}/configmaps"
    attributes = {"verb": "list", "resource": "configmaps", "namespace": ns, "version": "v1"}
    spec = {"resourceAttributes": attributes, "user": user, "groups": groups, "uid": account["metadata"]["uid"]}
    impersonating = api.as_({"impersonate-user": user, "impersonate-uid": account["metadata"]["uid"]})
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}"
    for allowed in (False, True):
        if allowed:
            rule = {"verbs": ["list"], "apiGroups": [""], "resources": ["configmaps"]}
            await api.post(f"{rbac}/roles", {"metadata": {"name": "reader"}, "rules": [rule]})
            reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
            subject = {"kind": "ServiceAccount", "name": "tested", "namespace": ns}
            binding = {"metadata": {"name": "reader"}, "roleRef": reference, "subjects": [subject]}
            await api.post(f"{rbac}/rolebindings", binding)
        review = await api.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec}, code=201)
        assert review["status"]["allowed"] is allowed
        await impersonating.get(maps, code=200 if allowed else 403)
        local = f"/apis/authorization.k8s.io/v1/namespaces/{ns}/localsubjectaccessreviews"
        review = await api.post(local, {"metadata": {"namespace": ns}, "spec": spec}, code=201)
        assert review["status"]["allowed"] is allowed


async def test_serviceaccountissuerdiscovery_should_support_oidc_discovery(api, ns):
    """ServiceAccounts ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer

    As a pod does it that verifies its own token; the way there, by the cluster's DNS and Service, is not part of this.
    """
    path = f"/api/v1/namespaces/{ns}/serviceaccounts/default/token"
    await api.until(f"/api/v1/namespaces/{ns}/serviceaccounts/default", lambda _: True)
    request = await api.post(
        path, {"spec": {"audiences": ["oidc-discovery-test"], "expirationSeconds": 1800}}, code=201
    )
    token = jose.parse(request["status"]["token"])
    account = api.as_({"impersonate-user": f"system:serviceaccount:{ns}:default"})
    document = await account.get("/.well-known/openid-configuration")
    assert document["issuer"] == token.claims["iss"]
    assert document["jwks_uri"].startswith("https://")
    assert document["jwks_uri"].endswith("/openid/v1/jwks")
    assert document["response_types_supported"] == ["id_token"]
    assert document["subject_types_supported"] == ["public"]
    assert token.algorithm in document["id_token_signing_alg_values_supported"]
    keys = {key["kid"]: key for key in (await account.get("/openid/v1/jwks"))["keys"]}
    assert jose.fits(token, jose.from_jwk(keys[token.kid]))
    assert token.claims["aud"] == ["oidc-discovery-test"]
    assert token.claims["sub"] == f"system:serviceaccount:{ns}:default"
    # Whoever has no token may not see it.
    await api.as_({"impersonate-user": "system:anonymous"}).get("/openid/v1/jwks", code=403)


async def test_should_run_through_the_lifecycle_of_a_serviceaccount(api, ns):
    """ServiceAccounts should run through the lifecycle of a ServiceAccount"""
    path = f"/api/v1/namespaces/{ns}/serviceaccounts"
    labels = {"test-serviceaccount-static": "true"}
    await api.post(path, {"metadata": {"name": "tested", "labels": labels}})
    await api.patch(f"{path}/tested", {"automountServiceAccountToken": False})
    listed = await api.get("/api/v1/serviceaccounts", labelSelector="test-serviceaccount-static=true")
    assert [item["automountServiceAccountToken"] for item in listed["items"]] == [False]
    await api.delete(path, labelSelector="test-serviceaccount-static=true")
    await api.get(f"{path}/tested", code=404)
