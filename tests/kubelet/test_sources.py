"""What pods refer to, from a real API server: kept for a moment; tokens renewed before they end."""

import pytest

from steersman.api.clock import FakeClock
from steersman.api.errors import NotFound
from steersman.kinds.types.certificates_v1 import ClusterTrustBundle, ClusterTrustBundleSpec
from steersman.kinds.types.core_v1 import ConfigMap, Pod
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.kubelet.sources import ObjectReader, TokenManager
from steersman.pki import certs, tokens
from steersman.testing import Cluster


@pytest.fixture
async def cluster():
    async with Cluster(nodes=0, controllers=("serviceaccount",), scheduler=False, clock=FakeClock()) as running:
        yield running


async def test_objects_are_kept_for_a_moment(cluster):
    reader = ObjectReader(cluster.client, cluster.clock)
    with pytest.raises(NotFound):
        await reader.config_map("default", "m")
    made = await cluster.client.create(ConfigMap(metadata=ObjectMeta(name="m", namespace="default"), data={"a": "1"}))
    assert (await reader.config_map("default", "m")).data == {"a": "1"}
    made.data = {"a": "2"}
    await cluster.client.update(made)
    assert (await reader.config_map("default", "m")).data == {"a": "1"}
    await cluster.advance(3)
    assert (await reader.config_map("default", "m")).data == {"a": "2"}


def claims(token):
    import base64
    import json

    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


async def test_tokens(cluster):
    plain = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    (pod,) = await cluster.create(plain)
    manager = TokenManager(cluster.client, cluster.clock)
    first = await manager.token(pod, "", 600)
    found = claims(first)
    assert found["sub"] == "system:serviceaccount:default:default"
    assert found["kubernetes.io"]["pod"]["name"] == "p"
    assert found["aud"] == [tokens.ISSUER]
    assert claims(await manager.token(pod, "vault", 600))["aud"] == ["vault"]
    await cluster.advance(400)
    assert await manager.token(pod, "", 600) == first
    await cluster.advance(100)
    assert await manager.token(pod, "", 600) != first
    manager.forget(pod.metadata.uid)
    assert isinstance(await cluster.client.get(Pod, "p", "default"), Pod)


async def test_trust_bundles(cluster):
    reader = ObjectReader(cluster.client, cluster.clock)
    with pytest.raises(NotFound):
        await reader.trust_bundle("example.com:s:1")
    assert list(await reader.trust_bundles("example.com/s")) == []
    authority = certs.new_ca("x", cluster.clock.now())
    text = authority.cert.decode()
    for name, signer in (("example.com:s:1", "example.com/s"), ("example.com:t:1", "example.com/t"), ("any", "")):
        spec = ClusterTrustBundleSpec(signerName=signer, trustBundle=text)
        await cluster.client.create(ClusterTrustBundle(metadata=ObjectMeta(name=name), spec=spec))
    assert (await reader.trust_bundle("any")).spec.trustBundle == text
    # Kept for a moment.
    assert list(await reader.trust_bundles("example.com/s")) == []
    await cluster.advance(3)
    assert [b.metadata.name for b in await reader.trust_bundles("example.com/s")] == ["example.com:s:1"]
