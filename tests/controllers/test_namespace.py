"""Namespaces over the real API server: what each gets, and how each ends."""

import pytest
from tests.controllers.conftest import AWAY

from steersman.api.errors import NotFound
from steersman.controller.config import ControllerConfig
from steersman.controllers import garbagecollector, namespace, rootcacertpublisher, serviceaccount
from steersman.kinds.types.apiregistration_v1 import APIService
from steersman.kinds.types.core_v1 import ConfigMap, Namespace, Pod, Secret, ServiceAccount

POD = {"containers": [{"name": "c", "image": "web:1"}]}


@pytest.fixture
async def team(world, make):
    config = ControllerConfig(root_ca="PEM")
    await world.start(namespace, serviceaccount, rootcacertpublisher, garbagecollector, config=config)
    await world.client.create(make(Namespace, "team"))
    await world.settle()
    return world


async def conditions(world):
    found = await world.client.get(Namespace, "team")
    return {c.type: (c.status, c.reason) for c in found.status.conditions or ()}


async def test_every_namespace_gets_its_account_and_authority(team):
    for name in ("team", "default", "kube-system"):
        assert (await team.client.get(ServiceAccount, "default", name)).metadata.uid
        assert (await team.client.get(ConfigMap, "kube-root-ca.crt", name)).data == {"ca.crt": "PEM"}


async def test_they_come_back_when_deleted_or_changed(team):
    await team.client.delete(ServiceAccount, "default", "team")
    await team.client.patch(ConfigMap, "kube-root-ca.crt", {"data": {"ca.crt": "forged"}}, "team")
    await team.settle()
    assert (await team.client.get(ServiceAccount, "default", "team")).metadata.uid
    assert (await team.client.get(ConfigMap, "kube-root-ca.crt", "team")).data == {"ca.crt": "PEM"}


async def test_a_deleted_namespace_ends_with_all_in_it(team, make):
    await team.client.create(make(Secret, "s", "team"))
    await team.client.create(make(Secret, "s", "default"))
    await team.client.delete(Namespace, "team")
    await team.settle()
    with pytest.raises(NotFound):
        await team.client.get(Namespace, "team")
    assert await team.all(Secret, "team") == []
    assert len(await team.all(Secret)) == 1


async def test_content_that_stays_is_told_and_waited_for(team, make):
    await team.client.create(make(Pod, "p", "team", spec=POD, meta={"finalizers": ["x.io/stay"]}))
    await team.client.create(make(Secret, "s", "team"))
    await team.client.delete(Namespace, "team")
    await team.settle()
    assert (await team.client.get(Namespace, "team")).status.phase == "Terminating"
    found = await conditions(team)
    assert found["NamespaceContentRemaining"] == ("True", "SomeResourcesRemain")
    assert found["NamespaceFinalizersRemaining"] == ("True", "SomeFinalizersRemain")
    assert found["NamespaceDeletionDiscoveryFailure"] == ("False", "ResourcesDiscovered")
    # Other content waits for the pods' end.
    assert len(await team.all(Secret, "team")) == 1
    await team.client.patch(Pod, "p", {"metadata": {"finalizers": None}}, "team")
    await team.settle()
    with pytest.raises(NotFound):
        await team.client.get(Namespace, "team")


async def test_a_group_whose_server_is_away_is_told_and_waited_for(team, make):
    await team.client.create(make(APIService, "v1.away.io", spec=AWAY))
    await team.client.create(make(Secret, "s", "team"))
    await team.client.delete(Namespace, "team")
    await team.settle()
    # Who knows what it holds of the namespace: it stays, and all else in it is gone.
    found = await conditions(team)
    assert found["NamespaceDeletionDiscoveryFailure"] == ("True", "DiscoveryFailed")
    assert found["NamespaceDeletionContentFailure"] == ("False", "ContentDeleted")
    messages = [c.message for c in (await team.client.get(Namespace, "team")).status.conditions]
    assert messages[0] == (
        "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: "
        "away.io/v1: service unavailable"
    )
    assert await team.all(Secret, "team") == []
    await team.client.delete(APIService, "v1.away.io")
    await team.pass_time(2)
    with pytest.raises(NotFound):
        await team.client.get(Namespace, "team")
