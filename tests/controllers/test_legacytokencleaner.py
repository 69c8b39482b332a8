"""Tokens in Secrets that nobody uses: marked after a year, deleted after another, unless somebody needs them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.controllers.conftest import World

from steersman.api.clock import FakeClock
from steersman.api.errors import NotFound
from steersman.apiserver.server import App
from steersman.controller.config import ControllerConfig
from steersman.controllers import legacytokencleaner
from steersman.controllers.legacytokencleaner import Step, Times, step_for
from steersman.kinds.core.legacytoken import INVALID_SINCE, LAST_USED, TRACKING
from steersman.kinds.types.core_v1 import (
    ConfigMap,
    Container,
    ObjectReference,
    Pod,
    PodSpec,
    Secret,
    SecretVolumeSource,
    ServiceAccount,
    Volume,
)
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.store.backends.memory import BACKEND

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TIMES = Times(NOW, timedelta(days=365))
DAY = 24 * 3600.0


def account(*secrets, uid="u"):
    references = [ObjectReference(name=name) for name in secrets]
    return ServiceAccount(metadata=ObjectMeta(name="robot", namespace="default", uid=uid), secrets=references)


def secret(created="2025-01-01T00:00:00Z", **labels):
    said = {"kubernetes.io/service-account.name": "robot", "kubernetes.io/service-account.uid": "u"}
    meta = ObjectMeta(name="s", namespace="default", creationTimestamp=created, annotations=said, labels=labels)
    return Secret(metadata=meta, type="kubernetes.io/service-account-token")


@pytest.mark.parametrize(
    ("found", "of", "step"),
    [
        (secret(), account("s"), Step.MARK),
        (secret(), None, Step.KEEP),
        (secret(), account("other"), Step.KEEP),
        (secret(), account("s", uid="another"), Step.KEEP),
        (secret(created="2026-01-01T00:00:00Z"), account("s"), Step.KEEP),
        (secret(**{LAST_USED: "2025-05-31"}), account("s"), Step.MARK),
        (secret(**{LAST_USED: "2025-06-01"}), account("s"), Step.KEEP),
        (secret(**{LAST_USED: "yesterday"}), account("s"), Step.KEEP),
        (secret(**{INVALID_SINCE: "2025-05-31"}), account("s"), Step.DELETE),
        (secret(**{INVALID_SINCE: "2025-06-01"}), account("s"), Step.KEEP),
        (secret(**{INVALID_SINCE: "20250531"}), account("s"), Step.MARK),
        (secret(**{INVALID_SINCE: "2025-05-31", LAST_USED: "2026-05-31"}), account("s"), Step.KEEP),
    ],
)
def test_step(found, of, step):
    assert step_for(found, of, TIMES) is step


@pytest.fixture
async def world():
    """Without the server's own recurring work, which would take long for days."""
    clock = FakeClock()
    app = App(BACKEND.open("", clock), clock)
    await app.start()
    world = World(clock, app)
    await app._last_used.track()
    yield world
    await world.close()


async def test_a_life(world, make):
    tracking = await world.client.get(ConfigMap, TRACKING, "kube-system")
    assert tracking.data == {"since": world.clock.now().date().isoformat()}
    robot = make(ServiceAccount, "robot")
    robot.secrets = [ObjectReference(name="unused"), ObjectReference(name="mounted")]
    await world.client.create(robot)
    await world.client.create(make(ServiceAccount, "default"))
    for name in ("unused", "mounted", "manual"):
        made = make(Secret, name, type="kubernetes.io/service-account-token")
        made.metadata.annotations = {"kubernetes.io/service-account.name": "robot"}
        await world.client.create(made)
    volume = Volume(name="v", secret=SecretVolumeSource(secretName="mounted"))
    pod = Pod(metadata=ObjectMeta(name="p", namespace="default"))
    pod.spec = PodSpec(containers=[Container(name="c", image="i")], volumes=[volume])
    await world.client.create(pod)
    await world.start(legacytokencleaner, config=ControllerConfig(legacy_token_clean_up_period=DAY))

    async def look():
        await world.settle()
        found = {}
        for name in ("unused", "mounted", "manual"):
            try:
                one = await world.client.get(Secret, name, "default")
            except NotFound:
                continue
            found[name] = (one.metadata.labels or {}).get(INVALID_SINCE)
        return found

    nothing = {"unused": None, "mounted": None, "manual": None}
    assert await look() == nothing
    # A day is over that may not have been a whole one.
    await world.clock.advance(DAY)
    assert await look() == nothing
    await world.clock.advance(1.5 * DAY)
    assert (await look())["unused"] is not None
    await world.clock.advance(2.5 * DAY)
    assert await look() == {"mounted": None, "manual": None}
