"""Subresources that change one part of an object."""

import base64

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.apiserver.conftest import PODS, Api, pod


async def test_ephemeral_containers(api: Api) -> None:
    made = await api.post(PODS, pod())
    made["spec"]["ephemeralContainers"] = [{"name": "debug", "image": "y"}]
    made["metadata"]["labels"] = {"not": "taken"}
    changed = await api.put(f"{PODS}/a/ephemeralcontainers", made)
    assert [c["name"] for c in changed["spec"]["ephemeralContainers"]] == ["debug"]
    assert "labels" not in changed["metadata"]
    assert changed["metadata"]["generation"] == 2
    plain = await api.put(f"{PODS}/a", pod(), code=422)
    assert "pod updates may not change fields other than" in plain["message"]


async def test_resize(api: Api) -> None:
    body = pod()
    body["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "50m"}}
    await api.post(PODS, body)
    patch = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "100m"}}}]}}
    answer = await api.patch(f"{PODS}/a/resize", patch, "strategic-merge-patch+json")
    assert answer["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "100m"}
    assert answer["metadata"]["generation"] == 2


async def test_status_of_what_has_none(api: Api) -> None:
    await api.get("/api/v1/namespaces/default/configmaps/a/status", code=404)


async def test_approval(api: Api) -> None:
    path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    key = ec.generate_private_key(ec.SECP256R1())
    made_for = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key, hashes.SHA256())
    request = base64.b64encode(made_for.public_bytes(serialization.Encoding.PEM)).decode()
    body = {"metadata": {"name": "a"}, "spec": {"request": request, "signerName": "x.io/y", "usages": ["client auth"]}}
    made = await api.post(path, body)
    made["status"]["conditions"] = [{"type": "Approved", "status": "True", "reason": "R", "message": "m"}]
    made["metadata"]["annotations"] = {"by": "me"}
    approved = await api.put(f"{path}/a/approval", made)
    assert approved["metadata"]["annotations"] == {"by": "me"}
    (condition,) = approved["status"]["conditions"]
    assert condition["type"] == "Approved"
    assert condition["lastUpdateTime"] == condition["lastTransitionTime"]
    assert approved["spec"]["username"] == "admin"
    assert approved["spec"]["groups"] == ["system:masters", "system:authenticated"]
