"""Kubelets: what one may read is what the pods of its node refer to, and what it may write is its own."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from tests.apiserver.conftest import MAPS, PODS, Api, config_map, pod

from steersman.api.errors import StatusError
from steersman.api.fields import FieldSelector
from steersman.api.http import User
from steersman.apiserver.admission.framework import CREATE, Review
from steersman.apiserver.admission.plugins import noderestriction
from steersman.apiserver.authorizers.node import NodeAuthorizer, node_of
from steersman.apiserver.authz import Attributes
from steersman.kinds.types.certificates_v1 import PodCertificateRequest, PodCertificateRequestSpec
from steersman.kinds.types.core_v1 import (
    AzureFileVolumeSource,
    CSIVolumeSource,
    EmptyDirVolumeSource,
    EphemeralVolumeSource,
    Pod,
    PodCertificateProjection,
    PodSpec,
    ProjectedVolumeSource,
    ServiceAccountTokenProjection,
    Volume,
    VolumeProjection,
)
from steersman.kinds.types.meta_v1 import ObjectMeta

GROUPS = ("system:nodes", "system:authenticated")
A, B = User("system:node:a", GROUPS), User("system:node:b", GROUPS)
SECRETS = "/api/v1/namespaces/default/secrets"
TOKEN = "/api/v1/namespaces/default/serviceaccounts/{}/token"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
CSI = "/apis/storage.k8s.io/v1"


@pytest.fixture
async def nodes(api: Api) -> Api:
    """Nodes a and b, and on a the pod `web` with a secret, a config map, an account and a claim; nodes have no roles."""
    api.app.authorizer.replace([api.app.node_authorizer, api.app.rbac])
    for name in ("a", "b"):
        await api.post("/api/v1/nodes", {"metadata": {"name": name}})
    for name in ("used", "other", "in-volume"):
        await api.post(SECRETS, {"metadata": {"name": name}})
        await api.post(MAPS, config_map(name))
        await api.post("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": name}})
    await claim(api)
    volumes = [
        {"name": "s", "secret": {"secretName": "used"}},
        {"name": "d", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"audience": "vault", "path": "t"}}]}},
    ]
    env = [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "used", "key": "k"}}}]
    body = pod("web", nodeName="a", serviceAccountName="used", volumes=volumes)
    body["spec"]["containers"][0]["env"] = env
    await api.post(PODS, body)
    return api


async def claim(api: Api) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeName": "disk"}
    claims = "/api/v1/namespaces/default/persistentvolumeclaims"
    for name in ("data", "foreign"):
        await api.post(
            claims, {"metadata": {"name": name}, "spec": {**spec, "volumeName": {"data": "disk"}.get(name, "")}}
        )
    secret = {"name": "in-volume", "namespace": "default"}
    driver = {"driver": "d.example", "volumeHandle": "h", "nodeStageSecretRef": secret}
    volume = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "csi": driver,
        "claimRef": {"namespace": "default", "name": "data"},
    }
    await api.post("/api/v1/persistentvolumes", {"metadata": {"name": "disk"}, "spec": volume})


READS = [
    (f"{SECRETS}/used", 200),
    (f"{SECRETS}?fieldSelector=metadata.name=used", 200),
    (f"{SECRETS}/in-volume", 200),
    (f"{SECRETS}/other", 403),
    (SECRETS, 403),
    ("/api/v1/secrets", 403),
    (f"{SECRETS}?fieldSelector=metadata.name!=used", 403),
    (f"{SECRETS}?labelSelector=metadata.name=used", 403),
    ("/api/v1/secrets?fieldSelector=metadata.name=used", 403),
    ("/api/v1/namespaces/kube-system/secrets/used", 403),
    (f"{MAPS}/used", 200),
    (f"{MAPS}/other", 403),
    ("/api/v1/namespaces/default/serviceaccounts/used", 200),
    ("/api/v1/namespaces/default/serviceaccounts/other", 403),
    ("/api/v1/namespaces/default/serviceaccounts", 403),
    ("/api/v1/namespaces/default/persistentvolumeclaims/data", 200),
    ("/api/v1/namespaces/default/persistentvolumeclaims/foreign", 403),
    ("/api/v1/persistentvolumes/disk", 200),
    ("/api/v1/persistentvolumes", 403),
    ("/api/v1/nodes/a", 200),
    ("/api/v1/nodes/b", 403),
    ("/api/v1/nodes", 403),
    ("/api/v1/nodes?fieldSelector=metadata.name=a", 200),
    (f"{PODS}/web", 200),
    ("/api/v1/pods?fieldSelector=spec.nodeName=a", 200),
    ("/api/v1/pods?fieldSelector=spec.nodeName=b", 403),
    ("/api/v1/pods?fieldSelector=spec.nodeName!=a", 403),
    ("/api/v1/pods", 403),
    ("/api/v1/services", 200),
    ("/api/v1/namespaces", 403),
    ("/apis/rbac.authorization.k8s.io/v1/clusterroles", 403),
]


@pytest.mark.parametrize(("path", "code"), READS)
async def test_what_a_node_reads(nodes: Api, path: str, code: int) -> None:
    await nodes.as_(A).get(path, code=code)


@pytest.mark.parametrize("path", [p for p, code in READS if code == 200 and "services" not in p])
async def test_another_node_reads_none_of_it(nodes: Api, path: str) -> None:
    for method in ("GET", "HEAD"):
        await nodes.as_(B).raw(method, path)
    await nodes.as_(B).get(path, code=403)
    if "fieldSelector" in path:
        await nodes.as_(B).get(f"{path}&watch=true", code=403)


async def test_old_paths_of_watches(nodes: Api) -> None:
    for path, code in ((f"{SECRETS}/used", 200), (f"{SECRETS}/other", 403), (SECRETS, 403)):
        watch = path.replace("/api/v1/", "/api/v1/watch/")
        response = await nodes.as_(A).raw("GET", watch)
        assert response.status == code
        if not isinstance(response.body, bytes):
            await response.body.aclose()  # type: ignore[attr-defined]
        await nodes.as_(B).get(watch, code=403)
        # These paths take no selectors.
        if code == 403:
            await nodes.as_(A).get(f"{watch}?fieldSelector=metadata.name=used", code=403)


async def test_other_shapes_of_the_same(nodes: Api) -> None:
    kinds = (
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        "application/json;as=Table;g=meta.k8s.io;v=v1",
    )
    for accept in (*kinds, "application/vnd.kubernetes.protobuf"):
        for path in (f"{SECRETS}/used", f"{SECRETS}?fieldSelector=metadata.name=used", SECRETS, "/api/v1/secrets"):
            response = await nodes.as_(B).raw("GET", path, headers={"accept": accept})
            assert response.status == 403


async def test_what_is_open_follows_the_pods(nodes: Api) -> None:
    b = nodes.as_(B)
    await b.get(f"{SECRETS}/used", code=403)
    volumes = [{"name": "s", "secret": {"secretName": "used"}}]
    await nodes.post(PODS, pod("late", nodeName="b", volumes=volumes))
    await b.get(f"{SECRETS}/used")
    await b.get(f"{MAPS}/used", code=403)
    # What one node may do is nothing that others may.
    await nodes.as_(User("system:node:c", GROUPS)).get(f"{SECRETS}/used", code=403)
    await nodes.delete(f"{PODS}/late?gracePeriodSeconds=0")
    answer = await b.get(f"{SECRETS}/used", code=403)
    assert answer["message"] == (
        'secrets "used" is forbidden: User "system:node:b" cannot get resource "secrets" in API group "" in the namespace '
        "\"default\": node: no relationship found between node 'b' and this object"
    )


async def test_a_pod_that_is_bound_opens_what_it_refers_to(nodes: Api) -> None:
    await nodes.as_(B).get(f"{SECRETS}/other", code=403)
    await nodes.post(PODS, pod("free", volumes=[{"name": "s", "secret": {"secretName": "other"}}]))
    await nodes.as_(B).get(f"{SECRETS}/other", code=403)
    binding = {"metadata": {"name": "free"}, "target": {"kind": "Node", "name": "b"}}
    await nodes.post(f"{PODS}/free/binding", binding)
    await nodes.as_(B).get(f"{SECRETS}/other")
    await nodes.as_(A).get(f"{SECRETS}/other", code=403)


@pytest.mark.parametrize(
    "user",
    [
        User("system:node:a", ("system:authenticated",)),
        User("system:node:", GROUPS),
        User("a", GROUPS),
        User("system:nodes:a", GROUPS),
    ],
)
async def test_who_is_no_node(nodes: Api, user: User) -> None:
    await nodes.as_(user).get(f"{SECRETS}/used", code=403)
    assert not node_of(user)


def mirror(**changes: Any) -> dict[str, Any]:
    owner = {"apiVersion": "v1", "kind": "Node", "name": "b", "uid": "", "controller": True}
    metadata = {"name": "m", "annotations": {"kubernetes.io/config.mirror": "x"}, "ownerReferences": [owner]}
    spec = {"nodeName": "b", "containers": [{"name": "c", "image": "x"}], **changes}
    return {"metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"volumes": [{"name": "s", "secret": {"secretName": "used"}}]}, "reference secrets"),
        ({"volumes": [{"name": "s", "configMap": {"name": "used"}}]}, "reference configmaps"),
        ({"imagePullSecrets": [{"name": "used"}]}, "reference secrets"),
        ({"serviceAccountName": "used"}, "service account"),
        ({"volumes": [{"name": "s", "persistentVolumeClaim": {"claimName": "data"}}]}, "persistentvolumeclaims"),
        ({"nodeName": "a"}, "spec.nodeName set to itself"),
    ],
)
async def test_no_secret_by_way_of_a_pod_of_its_own(nodes: Api, changes: dict[str, Any], why: str) -> None:
    uid = (await nodes.get("/api/v1/nodes/b"))["metadata"]["uid"]
    body = mirror(**changes)
    body["metadata"]["ownerReferences"][0]["uid"] = uid
    answer = await nodes.as_(B).post(PODS, body, code=403)
    assert why in answer["message"]
    await nodes.as_(B).get(f"{SECRETS}/used", code=403)


async def test_mirror_pods(nodes: Api) -> None:
    b, uid = nodes.as_(B), (await nodes.get("/api/v1/nodes/b"))["metadata"]["uid"]
    body = mirror()
    answer = await b.post(PODS, body, code=403)
    assert answer["message"] == f'pods "m" is forbidden: node b UID mismatch: expected  got {uid}'
    owner = body["metadata"]["ownerReferences"][0]
    owner["uid"] = uid
    for change, why in (
        ({"controller": False}, "controller owner reference"),
        ({"blockOwnerDeletion": True}, "must not set blockOwnerDeletion"),
        ({"name": "a"}, "with an owner reference set to itself"),
    ):
        metadata = {**body["metadata"], "ownerReferences": [{**owner, **change}]}
        assert why in (await b.post(PODS, {**body, "metadata": metadata}, code=403))["message"]
    plain = {**body, "metadata": {"name": "m", "ownerReferences": [owner]}}
    assert "can only create mirror pods" in (await b.post(PODS, plain, code=403))["message"]
    await b.post(PODS, body)
    await b.patch(f"{PODS}/m", {"metadata": {"labels": {"x": "y"}}}, code=403)
    await nodes.as_(A).delete(f"{PODS}/m", code=403)
    await b.delete(f"{PODS}/m")


async def test_pods_of_others(nodes: Api) -> None:
    a, b = nodes.as_(A), nodes.as_(B)
    status = {"status": {"message": "x"}}
    answer = await b.patch(f"{PODS}/web/status", status, code=403)
    assert "can only update pod status for pods with spec.nodeName set to itself" in answer["message"]
    await a.patch(f"{PODS}/web/status", status)
    answer = await a.patch(f"{PODS}/web/status", {"metadata": {"labels": {"app": "db"}}}, code=403)
    assert 'node "a" cannot update labels through pod status' in answer["message"]
    eviction = {"metadata": {"name": "web"}}
    assert "can only evict pods" in (await b.post(f"{PODS}/web/eviction", eviction, code=403))["message"]
    assert "can only delete pods" in (await b.delete(f"{PODS}/web", code=403))["message"]
    await a.post(f"{PODS}/web/eviction", eviction)


@pytest.mark.parametrize(
    ("patch", "why"),
    [
        ({"metadata": {"labels": {"node-restriction.kubernetes.io/fips": "true"}}}, "is not allowed to modify labels"),
        ({"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}}, "is not allowed to modify labels"),
        ({"metadata": {"labels": {"x.k8s.io/y": ""}}}, "is not allowed to modify labels"),
        ({"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}, 'node "a" is not allowed to modify taints'),
        (
            {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "u"}]}},
            'node "a" is not allowed to modify ownerReferences',
        ),
        (
            {"metadata": {"labels": {"team": "x", "kubelet.kubernetes.io/y": "", "topology.kubernetes.io/zone": "z"}}},
            "",
        ),
    ],
)
async def test_a_node_changes_itself(nodes: Api, patch: dict[str, Any], why: str) -> None:
    for path in ("/api/v1/nodes/a", "/api/v1/nodes/b"):
        own = path.endswith("a")
        answer = await nodes.as_(A).patch(path, patch, code=403 if why or not own else 200)
        assert (why if own else 'node "a" is not allowed to modify node "b"') in str(answer.get("message", ""))


async def test_a_node_registers(nodes: Api) -> None:
    c = nodes.as_(User("system:node:c", GROUPS))
    await c.get("/api/v1/nodes/c", code=404)
    labels = {"node-restriction.kubernetes.io/fips": "true", "kubernetes.io/hostname": "c"}
    answer = await c.post("/api/v1/nodes", {"metadata": {"name": "c", "labels": labels}}, code=403)
    assert "is not allowed to set the following labels: node-restriction.kubernetes.io/fips" in answer["message"]
    await c.post("/api/v1/nodes", {"metadata": {"name": "d"}}, code=403)
    taints = [{"key": "new", "effect": "NoSchedule"}]
    await c.post(
        "/api/v1/nodes",
        {"metadata": {"name": "c", "labels": {"kubernetes.io/os": "linux"}}, "spec": {"taints": taints}},
    )
    await c.patch("/api/v1/nodes/c/status", {"status": {"capacity": {"cpu": "1"}}})
    await c.delete("/api/v1/nodes/c", code=403)


NO_API = 'system:node:a is not authorized to request tokens for audience "api"'


async def test_tokens(nodes: Api) -> None:
    a, b = nodes.as_(A), nodes.as_(B)
    uid = (await nodes.get(f"{PODS}/web"))["metadata"]["uid"]
    bound = {"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": uid}
    used = TOKEN.format("used")

    async def asked(who: Api, path: str, spec: dict[str, Any], code: int, why: str) -> None:
        answer = await who.post(path, {"spec": spec}, code=code)
        assert why in str(answer.get("message", ""))

    await asked(a, used, {"audiences": ["vault"], "boundObjectRef": bound}, 201, "")
    await asked(a, used, {"boundObjectRef": bound}, 201, "")
    for driver, missing in (
        ("none", 'error validating audience "api": csidriver.storage.k8s.io "none" not found'),
        ("d", ""),
    ):
        await nodes.post(f"{CSI}/csidrivers", {"metadata": {"name": "d"}, "spec": {}}) if driver == "d" else None
        # What is not there might have told the audience.
        volume = {"name": "v", "csi": {"driver": driver}}
        body = pod(f"by-{driver}", nodeName="a", serviceAccountName="used", volumes=[volume])
        made = await nodes.post(PODS, body)
        ref = {**bound, "name": f"by-{driver}", "uid": made["metadata"]["uid"]}
        await asked(a, used, {"audiences": ["api"], "boundObjectRef": ref}, 403, missing or NO_API)
    await asked(a, used, {"audiences": ["vault", "b"], "boundObjectRef": bound}, 403, "0 or 1 audiences")
    await asked(a, used, {}, 403, "node requested token not bound to a pod")
    await asked(a, used, {"boundObjectRef": {**bound, "uid": ""}}, 403, "without a uid")
    await asked(a, used, {"boundObjectRef": {**bound, "uid": "other"}}, 403, "does not match the UID in record")
    await asked(a, TOKEN.format("other"), {"boundObjectRef": bound}, 403, "no relationship found")
    await asked(b, used, {"boundObjectRef": bound}, 403, "no relationship found")
    # Even a node that has a pod of the same account has no tokens bound to another node's pod.
    await nodes.post(PODS, pod("own", nodeName="b", serviceAccountName="used"))
    await asked(b, used, {"boundObjectRef": bound}, 403, "bound to a pod scheduled on a different node")


async def test_leases_and_csi_nodes(nodes: Api) -> None:
    a = nodes.as_(A)
    await a.post(LEASES, {"metadata": {"name": "a"}})
    await a.get(f"{LEASES}/a")
    await a.post(LEASES, {"metadata": {"name": "b"}}, code=403)
    await a.get(f"{LEASES}/b", code=403)
    await a.get(LEASES, code=403)
    await a.post(LEASES.replace("kube-node-lease", "default"), {"metadata": {"name": "a"}}, code=403)
    await a.post(f"{CSI}/csinodes", {"metadata": {"name": "a"}, "spec": {"drivers": []}})
    await a.post(f"{CSI}/csinodes", {"metadata": {"name": "b"}, "spec": {"drivers": []}}, code=403)
    await nodes.as_(B).delete(f"{CSI}/csinodes/a", code=403)


async def test_a_claim_is_open_as_long_as_the_pod_has_it(nodes: Api) -> None:
    claims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims"
    await nodes.post(claims, {"metadata": {"name": "c"}, "spec": {}})
    await nodes.post(PODS, pod("q", nodeName="a", resourceClaims=[{"name": "r", "resourceClaimTemplateName": "t"}]))
    a = nodes.as_(A)
    # What is left out stays, for clients that do not know of it; an empty list takes it away.
    for given, code in (None, 403), ([{"name": "r", "resourceClaimName": "c"}], 200), (None, 200), ([], 403):
        await nodes.patch(f"{PODS}/q/status", {"status": {"resourceClaimStatuses": given}}, "merge-patch+json")
        await a.get(f"{claims}/c", code=code)


@pytest.mark.parametrize(
    ("path", "rest"),
    [("/api/v1/nodes", {}), (LEASES, {}), (f"{CSI}/csinodes", {"spec": {"drivers": []}})],
)
async def test_what_is_named_by_the_server_is_not_the_nodes_own(nodes: Api, path: str, rest: dict[str, Any]) -> None:
    answer = await nodes.as_(A).post(path, {"metadata": {"generateName": "a"}, **rest}, code=403)
    assert "node" in answer["message"]


async def test_attachments(nodes: Api) -> None:
    spec = {"attacher": "d.example", "nodeName": "a", "source": {"persistentVolumeName": "disk"}}
    await nodes.post(f"{CSI}/volumeattachments", {"metadata": {"name": "v"}, "spec": spec})
    await nodes.as_(A).get(f"{CSI}/volumeattachments/v")
    await nodes.as_(B).get(f"{CSI}/volumeattachments/v", code=403)
    await nodes.as_(A).get(f"{CSI}/volumeattachments", code=403)


async def test_the_status_of_claims(nodes: Api) -> None:
    path = "/api/v1/namespaces/default/persistentvolumeclaims/data/status"
    await nodes.as_(A).patch(path, {"status": {"capacity": {"storage": "2Gi"}}})
    answer = await nodes.as_(A).patch(path, {"metadata": {"labels": {"a": "b"}}}, code=403)
    text = "is not allowed to update fields other than status.quantity and status.conditions: metadata.labels"
    assert text in answer["message"]
    await nodes.as_(B).patch(path, {"status": {"capacity": {"storage": "2Gi"}}}, code=403)


def test_what_is_not_a_matter_of_objects() -> None:
    decide = NodeAuthorizer(None).decide  # type: ignore[arg-type]
    for verb, group, resource, name, fields, allowed in (
        ("create", "certificates.k8s.io", "podcertificaterequests", "", {}, True),
        ("list", "certificates.k8s.io", "podcertificaterequests", "", {"spec.nodeName": "a"}, True),
        ("list", "certificates.k8s.io", "podcertificaterequests", "", {}, False),
        ("delete", "certificates.k8s.io", "podcertificaterequests", "x", {}, False),
        ("create", "resource.k8s.io", "resourceslices", "", {}, True),
        ("deletecollection", "resource.k8s.io", "resourceslices", "", {"spec.nodeName": "a"}, True),
        ("deletecollection", "resource.k8s.io", "resourceslices", "", {"spec.nodeName": "b"}, False),
        ("create", "", "secrets", "x", {}, False),
        ("delete", "", "nodes", "a", {}, False),
        ("create", "", "events", "", {}, True),
        ("list", "", "events", "", {}, False),
        ("create", "authorization.k8s.io", "subjectaccessreviews", "", {}, True),
    ):
        selector = FieldSelector.of(fields) if fields else None
        asked = Attributes(A, verb, True, group, resource, name=name, field_selector=selector)
        decision = decide(asked)
        assert decision.allowed is allowed, asked
        assert not decision.general


CSR = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
PCR = "/apis/certificates.k8s.io/v1/namespaces/default/podcertificaterequests"


@pytest.mark.parametrize(
    ("signer", "name", "code"),
    [
        ("kubernetes.io/kube-apiserver-client-kubelet", "system:node:a", 201),
        ("kubernetes.io/kube-apiserver-client-kubelet", "system:node:b", 403),
        ("kubernetes.io/kube-apiserver-client-kubelet", "admin", 403),
        ("kubernetes.io/kubelet-serving", "system:node:b", 403),
        ("example.com/other", "anybody", 201),
    ],
)
async def test_signing_requests(nodes: Api, signer: str, name: str, code: int) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
        x509.NameAttribute(NameOID.COMMON_NAME, name),
    ]
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject)).sign(key, hashes.SHA256())
    pem = b64encode(request.public_bytes(Encoding.PEM)).decode()
    usages = ["digital signature", "server auth" if "serving" in signer else "client auth"]
    body = {"metadata": {"name": "r"}, "spec": {"request": pem, "signerName": signer, "usages": usages}}
    answer = await nodes.as_(A).post(CSR, body, code=code)
    if code == 403:
        assert "can only create a node CSR with CN=system:node:a" in answer["message"]


async def test_slices(nodes: Api) -> None:
    slices = "/apis/resource.k8s.io/v1/resourceslices"

    def body(name: str, node: str) -> dict[str, Any]:
        pool = {"name": "p", "generation": 1, "resourceSliceCount": 1}
        return {
            "metadata": {"name": name},
            "spec": {"driver": "d.example", "nodeName": node, "pool": pool, "devices": []},
        }

    await nodes.as_(A).post(slices, body("a", "a"))
    answer = await nodes.as_(A).post(slices, body("b", "b"), code=403)
    assert "can only create ResourceSlice with the same NodeName as the requesting node" in answer["message"]
    await nodes.as_(B).get(f"{slices}/a", code=403)
    await nodes.as_(B).delete(f"{slices}/a", code=403)
    await nodes.as_(B).get(slices, code=403)
    await nodes.as_(A).get(f"{slices}/a")
    await nodes.as_(A).get(f"{slices}?fieldSelector=spec.nodeName=a")


SIGNER = "example.com/signer"
CERTIFICATE = PodCertificateProjection(signerName=SIGNER, keyType="ED25519", credentialBundlePath="p")


def test_mirror_pods_refer_to_nothing() -> None:
    for volume, what in (
        (Volume(name="v", csi=CSIVolumeSource(driver="d")), "csidrivers (via CSI volumes)"),
        (Volume(name="v", ephemeral=EphemeralVolumeSource()), "persistentvolumeclaims (via ephemeral volumes)"),
        (
            Volume(
                name="v",
                projected=ProjectedVolumeSource(
                    sources=[VolumeProjection(serviceAccountToken=ServiceAccountTokenProjection(path="t"))]
                ),
            ),
            "serviceaccounts (via projected volumes)",
        ),
        (
            Volume(name="v", projected=ProjectedVolumeSource(sources=[VolumeProjection(podCertificate=CERTIFICATE)])),
            "podcertificates",
        ),
        (Volume(name="v", azureFile=AzureFileVolumeSource(shareName="s")), "secrets (via azureFile volumes)"),
        (Volume(name="v", emptyDir=EmptyDirVolumeSource()), ""),
    ):
        assert noderestriction._referred(Pod(spec=PodSpec(volumes=[volume]))) == what
    unknown = Volume(name="v", projected=ProjectedVolumeSource(sources=[VolumeProjection()]))
    with pytest.raises(ValueError, match='unknown source for projected volume "v"'):
        noderestriction._referred(Pod(spec=PodSpec(volumes=[unknown])))


def to_plain() -> Any:
    return msgspec.to_builtins(CERTIFICATE)


async def test_certificates_of_pods(nodes: Api) -> None:
    """A node asks for what a pod of its own mounts, in the name of who the pod runs as."""
    found = {
        "podUID": (await nodes.get(f"{PODS}/web"))["metadata"]["uid"],
        "nodeUID": (await nodes.get("/api/v1/nodes/a"))["metadata"]["uid"],
        "serviceAccountUID": (await nodes.get("/api/v1/namespaces/default/serviceaccounts/used"))["metadata"]["uid"],
    }
    spec = PodCertificateRequestSpec(nodeName="a", podName="web", serviceAccountName="used", signerName=SIGNER, **found)

    async def refusal(user: User, **changes: str) -> str:
        asked = PodCertificateRequest(spec=msgspec.structs.replace(spec, **changes))
        resource = PodCertificateRequest.__resource__
        review = Review(CREATE, resource, "", "default", "r", asked, None, user)
        try:
            await noderestriction.mutate(review, nodes.app.chain._environment)
        except StatusError as error:
            return str(error)
        return ""

    strange = f'pod "default/web" does not mount a podCertificate projected volume for signer "{SIGNER}"'
    assert strange in await refusal(A)
    spec.podName, mounted = "mounted", {"name": "c", "projected": {"sources": [{"podCertificate": to_plain()}]}}
    made = await nodes.post(PODS, pod("mounted", nodeName="a", serviceAccountName="used", volumes=[mounted]))
    spec.podUID = made["metadata"]["uid"]
    assert await refusal(A) == ""
    assert "does not mount" in await refusal(A, signerName="example.com/other")
    assert 'which is not the requesting node "b"' in await refusal(B)
    assert 'pod "default/mounted" is not running on node "b"' in await refusal(
        B, nodeName="b", nodeUID=(await nodes.get("/api/v1/nodes/b"))["metadata"]["uid"]
    )
    assert 'contains serviceAccountName ("other") that differs from running pod ("used")' in await refusal(
        A, serviceAccountName="other"
    )
    for name in found:
        assert (await refusal(A, **{name: "x"})).startswith('PodCertificateRequest for pod "default/mounted" ')
    assert await refusal(A, podName="none") == (
        'while retrieving pod "default/none" named in the PodCertificateRequest: pod "none" not found'
    )


async def test_a_signer_can_be_opened_to_a_node(nodes: Api) -> None:
    rule = {"verbs": ["request-serviceaccounts-podcertificate-signer"], "apiGroups": ["certificates.k8s.io"]}
    role = {"metadata": {"name": "any"}, "rules": [{**rule, "resources": ["example.com:signer"]}]}
    await nodes.post("/apis/rbac.authorization.k8s.io/v1/clusterroles", role)
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "any"}
    binding = {"metadata": {"name": "any"}, "roleRef": reference, "subjects": [{"kind": "User", "name": A.name}]}
    await nodes.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    spec = PodCertificateRequestSpec(podName="web", serviceAccountName="used", signerName=SIGNER)
    asked = PodCertificateRequest(spec=spec)
    review = Review(CREATE, PodCertificateRequest.__resource__, "", "default", "r", asked, None, A)
    running = Pod(metadata=ObjectMeta(name="web", namespace="default"))
    await noderestriction._pod_signer(running, review, nodes.app.chain._environment)


async def test_the_first_that_is_wrong_with_a_node_is_told(nodes: Api) -> None:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "y"}
    both = {"labels": {"kubernetes.io/own": "x"}, "ownerReferences": [owner]}
    answer = await nodes.as_(A).patch("/api/v1/nodes/a", {"metadata": both}, code=403)
    assert answer["message"] == 'nodes "a" is forbidden: node "a" is not allowed to modify ownerReferences'
