"""Service accounts: their tokens, what every namespace is given, and what they may do."""

import pytest

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
