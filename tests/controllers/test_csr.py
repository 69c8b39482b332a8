"""CertificateSigningRequests over the real API server: which are signed, which fail, and when they go."""

from base64 import b64decode, b64encode
from datetime import timedelta

import pytest
from tests.pki.test_requests import NAMES, request

from steersman.api.clock import FakeClock
from steersman.controller.config import ControllerConfig
from steersman.controllers import csrcleaner, csrsigning
from steersman.kinds.certificates import signers
from steersman.kinds.types.certificates_v1 import CertificateSigningRequest, CertificateSigningRequestCondition
from steersman.pki import certs, requests

CA = certs.new_ca("test-ca", FakeClock().now())
CLIENT_AUTH = ["digital signature", "key encipherment", "client auth"]


@pytest.fixture
async def signing(world):
    authority = (CA.cert, CA.key)
    await world.start(csrsigning, csrcleaner, config=ControllerConfig(signing_authority=authority))
    return world


@pytest.fixture
def ask(make):
    async def create(world, pem=None, signer=signers.CLIENT, usages=CLIENT_AUTH, **spec):
        text = b64encode(pem or request()).decode()
        body = {"request": text, "signerName": signer, "usages": usages, **spec}
        await world.client.create(make(CertificateSigningRequest, "r", spec=body))
        await world.settle()

    return create


async def decide(world, decision="Approved"):
    found = await world.client.get(CertificateSigningRequest, "r")
    now = world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    found.status.conditions = [
        CertificateSigningRequestCondition(type=decision, status="True", reason="Test", lastUpdateTime=now)
    ]
    await world.client.update(found, "approval")
    await world.settle()
    return await world.client.get(CertificateSigningRequest, "r")


async def gone(world):
    return not (await world.client.list(CertificateSigningRequest)).items


@pytest.mark.parametrize(
    ("seconds", "life"),
    [
        (None, timedelta(days=365, minutes=-5)),
        (600, timedelta(minutes=10)),
        (8 * 3600 - 1, timedelta(hours=8, seconds=-1)),
        (8 * 3600, timedelta(hours=8, minutes=-5)),
        (10**9, timedelta(days=365, minutes=-5)),
    ],
)
async def test_an_approved_request_is_signed(signing, ask, seconds, life):
    await ask(signing, expirationSeconds=seconds)
    assert not (await signing.client.get(CertificateSigningRequest, "r")).status.certificate
    found = await decide(signing)
    assert [c.type for c in found.status.conditions] == ["Approved"]
    assert requests.ends(b64decode(found.status.certificate)) == signing.clock.now().replace(microsecond=0) + life


@pytest.mark.parametrize(("decision", "signer"), [("Denied", signers.CLIENT), ("Approved", "example.com/other")])
async def test_others_are_left_alone(signing, ask, decision, signer):
    await ask(signing, signer=signer)
    found = await decide(signing, decision)
    assert not found.status.certificate
    assert [c.type for c in found.status.conditions] == [decision]


async def test_a_request_that_its_signer_does_not_sign_has_failed(signing, ask):
    await ask(signing, usages=["server auth"])
    found = await decide(signing)
    assert not found.status.certificate
    failed = found.status.conditions[-1]
    assert (failed.type, failed.reason) == ("Failed", "SignerValidationFailure")
    assert failed.message == "invalid usage for client certificate: server auth"


NODE = requests.Asked("system:node:n", ("system:nodes",), 0, 0, 0, 0)
SERVING = requests.Asked("system:node:n", ("system:nodes",), 1, 1, 0, 0)


@pytest.mark.parametrize(
    ("signer", "asked", "usages", "text"),
    [
        (signers.CLIENT, NODE, ["client auth"], ""),
        (signers.CLIENT, NODE, ["digital signature"], "missing required usage for client certificate: client auth"),
        (signers.KUBELET_CLIENT, NODE, CLIENT_AUTH, ""),
        (signers.KUBELET_CLIENT, NODE, ["digital signature", "client auth"], ""),
        (
            signers.KUBELET_CLIENT,
            NODE,
            ["client auth"],
            "usages did not match [client auth digital signature key encipherment]",
        ),
        (signers.KUBELET_CLIENT, SERVING, CLIENT_AUTH, "DNS subjectAltNames are not allowed"),
        (
            signers.KUBELET_CLIENT,
            requests.Asked("system:node:n", ("system:nodes", "x"), 0, 0, 0, 0),
            CLIENT_AUTH,
            "subject organization is not system:nodes",
        ),
        (
            signers.KUBELET_CLIENT,
            requests.Asked("n", ("system:nodes",), 0, 0, 0, 0),
            CLIENT_AUTH,
            "subject common name does not begin with system:node:",
        ),
        (signers.KUBELET_SERVING, SERVING, ["digital signature", "key encipherment", "server auth"], ""),
        (signers.KUBELET_SERVING, NODE, ["server auth"], "DNS or IP subjectAltName is required"),
        (
            signers.KUBELET_SERVING,
            requests.Asked("system:node:n", ("system:nodes",), 1, 0, 1, 0),
            ["server auth"],
            "Email subjectAltNames are not allowed",
        ),
        (signers.LEGACY, NODE, ["any"], ""),
    ],
)
def test_refusal(signer, asked, usages, text):
    assert csrsigning.refusal(signer, asked, usages) == text


async def test_names_are_signed_too(signing, ask):
    await ask(signing, request(names=tuple(NAMES)))
    found = await decide(signing)
    assert b64decode(found.status.certificate).startswith(b"-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize(("decision", "hours"), [("Approved", 1), ("Denied", 1), (None, 24)])
async def test_requests_go_when_nobody_needs_them(signing, ask, decision, hours):
    await ask(signing)
    if decision:
        await decide(signing, decision)
    # Most of it with few turns of the event loop for each who looks every second.
    await signing.clock.advance(hours * 3600 - 70, turns=1)
    await signing.pass_time(60)
    assert not await gone(signing)
    await signing.pass_time(20)
    assert await gone(signing)


async def test_requests_go_with_their_certificates(signing, ask):
    await ask(signing, expirationSeconds=600)
    await decide(signing)
    await signing.pass_time(590)
    assert not await gone(signing)
    await signing.pass_time(20)
    assert await gone(signing)


async def test_without_an_authority_nothing_is_signed(world, ask):
    await world.start(csrsigning)
    await ask(world)
    assert not (await decide(world)).status.certificate
