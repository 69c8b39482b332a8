"""The roles and bindings at a server's start: made once, mended where something is missing, and not written when all is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.apiserver.conftest import CATALOG, Api

from steersman.apiserver.rbacpolicy.seeding import seed
from steersman.apiserver.server import App

RBAC = "/apis/rbac.authorization.k8s.io/v1"
VIEW = f"{RBAC}/clusterroles/view"
DISCOVERY = f"{RBAC}/clusterroles/system:discovery"
MASTERS = f"{RBAC}/clusterrolebindings/cluster-admin"
Restart = Callable[[], Awaitable[None]]


@pytest.fixture
def restart(api: Api) -> Restart:
    async def again() -> None:
        await seed(api.app.registries)

    return again


async def test_nothing_is_written_when_all_is_there(api: Api) -> None:
    revision = api.app.store.revision
    again = App(api.app.store, api.clock, api.app.config, catalog=CATALOG)
    await again.start()
    assert api.app.store.revision == revision
    await again.close()


async def test_all_are_committed_together(api: Api) -> None:
    stats = api.app.store.stats()  # type: ignore[attr-defined]
    assert stats.writes > 150
    assert stats.commits < stats.writes / 4


async def test_what_is_deleted_comes_back(api: Api, restart: Restart) -> None:
    before = await api.get(DISCOVERY)
    await api.delete(DISCOVERY)
    await api.delete(f"{RBAC}/namespaces/kube-public/rolebindings/system:controller:bootstrap-signer")
    await restart()
    after = await api.get(DISCOVERY)
    assert after["rules"] == before["rules"]
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    await api.get(f"{RBAC}/namespaces/kube-public/rolebindings/system:controller:bootstrap-signer")


async def test_what_is_missing_is_added_and_what_is_more_is_kept(api: Api, restart: Restart) -> None:
    role = await api.get(DISCOVERY)
    extra = {"verbs": ["get"], "nonResourceURLs": ["/mine"]}
    await api.put(DISCOVERY, {**role, "rules": [{**role["rules"][0], "nonResourceURLs": ["/api"]}, extra]})
    binding = await api.get(MASTERS)
    ann = {"kind": "User", "name": "ann", "apiGroup": "rbac.authorization.k8s.io"}
    await api.put(MASTERS, {**binding, "subjects": [ann]})
    await restart()
    role = await api.get(DISCOVERY)
    held = {url for rule in role["rules"] for url in rule["nonResourceURLs"]}
    assert {"/mine", "/api", "/apis/*", "/openapi"} <= held
    assert (await api.get(MASTERS))["subjects"] == [ann, *binding["subjects"]]


async def test_who_opted_out_is_left_alone(api: Api, restart: Restart) -> None:
    role = await api.get(DISCOVERY)
    role["metadata"]["annotations"]["rbac.authorization.kubernetes.io/autoupdate"] = "false"
    await api.put(DISCOVERY, {**role, "rules": []})
    await restart()
    assert not (await api.get(DISCOVERY)).get("rules")


async def test_a_binding_to_another_role_is_made_anew(api: Api, restart: Restart) -> None:
    binding = await api.get(MASTERS)
    await api.delete(MASTERS)
    ref = {**binding["roleRef"], "name": "view"}
    meta = {"name": "cluster-admin"}
    await api.post(
        f"{RBAC}/clusterrolebindings",
        {**binding, "metadata": meta, "roleRef": ref, "subjects": []},
    )
    await restart()
    found = await api.get(MASTERS)
    assert (found["roleRef"], found["subjects"]) == (binding["roleRef"], binding["subjects"])


async def test_a_role_of_ones_own_that_becomes_a_sum_keeps_its_rules(api: Api, restart: Restart) -> None:
    mine = {"verbs": ["get"], "apiGroups": ["example.com"], "resources": ["widgets"]}
    await api.delete(VIEW)
    await api.delete(f"{RBAC}/clusterroles/system:aggregate-to-view")
    await api.post(f"{RBAC}/clusterroles", {"metadata": {"name": "view"}, "rules": [mine]})
    await restart()
    part: dict[str, Any] = await api.get(f"{RBAC}/clusterroles/system:aggregate-to-view")
    assert mine in part["rules"]
    assert part["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"
    assert (await api.get(VIEW))["aggregationRule"]


async def test_two_servers_start_at_once(api: Api) -> None:
    for name in ("system:discovery", "system:basic-user"):
        await api.delete(f"{RBAC}/clusterroles/{name}")
    others = [App(api.app.store, api.clock, api.app.config, catalog=CATALOG) for _ in range(2)]
    import asyncio

    await asyncio.gather(*(other.start() for other in others))
    await api.get(DISCOVERY)
    for other in others:
        await other.close()
