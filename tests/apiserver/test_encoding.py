"""Bodies that are something else than what the path is for."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.conftest import PODS, Api, pod

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
AUTHN, AUTHZ = "/apis/authentication.k8s.io", "/apis/authorization.k8s.io"
REVIEW: dict[str, Any] = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {"uid": "u"}}


@pytest.mark.parametrize(
    ("path", "own", "kind"),
    [
        (f"{PODS}/a/eviction", "policy/v1", "Eviction"),
        (f"{PODS}/a/binding", "v1", "Binding"),
        ("/api/v1/namespaces/default/bindings", "v1", "Binding"),
        (f"{ACCOUNTS}/default/token", "authentication.k8s.io/v1", "TokenRequest"),
        (f"{AUTHN}/v1/tokenreviews", "authentication.k8s.io/v1", "TokenReview"),
        (f"{AUTHN}/v1/selfsubjectreviews", "authentication.k8s.io/v1", "SelfSubjectReview"),
        (f"{AUTHN}/v1beta1/selfsubjectreviews", "authentication.k8s.io/v1beta1", "SelfSubjectReview"),
        (f"{AUTHZ}/v1/subjectaccessreviews", "authorization.k8s.io/v1", "SubjectAccessReview"),
        (f"{AUTHZ}/v1/selfsubjectrulesreviews", "authorization.k8s.io/v1", "SelfSubjectRulesReview"),
    ],
)
async def test_of_another_kind(api: Api, path: str, own: str, kind: str) -> None:
    await api.post(PODS, pod("a"))
    answer = await api.post(path, REVIEW, code=400)
    assert answer["message"] == (
        f"the API version in the data (admission.k8s.io/v1) does not match the expected API version ({own})"
    )
    answer = await api.post(path, {**REVIEW, "apiVersion": own}, code=400)
    assert answer["message"].startswith(f'AdmissionReview in version "{own.rpartition("/")[2]}" cannot be handled as a')
    # Nothing has been done.
    await api.get(f"{PODS}/a")


@pytest.mark.parametrize("version", ["policy/v1", "policy/v1beta1"])
async def test_an_eviction_of_either_version(api: Api, version: str) -> None:
    await api.post(PODS, pod("a"))
    await api.post(f"{PODS}/a/eviction", {"kind": "Eviction", "apiVersion": version}, code=201)


async def test_a_scale_of_another_kind(api: Api) -> None:
    base = "/apis/apps/v1/namespaces/default/deployments"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    await api.post(base, {"metadata": {"name": "d"}, "spec": spec})
    answer = await api.put(f"{base}/d/scale", REVIEW, code=400)
    assert "does not match the expected API version (autoscaling/v1)" in answer["message"]
