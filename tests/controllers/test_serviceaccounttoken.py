"""Tokens in Secrets over the real API server: what fills them, what ends them, and who they are good for."""

from base64 import b64decode
from datetime import timedelta
from functools import partial

import pytest
from tests.controllers.conftest import World

from steersman.api.clock import FakeClock
from steersman.api.errors import NotFound
from steersman.api.http import Request
from steersman.apiserver.authn import ServiceAccountTokens
from steersman.apiserver.server import App
from steersman.controller.config import ControllerConfig
from steersman.controllers import serviceaccounttoken
from steersman.kinds.types.core_v1 import ObjectReference, Secret, ServiceAccount
from steersman.pki import certs, tokens
from steersman.store.backends.memory import BACKEND

KEY = tokens.Key(certs.new_key())
SIGN = partial(tokens.sign, key=KEY)
TYPE = "kubernetes.io/service-account-token"
NAME, UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"


@pytest.fixture
async def world():
    """A world whose server knows the key that signs."""
    clock = FakeClock()
    accounts = ServiceAccountTokens(KEY, (KEY,))
    app = App(BACKEND.open("", clock), clock, service_accounts=accounts)
    await app.start()
    world = World(clock, app)
    world.spawn(app.run())
    yield world
    await world.close()


async def start(world, **settings):
    await world.start(serviceaccounttoken, config=ControllerConfig(root_ca="PEM", sign_token=SIGN, **settings))


async def account(world, make, name="robot"):
    made = await world.client.create(make(ServiceAccount, name))
    await world.settle()
    return made


async def secret(world, make, name="robot-token", of="robot", **annotations):
    made = make(Secret, name, type=TYPE)
    made.metadata.annotations = {NAME: of, **annotations}
    await world.client.create(made)
    await world.settle()


def plain(found):
    return {key: b64decode(value).decode() for key, value in (found.data or {}).items()}


async def status_of(world, token):
    request = Request("GET", "/api", headers={"authorization": f"Bearer {token}"})
    return (await world.app.handle(request)).status


async def test_a_secret_is_filled(world, make):
    await start(world)
    made = await account(world, make)
    await secret(world, make)
    found = await world.client.get(Secret, "robot-token", "default")
    data = plain(found)
    token = data.pop("token")
    assert data == {"namespace": "default", "ca.crt": "PEM"}
    assert found.metadata.annotations == {NAME: "robot", UID: made.metadata.uid}
    assert tokens.verify(token, [KEY], 0) == {
        "iss": "kubernetes/serviceaccount",
        "kubernetes.io/serviceaccount/namespace": "default",
        "kubernetes.io/serviceaccount/secret.name": "robot-token",
        "kubernetes.io/serviceaccount/service-account.name": "robot",
        "kubernetes.io/serviceaccount/service-account.uid": made.metadata.uid,
        "sub": "system:serviceaccount:default:robot",
    }
    assert await status_of(world, token) == 200
    verdict = world.app.authenticator.review(token)
    assert (verdict.user.name, verdict.user.uid) == ("system:serviceaccount:default:robot", made.metadata.uid)
    assert verdict.audiences == (tokens.ISSUER,)
    # No list is kept of what was made by hand.
    assert (await world.client.get(ServiceAccount, "robot", "default")).secrets is None


async def test_what_is_there_stays_and_what_is_wrong_is_mended(world, make):
    await start(world)
    await account(world, make)
    await secret(world, make)
    found = await world.client.get(Secret, "robot-token", "default")
    token = found.data["token"]
    found.data = {"token": token, "ca.crt": "b2xk", "more": "eA=="}
    await world.client.update(found)
    await world.settle()
    mended = await world.client.get(Secret, "robot-token", "default")
    assert mended.data["token"] == token
    assert {**plain(mended), "token": ""} == {"token": "", "namespace": "default", "ca.crt": "PEM", "more": "x"}


async def test_a_secret_ends_with_its_account(world, make):
    await start(world)
    await account(world, make)
    await secret(world, make)
    token = plain(await world.client.get(Secret, "robot-token", "default"))["token"]
    assert await status_of(world, token) == 200
    await world.client.delete(ServiceAccount, "robot", "default")
    assert await status_of(world, token) == 401
    await world.settle()
    with pytest.raises(NotFound):
        await world.client.get(Secret, "robot-token", "default")


async def test_an_account_of_the_same_name_is_another(world, make):
    await start(world)
    await account(world, make)
    await secret(world, make)
    await world.client.delete(ServiceAccount, "robot", "default")
    await world.client.create(make(ServiceAccount, "robot"))
    await world.settle()
    assert await world.all(Secret) == []


