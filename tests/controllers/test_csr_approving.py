"""Which requests of kubelets are approved by themselves, as clients and as servers; everybody else's wait for people."""

from base64 import b64decode, b64encode

import pytest
from cryptography import x509

from steersman.api.clock import FakeClock
from steersman.api.errors import Forbidden
from steersman.api.http import User
from steersman.apiserver.rbacpolicy.own import BOOTSTRAPPERS
from steersman.controller.config import ControllerConfig
from steersman.controllers import csrapproving, csrsigning, kubeletservingapproving
from steersman.kinds.certificates import signers
from steersman.kinds.types.certificates_v1 import CertificateSigningRequest
from steersman.kinds.types.rbac_v1 import ClusterRoleBinding
from steersman.pki import certs, requests

CA = certs.new_ca("test-ca", FakeClock().now())
CLIENT_AUTH = ["digital signature", "client auth"]
SERVER_AUTH = ["digital signature", "server auth"]
HOSTS = {"node-1": ("node-1", "10.0.0.1"), "node-2": ("node-2", "10.0.0.2")}
NODE = User("system:node:node-1", ("system:nodes", "system:authenticated"))
OTHER_NODE = User("system:node:node-2", ("system:nodes", "system:authenticated"))
NEW = User("system:bootstrap:abcdef", ("system:bootstrappers", BOOTSTRAPPERS, "system:authenticated"))
# May ask, as an administrator may, but has no permission that counts here.
MASTER = User("steersman-admin", ("system:masters", "system:authenticated"))
STRANGER = User("jane", ("dev", "system:authenticated"))


@pytest.fixture
async def approving(world):
    config = ControllerConfig(signing_authority=(CA.cert, CA.key), node_hosts=HOSTS)
    await world.start(csrapproving, kubeletservingapproving, csrsigning, config=config)
    return world


@pytest.fixture
def ask(approving, make):
    async def create(user, pem, signer, usages):
        client = approving.client_for(user)
        body = {"request": b64encode(pem).decode(), "signerName": signer, "usages": usages}
        await client.create(make(CertificateSigningRequest, "r", spec=body))
        await approving.settle()
        return await approving.client.get(CertificateSigningRequest, "r")

    return create


def pem_of(name="system:node:node-1", groups=("system:nodes",), hosts=()):
    return requests.make(name, groups, hosts)[0]


@pytest.mark.parametrize("user", [NEW, NODE, MASTER])
async def test_client_certificates(ask, user):
    found = await ask(user, pem_of(), signers.KUBELET_CLIENT, CLIENT_AUTH)
    condition = found.status.conditions[0]
    assert (condition.type, condition.reason) == ("Approved", "AutoApproved")
    whose = "self kubelet" if user is NODE else "kubelet"
    assert condition.message == f"Auto approving {whose} client certificate after SubjectAccessReview."
    signed = x509.load_pem_x509_certificate(b64decode(found.status.certificate))
    assert signed.subject.rfc4514_string() == "CN=system:node:node-1,O=system:nodes"
    assert not signed.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize(
    ("user", "pem", "signer", "usages"),
    [
        # A node that asks for another's certificate.
        (OTHER_NODE, pem_of(), signers.KUBELET_CLIENT, CLIENT_AUTH),
        # More than a kubelet is.
        (NEW, pem_of(groups=("system:nodes", "system:masters")), signers.KUBELET_CLIENT, CLIENT_AUTH),
        (NEW, pem_of(name="admin"), signers.KUBELET_CLIENT, CLIENT_AUTH),
        (NEW, pem_of(hosts=("node-1",)), signers.KUBELET_CLIENT, CLIENT_AUTH),
        (NEW, pem_of(), signers.KUBELET_CLIENT, [*CLIENT_AUTH, "server auth"]),
        # By another signer, who would sign it as it is.
        (NEW, pem_of(), signers.CLIENT, CLIENT_AUTH),
        (NODE, pem_of(name="root", groups=("system:masters",)), signers.CLIENT, CLIENT_AUTH),
    ],
)
async def test_what_waits_for_people(approving, ask, user, pem, signer, usages):
    try:
        found = await ask(user, pem, signer, usages)
    except Forbidden:
        # Not even stored: nodes ask for nothing but their own, and nobody for the masters.
        approving.refused.clear()
        return
    assert not found.status.conditions
    assert not found.status.certificate


@pytest.mark.parametrize("hosts", [("node-1", "10.0.0.1"), ("10.0.0.1",)])
async def test_serving_certificates(ask, hosts):
    found = await ask(NODE, pem_of(hosts=hosts), signers.KUBELET_SERVING, SERVER_AUTH)
    assert [c.type for c in found.status.conditions] == ["Approved"]
    signed = x509.load_pem_x509_certificate(b64decode(found.status.certificate))
    names = signed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(str(name.value) for name in names) == hosts


@pytest.mark.parametrize(
    ("user", "pem", "usages"),
    [
        # The API server's names and addresses, and another node's.
        (NODE, pem_of(hosts=("node-1", "10.0.0.1", "kubernetes")), SERVER_AUTH),
        (NODE, pem_of(hosts=("10.96.0.1",)), SERVER_AUTH),
        (NODE, pem_of(hosts=("10.0.0.2",)), SERVER_AUTH),
        (NODE, pem_of(hosts=("127.0.0.1",)), SERVER_AUTH),
        (NODE, pem_of(name="system:node:node-2", hosts=("10.0.0.2",)), SERVER_AUTH),
        (NODE, pem_of(hosts=("10.0.0.1",)), [*SERVER_AUTH, "client auth"]),
        (NODE, pem_of(), SERVER_AUTH),
        # Somebody who says to be that node.
        (MASTER, pem_of(hosts=("10.0.0.1",)), SERVER_AUTH),
        (NEW, pem_of(hosts=("10.0.0.1",)), SERVER_AUTH),
        # A node that is not of this machine.
        (
            User("system:node:far", ("system:nodes", "system:authenticated")),
            pem_of(name="system:node:far", hosts=("10.0.0.9",)),
            SERVER_AUTH,
        ),
    ],
)
async def test_serving_certificates_that_wait_for_people(approving, ask, user, pem, usages):
    try:
        found = await ask(user, pem, signers.KUBELET_SERVING, usages)
    except Forbidden:
        approving.refused.clear()
        return
    assert not found.status.conditions


async def test_strangers_may_not_even_ask(approving, ask):
    with pytest.raises(Forbidden):
        await ask(STRANGER, pem_of(), signers.KUBELET_CLIENT, CLIENT_AUTH)
    approving.refused.clear()


async def test_an_answer_is_not_given_twice(approving, ask):
    found = await ask(NODE, pem_of(), signers.KUBELET_CLIENT, CLIENT_AUTH)
    assert csrapproving.is_decided(found)
    assert [c.type for c in found.status.conditions] == ["Approved"]


async def test_rights_that_are_given_later(approving, ask, make):
    """The request waits, and is looked at again."""

    async def bind(role):
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": STRANGER.name}
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
        name = role.replace(":", "-")
        await approving.client.create(make(ClusterRoleBinding, name, roleRef=ref, subjects=[subject]))

    await bind("system:node-bootstrapper")
    found = await ask(STRANGER, pem_of(), signers.KUBELET_CLIENT, CLIENT_AUTH)
    assert not found.status.conditions
    await bind("system:certificates.k8s.io:certificatesigningrequests:nodeclient")
    await approving.clock.advance(1)
    await approving.settle()
    found = await approving.client.get(CertificateSigningRequest, "r")
    assert [c.type for c in found.status.conditions] == ["Approved"]
    assert found.status.certificate
