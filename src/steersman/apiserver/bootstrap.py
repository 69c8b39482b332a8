"""What every cluster has from the beginning: its namespaces, roles, priority classes, whom to trust, the `kubernetes` Service."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from steersman.api import codec
from steersman.api.errors import AlreadyExists
from steersman.apiserver.admission.framework import LOOPBACK
from steersman.apiserver.aggregator import trust
from steersman.apiserver.rbacpolicy.seeding import seed
from steersman.apiserver.registry import Write
from steersman.kinds.discovery.service_slices import SERVICE_NAME
from steersman.kinds.types.core_v1 import ConfigMap, Endpoints, Namespace, Service
from steersman.kinds.types.discovery_v1 import EndpointSlice
from steersman.kinds.types.networking_v1 import ServiceCIDR
from steersman.kinds.types.scheduling_v1 import PriorityClass

if TYPE_CHECKING:
    from steersman.apiserver.server import App

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


async def bootstrap(app: App) -> None:
    """Make what is missing; may run at every start."""
    for name in NAMESPACES:
        await _ensure(app, Namespace, {"metadata": {"name": name}})
    await seed(app.registries)
    await publish_trust(app)
    for name, value, description in app.config.priority_classes:
        await _ensure(app, PriorityClass, {"metadata": {"name": name}, "value": value, "description": description})
    await _ensure(app, ServiceCIDR, {"metadata": {"name": "kubernetes"}, "spec": {"cidrs": [app.config.service_cidr]}})
    if app.config.advertise_address:
        await _kubernetes(app)


async def publish_trust(app: App) -> None:
    """Tell aggregated API servers what they must know to take this one's word."""
    data = trust.published(app.config)
    if not data:
        return
    meta = {"name": trust.NAME, "namespace": trust.NAMESPACE}
    await _ensure(
        app,
        ConfigMap,
        {"metadata": meta, "data": data},
        lambda obj, wanted: setattr(obj, "data", trust.renewed(obj.data or {}, wanted.data or {})),
    )


async def _kubernetes(app: App) -> None:
    config = app.config
    address = config.advertise_address
    labels = {"component": "apiserver", "provider": "kubernetes"}
    meta = {"name": "kubernetes", "namespace": "default", "labels": labels}
    first = str(ipaddress.ip_network(config.service_cidr)[1])
    ports = [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": config.advertise_port}]
    await _ensure(app, Service, {"metadata": meta, "spec": {"type": "ClusterIP", "clusterIP": first, "ports": ports}})
    if ipaddress.ip_address(address).is_loopback:
        # Without nodes there is no pod that could reach us, and a loopback address is no endpoint.
        return
    subsets = [
        {"addresses": [{"ip": address}], "ports": [{"name": "https", "port": config.advertise_port, "protocol": "TCP"}]}
    ]
    mirror = {"endpointslice.kubernetes.io/skip-mirror": "true"}
    endpoints = {
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": mirror},
        "subsets": subsets,
    }
    await _ensure(app, Endpoints, endpoints, lambda obj, wanted: setattr(obj, "subsets", wanted.subsets))
    family = f"IPv{ipaddress.ip_address(address).version}"
    piece = {
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {SERVICE_NAME: "kubernetes"},
        },
        "addressType": family,
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": config.advertise_port, "protocol": "TCP"}],
    }
    await _ensure(app, EndpointSlice, piece, _same_endpoints)


def _same_endpoints(obj: Any, wanted: Any) -> None:
    obj.endpoints, obj.ports = wanted.endpoints, wanted.ports


async def _ensure(
    app: App, cls: type[Any], plain: dict[str, Any], align: Callable[[Any, Any], None] | None = None
) -> None:
    """Create an object; with `align`, make one that exists agree with what is wanted."""
    registry = app.registries.of(cls)
    obj, _ = codec.from_builtins(cls, plain)
    registry.kind.default(obj)
    namespace, name = obj.metadata.namespace, obj.metadata.name
    if registry.key(namespace, name) in registry.cache.unreadable:
        # It is there, and nobody knows what it says.
        return
    if registry.cache.get(namespace, name) is None:
        try:
            await registry.create(obj, namespace, Write(LOOPBACK), [])
        except AlreadyExists:
            # Another API server on the same store was faster.
            return
    elif align is not None:

        async def change(old: Any) -> Any:
            new = codec.clone(old)
            align(new, obj)
            return new

        await registry.update(namespace, name, change, Write(LOOPBACK), [])
