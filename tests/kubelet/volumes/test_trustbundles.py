"""The authorities of a projected volume."""

import pytest
from tests.kubelet.builders import container, pod

from steersman.api import codec
from steersman.api.errors import NotFound
from steersman.kinds.certificates import pem
from steersman.kinds.types.certificates_v1 import ClusterTrustBundle, ClusterTrustBundleSpec
from steersman.kinds.types.core_v1 import ClusterTrustBundleProjection, Volume
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.kubelet.downward import NodeFacts
from steersman.kubelet.volumes import trustbundles
from steersman.kubelet.volumes.payload import PayloadContext, collect
from steersman.kubelet.volumes.problem import VolumeError

SIGNER = "example.com/s"


def bundle(name, *data, **labels):
    text = "# words\n" + pem.encode(data).decode()
    meta = ObjectMeta(name=name, labels=labels or None)
    return ClusterTrustBundle(metadata=meta, spec=ClusterTrustBundleSpec(signerName=SIGNER, trustBundle=text))


class Bundles:
    found = (bundle("x:1", b"b", b"a", env="live"), bundle("x:2", b"c", b"a", env="test"))

    async def trust_bundle(self, name):
        for one in self.found:
            if one.metadata.name == name:
                return one
        raise NotFound.of(ClusterTrustBundle.__resource__, name)

    async def trust_bundles(self, signer):
        return self.found if signer == SIGNER else ()


def source(**fields):
    return codec.from_builtins(ClusterTrustBundleProjection, {"path": "ca.pem", **fields})[0]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "x:1"}, [b"a", b"b"]),
        ({"signerName": SIGNER, "labelSelector": {}}, [b"a", b"b", b"c"]),
        ({"signerName": SIGNER, "labelSelector": {"matchLabels": {"env": "test"}}}, [b"a", b"c"]),
        ({"signerName": SIGNER, "optional": True}, []),
        ({"signerName": "example.com/other", "labelSelector": {}, "optional": True}, []),
        ({"name": "none", "optional": True}, []),
    ],
)
async def test_anchors(fields, expected):
    assert [b.data for b in pem.blocks(await trustbundles.collect(source(**fields), Bundles()))] == expected


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"name": "none"},
            'while fetching ClusterTrustBundle: clustertrustbundles.certificates.k8s.io "none" not found',
        ),
        ({"signerName": SIGNER}, "combination of signerName and labelSelector matched zero ClusterTrustBundles"),
        ({"signerName": "example.com/other", "labelSelector": {}}, "matched zero"),
        ({}, "requires either name or signerName to be set"),
    ],
)
async def test_there_are_none(fields, message):
    with pytest.raises(VolumeError, match=message):
        await trustbundles.collect(source(**fields), Bundles())


@pytest.mark.parametrize(
    ("more", "security", "mode", "user"),
    [
        ({}, None, 0o644, None),
        ({}, {"runAsUser": 7}, 0o600, 7),
        ({}, {"fsGroup": 7}, 0o600, None),
        ({"user": 9}, None, 0o600, 9),
    ],
)
async def test_as_a_file(more, security, mode, user):
    projected = {"sources": [{"clusterTrustBundle": {"path": "ca.pem", "name": "x:1", **more}}]}
    volume = codec.from_builtins(Volume, {"name": "v", "projected": projected})[0]
    made = pod([container()], securityContext=security)
    found = await collect(volume, PayloadContext(made, NodeFacts("n"), (), Bundles(), None))
    assert {path: (f.mode, f.user) for path, f in found.items()} == {"ca.pem": (mode, user)}
