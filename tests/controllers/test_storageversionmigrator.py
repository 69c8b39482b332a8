"""Objects that are stored in an old version, and the migration that has them stored anew."""

import json

import pytest

from steersman.apiserver.encryption.providers import Keyed
from steersman.apiserver.encryption.table import Chain, Table, Tables, Unchanged
from steersman.controllers import storageversionmigrator
from steersman.controllers.storageversionmigrator import PATIENCE
from steersman.kinds.types.core_v1 import Secret
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.kinds.types.storagemigration_v1 import StorageVersionMigration
from steersman.store.sealing import PLAIN, Vault

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SCHEMA = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
NAME = "foos.a.example"


def definition(stored):
    versions = [{"name": v, "served": True, "storage": v == stored, "schema": SCHEMA} for v in ("v1", "v2")]
    names = {"plural": "foos", "kind": "Foo"}
    return {
        "metadata": {"name": NAME},
        "spec": {"group": "a.example", "scope": "Namespaced", "names": names, "versions": versions},
    }


@pytest.fixture
async def migrating(world, make):
    await world.start(storageversionmigrator)

    async def migrate(group, plural):
        spec = {"resource": {"group": group, "resource": plural}}
        await world.client.create(make(StorageVersionMigration, "m", spec=spec))
        await world.settle()

    async def state():
        found = await world.client.get(StorageVersionMigration, "m")
        return {c.type: c.status for c in found.status.conditions or ()}

    async def stored():
        found = (await world.app.store.list("/registry/a.example/foos/")).entries
        return {json.loads(entry.value)["apiVersion"] for entry in found}

    world.migrate, world.state, world.stored = migrate, state, stored
    return world


async def test_stored_objects_change_their_version(migrating):
    await migrating.client.request("POST", CRDS, body=definition("v1"))
    await migrating.settle()
    for name in "abc":
        body = {"apiVersion": "a.example/v1", "kind": "Foo", "metadata": {"name": name}}
        await migrating.client.request("POST", "/apis/a.example/v1/namespaces/default/foos", body=body)
    await migrating.client.request(
        "PATCH",
        f"{CRDS}/{NAME}",
        body={"spec": definition("v2")["spec"]},
        headers={"content-type": "application/merge-patch+json"},
    )
    await migrating.settle()
    assert await migrating.stored() == {"a.example/v1"}
    await migrating.migrate("a.example", "foos")
    assert await migrating.state() == {"Running": "False", "Succeeded": "True"}
    assert await migrating.stored() == {"a.example/v2"}
    assert (await migrating.client.get(StorageVersionMigration, "m")).status.resourceVersion


async def test_nothing_is_written_without_need(migrating):
    await migrating.migrate("", "namespaces")
    assert await migrating.state() == {"Running": "False", "Succeeded": "True"}
    found = (await migrating.app.store.list("/registry/core/namespaces/")).entries
    assert all(entry.revision == entry.create_revision for entry in found)


async def test_a_resource_that_nobody_serves(migrating):
    await migrating.migrate("", "foo")
    assert await migrating.state() == {}
    await migrating.clock.advance(PATIENCE + 1)
    await migrating.settle()
    assert await migrating.state() == {"Failed": "True"}


async def test_values_are_encrypted_with_the_key_of_today(migrating):
    """A write that changes nothing is none, unless the value would be stored in another way."""
    tables = Tables(Table({}), active=True)
    store = migrating.app.store
    store._vault = Vault(tables)
    await migrating.client.create(Secret(metadata=ObjectMeta(name="a", namespace="default")))
    key = "/registry/core/secrets/default/a"
    assert dict(store.origins("/registry/core/secrets/")) == {key: PLAIN}
    provider = Keyed("aesgcm", [("key1", bytes(32))])
    tables.table = Table({("", "secrets"): Chain((provider, Unchanged()))})
    await migrating.migrate("", "secrets")
    assert await migrating.state() == {"Running": "False", "Succeeded": "True"}
    assert dict(store.origins("/registry/core/secrets/")) == {key: provider.origin}
