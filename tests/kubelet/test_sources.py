"""What pods refer to, from a real API server: kept for a moment; tokens renewed before they end."""

import pytest

from steersman.api.clock import FakeClock
from steersman.api.errors import NotFound
from steersman.kinds.types.core_v1 import ConfigMap, Pod
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.kubelet.sources import ObjectReader, TokenManager
from steersman.pki import tokens
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
