"""Certificates of pods in projected volumes, over the real API: keys made here, requests answered by a signer, files written."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from steersman.api import codec
from steersman.api.clock import FakeClock
from steersman.api.errors import Unauthorized
from steersman.api.meta import format_time, parse_time
from steersman.kinds.types.certificates_v1 import PodCertificateRequest
from steersman.kinds.types.core_v1 import Node, Pod, Volume
from steersman.kinds.types.meta_v1 import Condition
from steersman.kubelet.downward import NodeFacts
from steersman.kubelet.volumes.certificates import ABANDONED, SPREAD, PodCertificates
from steersman.kubelet.volumes.payload import PayloadContext, collect
from steersman.kubelet.volumes.problem import VolumeError
from steersman.pki import requests
from steersman.testing import Cluster

CA_KEY = ec.generate_private_key(ec.SECP256R1())
CA_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signer")])
SIGNER = "example.com/signer"
SOURCE = {
    "signerName": SIGNER,
    "keyType": "ED25519",
    "credentialBundlePath": "bundle.pem",
    "keyPath": "key.pem",
    "certificateChainPath": "chain.pem",
    "userAnnotations": {"example.com/x": "y"},
}
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {nodeName: node-1, containers: [{name: c, image: x}]}
"""


class Events:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def event(self, obj: object, kind: str, reason: str, message: str) -> None:
        self.told.append((reason, message))


def chain_for(request: PodCertificateRequest, begin: datetime, end: datetime) -> str:
    stub = x509.load_der_x509_csr(b64decode(request.spec.stubPKCS10Request))
    assert stub.is_signature_valid
    assert not list(stub.subject)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, request.spec.podName)])
    builder = x509.CertificateBuilder(CA_NAME, name, stub.public_key(), x509.random_serial_number(), begin, end)
    made = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True).sign(CA_KEY, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


class World:
    def __init__(self, cluster: Cluster, clock: FakeClock, pod: Pod, node: Node) -> None:
        self.cluster, self.clock, self.pod = cluster, clock, pod
        self.events = Events()
        self.source = PodCertificates(
            cluster.client, clock, self.events, lambda: ("node-1", node.metadata.uid), lambda: 0.5
        )

    async def files(self, **more: object) -> dict[str, bytes]:
        projected = {"sources": [{"podCertificate": {**SOURCE, **more}}]}
        volume = codec.from_builtins(Volume, {"name": "v", "projected": projected})[0]
        context = PayloadContext(self.pod, NodeFacts("node-1"), (), None, None, self.source)
        working = asyncio.ensure_future(collect(volume, context))
        for _ in range(100_000):
            if working.done():
                break
            await asyncio.sleep(0)
            if self.clock.sleepers:
                await self.clock.advance(0.5)
        return {path: file.data for path, file in (await working).items()}

    async def pending(self) -> list[PodCertificateRequest]:
        found = (await self.cluster.client.list(PodCertificateRequest)).items
        return [r for r in found if not r.status.conditions]

    async def answer(self, kind: str = "Issued") -> PodCertificateRequest:
        (found,) = await self.pending()
        now = self.clock.now().replace(microsecond=0)
        found.status.conditions = [
            Condition(type=kind, status="True", reason="Test", message="so", lastTransitionTime=format_time(now))
        ]
        if kind == "Issued":
            end = now + timedelta(hours=2)
            found.status.certificateChain = chain_for(found, now, end)
            found.status.notBefore, found.status.notAfter = format_time(now), format_time(end)
            found.status.beginRefreshAt = format_time(now + timedelta(hours=1))
        return await self.cluster.client.update_status(found)


@pytest.fixture
async def world():
    clock = FakeClock()
    async with Cluster(nodes=0, controllers=False, scheduler=False, clock=clock) as cluster:
        node, _, pod = await cluster.create(
            "{apiVersion: v1, kind: Node, metadata: {name: node-1}}",
            "{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}",
            POD,
        )
        yield World(cluster, clock, pod, node)


async def test_a_certificate_is_asked_for_written_and_renewed(world):
    with pytest.raises(VolumeError, match=r"PodCertificateRequest default/req-.* is not answered yet"):
        await world.files()
    (asked,) = await world.pending()
    spec, meta = asked.spec, world.pod.metadata
    assert (spec.podName, spec.podUID, spec.nodeName, spec.signerName) == ("web", meta.uid, "node-1", SIGNER)
    assert spec.unverifiedUserAnnotations == {"example.com/x": "y"}
    assert [(o.kind, o.uid) for o in asked.metadata.ownerReferences] == [("Pod", meta.uid)]

    answered = await world.answer()
    files = await world.files()
    assert files["chain.pem"].decode() == answered.status.certificateChain
    assert files["bundle.pem"] == files["key.pem"] + files["chain.pem"]
    leaf = x509.load_pem_x509_certificate(files["chain.pem"])
    assert serialization.load_pem_private_key(files["key.pem"], None).public_key() == leaf.public_key()
    assert await world.files() == files
    assert not await world.pending()

    # At the time that the signer has said, and a little later, there is another; until it is there, the first does.
    begin = parse_time(answered.status.beginRefreshAt) + SPREAD * 0.5
    await world.clock.advance((begin - world.clock.now()).total_seconds() - 1)
    assert await world.files() == files
    assert not await world.pending()
    await world.clock.advance(1)
    assert await world.files() == files
    await world.answer()
    renewed = await world.files()
    assert renewed["key.pem"] != files["key.pem"]
    assert not world.events.told


@pytest.mark.parametrize(("kind", "how"), [("Denied", "was denied"), ("Failed", "failed")])
async def test_what_is_refused_is_not_asked_again(world, kind, how):
    with pytest.raises(VolumeError):
        await world.files()
    await world.answer(kind)
    for _ in range(2):
        with pytest.raises(VolumeError, match=f'{how}, reason="Test", message="so"'):
            await world.files()
    assert [reason for reason, _ in world.events.told] == [kind]
    # Another pod of that name begins anew.
    world.source.forget(world.pod.metadata.uid)
    with pytest.raises(VolumeError, match="is not answered yet"):
        await world.files()


async def test_a_deleted_request_is_made_again(world):
    with pytest.raises(VolumeError):
        await world.files()
    (first,) = await world.pending()
    await world.cluster.client.delete(PodCertificateRequest, first.metadata.name, "default")
    with pytest.raises(VolumeError, match="not found"):
        await world.files()
    await world.clock.advance(ABANDONED.total_seconds() + 1)
    with pytest.raises(VolumeError, match="not found"):
        await world.files()
    with pytest.raises(VolumeError, match="is not answered yet"):
        await world.files()
    assert len(await world.pending()) == 1


async def test_what_there_is_does_while_the_api_server_is_away(world, monkeypatch):
    with pytest.raises(VolumeError):
        await world.files()
    await world.answer()
    files = await world.files()
    await world.clock.advance(3 * 3600)

    async def away(*args: object) -> None:
        raise Unauthorized

    monkeypatch.setattr(world.cluster.client, "get", away)
    assert await world.files() == files


@pytest.mark.parametrize("kind", ["ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519", "RSA3072"])
def test_keys(kind):
    key, stub = requests.stub(kind)
    assert key.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    public = serialization.load_pem_private_key(key, None).public_key()
    assert x509.load_der_x509_csr(stub).public_key() == public


def test_a_key_of_no_known_sort():
    with pytest.raises(ValueError, match="unknown key type 'DSA'"):
        requests.stub("DSA")
