"""The plugins that are off by default, each in a server that has it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.conftest import CATALOG, KEY, MAPS, PODS, Api, config_map, pod

from steersman.api.clock import FakeClock
from steersman.api.configuration import ConfigurationError
from steersman.api.http import User
from steersman.apiserver.admission.given import Given
from steersman.apiserver.admission.selection import Plugins, select
from steersman.apiserver.authn import ServiceAccountTokens
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.server import App
from steersman.store.backends import memory

NAMESPACE = "/api/v1/namespaces/default"
SERVICES = f"{NAMESPACE}/services"
EVENTS = f"{NAMESPACE}/events"
ROLES, BINDINGS = "clusterroles", "clusterrolebindings"
RBAC = "/apis/rbac.authorization.k8s.io/v1"

With = Callable[..., AbstractAsyncContextManager[Api]]


@asynccontextmanager
async def having(*plugins: str, **given: Any) -> AsyncIterator[Api]:
    """A server with these plugins, configured with these values."""
    clock = FakeClock(1_800_000_000.0)
    store = memory.BACKEND.open("", clock)
    settings = Plugins(plugins, (), {name: Given(value, name, Path()) for name, value in given.items()})
    config = ServerConfig(admission=settings)
    app = App(store, clock, config, catalog=CATALOG, service_accounts=ServiceAccountTokens(KEY, (KEY,)))
    await app.start()
    api = Api(app, clock)
    await api.app.registries.create(_account())
    try:
        yield api
    finally:
        await app.close()
        await store.close()


def _account() -> Any:
    from steersman.kinds.types.core_v1 import ServiceAccount
    from steersman.kinds.types.meta_v1 import ObjectMeta

    return ServiceAccount(metadata=ObjectMeta(namespace="default", name="default"))


async def annotate(api: Api, **annotations: str) -> None:
    found = {f"scheduler.alpha.kubernetes.io/{name}": value for name, value in annotations.items()}
    await api.patch(NAMESPACE, {"metadata": {"annotations": found}})


async def message(api: Api, path: str, body: Any, code: int = 403) -> str:
    return str((await api.post(path, body, code=code))["message"])


async def test_always_admit_and_deny() -> None:
    async with having("AlwaysAdmit") as api:
        await api.post(MAPS, config_map())
        assert await message(api, MAPS, config_map(), 409)
    async with having("AlwaysDeny") as api:
        text = 'configmaps "a" is forbidden: admission control is denying all modifications'
        assert await message(api, MAPS, config_map()) == text
        await api.delete("/api/v1/namespaces/default/serviceaccounts/default", code=403)


async def test_namespaces_are_made() -> None:
    path = "/api/v1/namespaces/new/configmaps"
    async with having("NamespaceAutoProvision") as api:
        await api.post(f"{path}?dryRun=All", config_map(), code=404)
        await api.post(path, config_map())
        await api.get("/api/v1/namespaces/new")
    async with having("NamespaceExists") as api:
        assert await message(api, path, config_map(), 404) == 'namespaces "new" not found'


def apart(key: str) -> dict[str, Any]:
    term = {"topologyKey": key, "labelSelector": {"matchLabels": {"a": "b"}}}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


async def test_hard_anti_affinity() -> None:
    async with having("LimitPodHardAntiAffinityTopology") as api:
        await api.post(PODS, pod("a", **apart("kubernetes.io/hostname")))
        assert await message(api, PODS, pod("b", **apart("zone"))) == (
            'pods "b" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone but only key '
            "kubernetes.io/hostname is allowed"
        )


async def test_images_are_always_pulled() -> None:
    volume = {"name": "v", "image": {"reference": "x", "pullPolicy": "Never"}}
    never = {"image": "x", "imagePullPolicy": "Never"}
    async with having("AlwaysPullImages") as api:
        found = await api.post(
            PODS,
            pod(
                containers=[{"name": "c", **never}], initContainers=[{"name": "i", **never}], volumes=[volume],
            ),
        )  # fmt: skip
        spec = found["spec"]
        assert {c["imagePullPolicy"] for c in (*spec["containers"], *spec["initContainers"])} == {"Always"}
        assert next(v for v in spec["volumes"] if v["name"] == "v")["image"]["pullPolicy"] == "Always"


async def test_external_addresses() -> None:
    def service(*addresses: str) -> dict[str, Any]:
        return {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], "externalIPs": list(addresses)}}

    async with having("DenyServiceExternalIPs") as api:
        text = 'services "s" is forbidden: Use of external IPs is denied by admission control'
        assert await message(api, SERVICES, service("192.0.2.1")) == text
        await api.post(SERVICES, service())
        await api.patch(f"{SERVICES}/s", {"metadata": {"labels": {"a": "b"}}})
        await api.patch(f"{SERVICES}/s", {"spec": {"externalIPs": ["192.0.2.1"]}}, code=403)


async def test_extended_resources_are_tolerated() -> None:
    async with having("ExtendedResourceToleration") as api:
        amounts = {"x.io/b": "1", "x.io/a": "1", "cpu": "1"}
        asked = {"name": "c", "image": "x", "resources": {"requests": amounts, "limits": amounts}}
        found = await api.post(PODS, pod(containers=[asked]))
        assert found["spec"]["tolerations"][-2:] == [
            {"key": "x.io/a", "operator": "Exists", "effect": "NoSchedule"},
            {"key": "x.io/b", "operator": "Exists", "effect": "NoSchedule"},
        ]
        timed = {"key": "x.io/a", "operator": "Exists", "effect": "NoSchedule"}
        found = await api.post(PODS, pod("b", containers=[asked], tolerations=[timed, {**timed, "key": "o"}]))
        assert [t["key"] for t in found["spec"]["tolerations"]][:3] == ["x.io/a", "o", "node.kubernetes.io/not-ready"]


async def test_node_selectors() -> None:
    configured = {"podNodeSelectorPluginConfig": {"clusterDefaultNodeSelector": "zone=a", "default": "zone=b,disk=ssd"}}
    async with having("PodNodeSelector", PodNodeSelector=configured) as api:
        forbidden = 'pods "a" is forbidden: pod node label selector '
        # The default of all contradicts what the namespace may use.
        assert await message(api, PODS, pod()) == f"{forbidden}labels conflict with its namespace whitelist"
        await annotate(api, **{"node-selector": "zone=b"})
        found = await api.post(PODS, pod(nodeSelector={"disk": "ssd"}))
        assert found["spec"]["nodeSelector"] == {"zone": "b", "disk": "ssd"}
        assert await message(api, PODS, pod(nodeSelector={"zone": "c"})) == (
            f"{forbidden}conflicts with its namespace node label selector"
        )
    async with having("PodNodeSelector") as api:
        assert "nodeSelector" not in (await api.post(PODS, pod()))["spec"]


async def test_tolerations() -> None:
    toleration = {"key": "k", "operator": "Exists", "effect": "NoSchedule"}
    configured = {
        "apiVersion": "podtolerationrestriction.admission.k8s.io/v1alpha1", "kind": "Configuration",
        "default": [toleration], "whitelist": [toleration, {"operator": "Exists", "effect": "NoExecute"}],
    }  # fmt: skip
    async with having("PodTolerationRestriction", PodTolerationRestriction=configured) as api:
        found = await api.post(PODS, pod())
        assert toleration in found["spec"]["tolerations"]
        text = "pod tolerations (possibly merged with namespace default tolerations) conflict with its "
        other = {"key": "o", "operator": "Exists", "effect": "NoSchedule"}
        assert await message(api, PODS, pod("b", tolerations=[other]), 500) == f"{text}cluster whitelist"
        await annotate(api, defaultTolerations="", tolerationsWhitelist='[{"key":"o","operator":"Exists"}]')
        assert await message(api, PODS, pod("b", tolerations=[other]), 500) == f"{text}namespace whitelist"
    async with having("PodTolerationRestriction") as api:
        asking = {"name": "c", "image": "x", "resources": {"requests": {"cpu": "1"}}}
        found = await api.post(PODS, pod(containers=[asking]))
        assert found["spec"]["tolerations"][-1]["key"] == "node.kubernetes.io/memory-pressure"


def limits(*entries: Any) -> dict[str, Any]:
    return {"apiVersion": "eventratelimit.admission.k8s.io/v1alpha1", "kind": "Configuration", "limits": list(entries)}


def event(name: str) -> dict[str, Any]:
    about = {"kind": "Pod", "namespace": "default", "name": "a", "uid": "u", "apiVersion": "v1"}
    return {"metadata": {"name": name}, "involvedObject": about, "source": {"component": "c"}, "reason": "r"}


async def test_event_rates() -> None:
    configured = limits(
        {"type": "Server", "qps": 100, "burst": 100}, {"type": "SourceAndObject", "qps": 1, "burst": 2, "cacheSize": 1}
    )
    async with having("EventRateLimit", EventRateLimit=configured) as api:
        for name in ("a", "b"):
            await api.post(EVENTS, event(name))
        assert await message(api, EVENTS, event("c"), 429) == (
            "Too many requests: limit reached on type SourceAndObject for key cPoddefaultauv1"
        )
        # What is not stored does not count.
        await api.post(f"{EVENTS}?dryRun=All", event("c"))
        await api.clock.advance(1)
        await api.post(EVENTS, event("c"))
        await api.post(EVENTS, event("d"), code=429)
        # What is forgotten begins anew.
        await api.post(EVENTS, {**event("e"), "source": {"component": "other"}})
        await api.post(EVENTS, event("d"))


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("EventRateLimit", limits(), "EventRateLimit: limits: Invalid value: []: must not be empty"),
        (
            "EventRateLimit",
            limits({"type": "X", "qps": 0, "burst": 1, "cacheSize": -1}),
            'EventRateLimit: [limits[0].type: Unsupported value: "X": supported values: "Namespace", "Server", '
            '"SourceAndObject", "User", limits[0].qps: Invalid value: 0: must be positive, limits[0].cacheSize: Invalid '
            "value: -1: must not be negative]",
        ),
        ("EventRateLimit", {"limits": []}, "EventRateLimit: apiVersion: Required value"),
        (
            "PodNodeSelector",
            {"podNodeSelectorPluginConfig": {"a": "b"}},
            "PodNodeSelector: podNodeSelectorPluginConfig.a: invalid selector: [b]",
        ),
        (
            "PodNodeSelector",
            {"podNodeSelectorPluginConfig": {"a": "b=c d"}},
            'PodNodeSelector: podNodeSelectorPluginConfig.a: <nil>: Invalid value: "c d": a valid label must be an empty '
            "string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
            "character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
            "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ),
        ("PodNodeSelector", {"x": {}}, 'PodNodeSelector: unknown field "x"'),
    ],
)
def test_mistakes(name: str, value: Any, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        select(Plugins((name,), (), {name: Given(value, name, Path())}))
    assert str(caught.value) == text


def owned(blocking: bool = False, kind: str = "ConfigMap") -> dict[str, Any]:
    owner = {"apiVersion": "v1", "kind": kind, "name": "o", "uid": "1", "blockOwnerDeletion": blocking}
    return {"metadata": {"name": "a", "ownerReferences": [owner]}}


async def test_owners() -> None:
    async with having("OwnerReferencesPermissionEnforcement") as api:
        verbs = ["create", "update", "patch", "get"]
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}]
        await api.post(f"{RBAC}/{ROLES}", {"metadata": {"name": "r"}, "rules": rules})
        binding = {
            "metadata": {"name": "r"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "u"}],
        }
        await api.post(f"{RBAC}/{BINDINGS}", binding)
        user = api.as_(User("u", ("system:authenticated",)))
        head = 'configmaps "a" is forbidden: cannot set '
        beyond = "blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: , <nil>"
        assert await message(user, MAPS, owned(blocking=True)) == head + beyond
        assert (await message(user, MAPS, owned(blocking=True, kind="X"))).startswith(
            f"{head}blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion v1 Kind X: "
        )
        await user.post(MAPS, config_map())
        refused = await user.patch(f"{MAPS}/a", owned(), code=403)
        assert refused["message"] == f"{head}an ownerRef on a resource you can't delete: , <nil>"
        await user.patch(f"{MAPS}/a", {"data": {"k": "v"}})
        rules[0]["verbs"] = [*verbs, "delete"]
        rules.append({"apiGroups": [""], "resources": ["configmaps/finalizers"], "verbs": ["update"]})
        await api.patch(f"{RBAC}/{ROLES}/r", {"rules": rules})
        await user.patch(f"{MAPS}/a", owned(blocking=True))
        # An administrator may do all of it, also to what nobody knows.
        await api.post(MAPS, {"metadata": {**owned(blocking=True)["metadata"], "name": "b"}})
        await api.post(MAPS, {"metadata": {**owned(blocking=True, kind="X")["metadata"], "name": "c"}})


async def test_how_long_broken_nodes_are_tolerated() -> None:
    async with having(DefaultTolerationSeconds={"notReady": 9, "unreachable": 0}) as api:
        found = (await api.post(PODS, pod()))["spec"]["tolerations"]
        assert [t["tolerationSeconds"] for t in found] == [9, 0]