@pytest.mark.parametrize(("of", "annotations"), [("nobody", {}), ("robot", {UID: "another"})])
async def test_a_secret_of_nobody_is_deleted(world, make, of, annotations):
    await start(world)
    await account(world, make)
    await secret(world, make, of=of, **annotations)
    assert await world.all(Secret) == []


async def test_other_secrets_are_left_alone(world, make):
    await start(world)
    made = make(Secret, "plain")
    made.metadata.annotations = {NAME: "nobody"}
    await world.client.create(made)
    await world.settle()
    assert [s.data for s in await world.all(Secret)] == [None]


async def test_a_deleted_secret_leaves_the_list(world, make):
    await start(world)
    made = await account(world, make)
    await secret(world, make)
    made.secrets = [ObjectReference(name=name) for name in ("robot-token", "hand-made")]
    await world.client.update(made)
    await world.settle()
    await world.client.delete(Secret, "robot-token", "default")
    await world.settle()
    found = await world.client.get(ServiceAccount, "robot", "default")
    assert [r.name for r in found.secrets] == ["hand-made"]


async def test_a_token_is_good_as_long_as_its_secret_holds_it(world, make):
    await start(world)
    await account(world, make)
    for name in ("deleted", "changed", "marked"):
        await secret(world, make, name)
    bag = {name: await world.client.get(Secret, name, "default") for name in ("deleted", "changed", "marked")}
    token = {name: plain(found)["token"] for name, found in bag.items()}
    for name in bag:
        assert await status_of(world, token[name]) == 200
    await world.client.delete(Secret, "deleted", "default")
    bag["changed"].data["token"] = bag["marked"].data["token"]
    await world.client.update(bag["changed"])
    mark = {"metadata": {"labels": {"kubernetes.io/legacy-token-invalid-since": "2026-01-01"}}}
    await world.client.patch(Secret, "marked", mark, "default")
    for name in bag:
        assert await status_of(world, token[name]) == 401, name


async def a_day_passes(world):
    # What looks every second would make a minute's work of it.
    await world.clock.advance(86400, turns=1)
    await world.settle()


async def test_the_day_of_the_last_use_is_noted(world, make):
    await start(world)
    await account(world, make)
    await secret(world, make)
    found = await world.client.get(Secret, "robot-token", "default")
    token = plain(found)["token"]

    async def noted(day):
        assert await status_of(world, token) == 200
        await world.settle()
        labels = (await world.client.get(Secret, "robot-token", "default")).metadata.labels
        assert labels == {"kubernetes.io/legacy-token-last-used": day.isoformat()}

    today = world.clock.now().date()
    await noted(today)
    before = world.app.store.revision
    await noted(today)
    assert world.app.store.revision == before
    await a_day_passes(world)
    await noted(today + timedelta(days=1))
    # Nothing to note where there is nothing any more.
    assert await status_of(world, token) == 200
    await a_day_passes(world)
    assert await status_of(world, token) == 200
    await world.client.delete(Secret, "robot-token", "default")
    await world.settle()


async def test_by_itself_every_account_gets_one(world, make):
    await start(world, legacy_service_account_tokens=True)
    made = await account(world, make)
    found = await world.client.get(ServiceAccount, "robot", "default")
    assert len(found.secrets) == 1
    name = found.secrets[0].name
    assert name.startswith("robot-token-")
    first = await world.client.get(Secret, name, "default")
    assert first.metadata.annotations == {NAME: "robot", UID: made.metadata.uid}
    assert await status_of(world, plain(first)["token"]) == 200
    assert len([s for s in await world.all(Secret) if s.metadata.annotations[NAME] == "robot"]) == 1


async def test_by_itself_a_deleted_one_is_replaced(world, make):
    await start(world, legacy_service_account_tokens=True)
    await account(world, make)
    before = (await world.client.get(ServiceAccount, "robot", "default")).secrets
    await world.client.delete(Secret, before[0].name, "default")
    await world.settle()
    after = (await world.client.get(ServiceAccount, "robot", "default")).secrets
    assert len(after) == 1
    assert after != before


async def test_by_itself_a_forgotten_one_is_made_again(world, make):
    await start(world, legacy_service_account_tokens=True)
    await account(world, make)
    found = await world.client.get(ServiceAccount, "robot", "default")
    before, found.secrets = found.secrets, None
    await world.client.update(found)
    await world.settle()
    for _ in range(20):
        await world.pass_time(1)
    after = (await world.client.get(ServiceAccount, "robot", "default")).secrets
    assert len(after) == 1
    assert after != before


async def test_without_a_key_nothing_is_made(world, make):
    await world.start(serviceaccounttoken, config=ControllerConfig(legacy_service_account_tokens=True))
    await account(world, make)
    await secret(world, make)
    assert [s.data for s in await world.all(Secret)] == [None]
