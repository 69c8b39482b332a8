"""The published authority of the API server, and requests of pods for certificates that nobody needs any more."""

from base64 import b64encode
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from steersman.api.clock import FakeClock
from steersman.controller.config import ControllerConfig
from steersman.controllers import clustertrustbundlepublisher as publisher
from steersman.controllers import podcertificaterequestcleaner
from steersman.kinds.certificates.signers import API_SERVER_SERVING
from steersman.kinds.types.certificates_v1 import ClusterTrustBundle, PodCertificateRequest
from steersman.pki import certs

NOW = FakeClock().now()
CA, OTHER = (certs.new_ca(name, NOW).cert.decode() for name in ("ca", "other"))


def bundle(make, pem):
    spec = {"signerName": API_SERVER_SERVING, "trustBundle": pem}
    return make(ClusterTrustBundle, publisher.name_of(pem), spec=spec)


async def bundles(world):
    return {b.metadata.name: b.spec.trustBundle for b in (await world.client.list(ClusterTrustBundle)).items}


async def test_the_authority_is_published(world, make):
    await world.client.create(bundle(make, OTHER))
    await world.client.create(make(ClusterTrustBundle, "mine", spec={"trustBundle": OTHER}))
    await world.start(publisher, config=ControllerConfig(root_ca=CA))
    wanted = {publisher.name_of(CA): CA, "mine": OTHER}
    assert await bundles(world) == wanted
    await world.client.delete(ClusterTrustBundle, publisher.name_of(CA))
    await world.settle()
    await world.client.create(bundle(make, OTHER))
    await world.settle()
    assert await bundles(world) == wanted


async def test_nothing_is_published_of_nothing(world):
    await world.start(publisher)
    assert await bundles(world) == {}


def test_the_name_tells_the_content():
    name = publisher.name_of(CA)
    assert name.startswith("kubernetes.io:kube-apiserver-serving:")
    assert len(name.rpartition(":")[2]) == 24


@pytest.fixture
def request_of(make):
    key = ec.generate_private_key(ec.SECP256R1())
    stub = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key, hashes.SHA256())
    uid = "12345678-1234-1234-1234-12345678901{}"
    spec = {
        "signerName": "example.com/signer",
        "podName": "pod",
        "podUID": uid.format(1),
        "serviceAccountName": "default",
        "serviceAccountUID": uid.format(2),
        "nodeName": "node",
        "nodeUID": uid.format(3),
        "maxExpirationSeconds": 86400,
        "stubPKCS10Request": b64encode(stub.public_bytes(serialization.Encoding.DER)).decode(),
    }
    return lambda name: make(PodCertificateRequest, name, spec=spec)


async def test_requests_of_pods_go_after_a_while(world, request_of):
    await world.start(podcertificaterequestcleaner)
    await world.client.create(request_of("old"))
    await world.settle()
    await world.clock.advance(timedelta(minutes=14).total_seconds())
    await world.client.create(request_of("new"))
    await world.settle()
    await world.clock.advance(61)
    await world.settle()
    assert [r.metadata.name for r in (await world.client.list(PodCertificateRequest)).items] == ["new"]
