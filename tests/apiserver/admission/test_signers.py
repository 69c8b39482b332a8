"""Who may approve and answer certificate requests, and vouch for authorities."""

from base64 import b64encode
from typing import Any, cast

import pytest
from tests.apiserver.conftest import Api
from tests.pki.test_requests import NOW, request

from steersman.api.clock import FakeClock
from steersman.api.errors import Invalid
from steersman.api.http import User
from steersman.apiserver.admission import signers
from steersman.apiserver.admission.framework import UPDATE, Environment, Review
from steersman.apiserver.admission.rules import certificaterequests
from steersman.apiserver.authz import Attributes
from steersman.kinds.types.certificates_v1 import (
    PodCertificateRequest,
    PodCertificateRequestSpec,
    PodCertificateRequestStatus,
)
from steersman.kinds.types.meta_v1 import Condition
from steersman.pki.certs import new_ca

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
BUNDLES = "/apis/certificates.k8s.io/v1/clustertrustbundles"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
CLIENT = "kubernetes.io/kube-apiserver-client"
JANE = User("jane", ("system:authenticated",))
APPROVED = {"type": "Approved", "status": "True", "reason": "r"}
FAILED = {"type": "Failed", "status": "True", "reason": "r"}


async def let(api: Api, *rules: dict[str, Any]) -> Api:
    """Jane, who may write requests and bundles, and what the rules say."""
    resources = ["certificatesigningrequests", "certificatesigningrequests/approval"]
    resources += ["certificatesigningrequests/status", "clustertrustbundles"]
    every = [{"apiGroups": ["certificates.k8s.io"], "resources": resources, "verbs": ["*"]}, *rules]
    await api.post(ROLES, {"metadata": {"name": "r"}, "rules": every})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}
    await api.post(BINDINGS, {"metadata": {"name": "r"}, "roleRef": role, "subjects": [subject]})
    return api.as_(JANE)


def signer(verb: str, name: str) -> dict[str, Any]:
    return {"apiGroups": ["certificates.k8s.io"], "resources": ["signers"], "resourceNames": [name], "verbs": [verb]}


def asking(pem: bytes, name: str = CLIENT) -> dict[str, Any]:
    spec = {"request": b64encode(pem).decode(), "signerName": name, "usages": ["client auth"]}
    return {"metadata": {"name": "q"}, "spec": spec}


@pytest.mark.parametrize("name", [CLIENT, "kubernetes.io/*"])
@pytest.mark.parametrize(
    ("verb", "path", "condition", "text"),
    [("approve", "approval", APPROVED, "approve"), ("sign", "status", FAILED, "sign")],
)
async def test_requests(api: Api, name: str, verb: str, path: str, condition: dict[str, str], text: str) -> None:
    jane = await let(api)
    await jane.post(REQUESTS, asking(request()))
    change = {"status": {"conditions": [condition]}}
    answer = await jane.patch(f"{REQUESTS}/q/{path}", change, code=403)
    assert f'user not permitted to {text} requests with signerName "{CLIENT}"' in answer["message"]
    await api.patch(f"{ROLES}/r", [{"op": "add", "path": "/rules/-", "value": signer(verb, name)}], "json-patch+json")
    found = await jane.patch(f"{REQUESTS}/q/{path}", change)
    assert [c["type"] for c in found["status"]["conditions"]] == [condition["type"]]


async def test_what_is_no_answer_needs_no_right(api: Api) -> None:
    jane = await let(api)
    await jane.post(REQUESTS, asking(request()))
    await jane.patch(f"{REQUESTS}/q/status", {"metadata": {"labels": {"a": "b"}}})


async def test_nobody_asks_to_be_master(api: Api) -> None:
    masters = request("jane", ("dev", "system:masters"))
    answer = await api.post(REQUESTS, asking(masters), code=403)
    assert f"use of {CLIENT} signer with system:masters group is not allowed" in answer["message"]
    await api.post(REQUESTS, asking(masters, "example.com/other"))


async def test_bundles(api: Api) -> None:
    jane = await let(api, signer("attest", "example.com/mine"))
    pem = new_ca("x", NOW).cert.decode()

    def bundle(name: str, **spec: str) -> dict[str, Any]:
        return {"metadata": {"name": name}, "spec": {"trustBundle": pem, **spec}}

    await jane.post(BUNDLES, bundle("all"))
    await jane.post(BUNDLES, bundle("example.com:mine:a", signerName="example.com/mine"))
    labelled = {"metadata": {"labels": {"a": "b"}}}
    await api.patch(f"{ROLES}/r", [{"op": "remove", "path": "/rules/1"}], "json-patch+json")
    await jane.patch(f"{BUNDLES}/example.com:mine:a", labelled, code=403)
    # Whoever cleans up need not vouch for anything.
    await jane.patch(f"{BUNDLES}/example.com:mine:a", {"metadata": {"finalizers": ["example.com/f"]}})
    other = bundle("example.com:other:a", signerName="example.com/other")
    answer = await jane.post(BUNDLES, other, code=403)
    assert 'user not permitted to attest for signerName "example.com/other"' in answer["message"]


@pytest.mark.parametrize("permitted", ["example.com/s", "example.com/*", "", "example.com/other", "other.com/*"])
async def test_a_pods_certificate_is_its_signers(permitted: str) -> None:
    async def allowed(asked: Attributes) -> bool:
        assert (asked.user, asked.verb, asked.group, asked.resource) == (JANE, "sign", signers.GROUP, "signers")
        return asked.name == permitted

    def stored(chain: str) -> PodCertificateRequest:
        """With a chain of certificates, or denied."""
        spec, status = PodCertificateRequestSpec(signerName="example.com/s"), PodCertificateRequestStatus()
        if chain == "denied":
            status.conditions = [Condition(type="Denied", status="True")]
        else:
            status.certificateChain = chain
        return PodCertificateRequest(spec=spec, status=status)

    environment = Environment(cast("Any", None), FakeClock(), allowed=allowed)

    async def write(chain: str) -> None:
        resource = PodCertificateRequest.__resource__
        review = Review(UPDATE, resource, "status", "default", "r", stored(chain), stored(""), JANE)
        await certificaterequests.validate(review, environment)

    await write("")
    for answer in ("chain", "denied"):
        if permitted in ("example.com/s", "example.com/*"):
            await write(answer)
        else:
            with pytest.raises(Invalid, match=r'User "jane" is not permitted to "sign" for signer "example.com/s"'):
                await write(answer)
