"""Requests of pods for certificates."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.conformance.patterns import Crud, Resource, crud

pytestmark = pytest.mark.asyncio(loop_scope="session")

UID = "12345678-1234-1234-1234-12345678901{}"


def certificate(key, start, end):
    """A server's certificate that signs itself, as PEM text."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test.example.com")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), start, end)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def text(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_should_support_podcertificaterequest_api_operations(api, ns, unique):
    """PodCertificateRequest API [Privileged:ClusterAdmin] should support PodCertificateRequest API operations"""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key, hashes.SHA256())
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    end = start + timedelta(hours=1)
    spec = {
        "signerName": f"example.com/{unique}",
        "podName": "test-pod",
        "podUID": UID.format(2),
        "serviceAccountName": "default",
        "serviceAccountUID": UID.format(3),
        "nodeName": "test-node",
        "nodeUID": UID.format(4),
        "maxExpirationSeconds": 86400,
        "stubPKCS10Request": base64.b64encode(request.public_bytes(serialization.Encoding.DER)).decode(),
    }
    issued = {
        "type": "Issued",
        "status": "True",
        "reason": "Test",
        "message": "by the test",
        "lastTransitionTime": text(start),
    }
    status = {
        "certificateChain": certificate(key, start, end),
        "notBefore": text(start),
        "notAfter": text(end),
        "beginRefreshAt": text(start + timedelta(minutes=15)),
        "conditions": [issued],
    }
    resource = Resource("certificates.k8s.io/v1", "podcertificaterequests", ns)
    case = Crud(
        {"metadata": {"name": "tested"}, "spec": spec}, {"metadata": {"labels": {"changed": "yes"}}}, {"status": status}
    )
    await crud(api, resource, case, unique)
    await api.post(resource.path, case.initial)
    refused = await api.patch(resource.named("tested"), {"spec": {"podName": "another"}}, code=422)
    assert "immutable" in refused["message"]
    await api.delete(resource.named("tested"))
