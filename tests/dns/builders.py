"""Services and EndpointSlices of a namespace ``shop``, in few words."""

from typing import Any

from steersman.kinds.types.core_v1 import Service, ServicePort, ServiceSpec
from steersman.kinds.types.discovery_v1 import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from steersman.kinds.types.meta_v1 import ObjectMeta

# How long an answer may take, in seconds.
TIMEOUT = 60.0


def service(name: str = "web", namespace: str = "shop", **spec: Any) -> Service:
    spec.setdefault("clusterIP", "10.96.0.7")
    spec.setdefault("ports", [ServicePort(name="http", port=80, protocol="TCP")])
    return Service(metadata=ObjectMeta(name=name, namespace=namespace), spec=ServiceSpec(**spec))


def headless(name: str = "db", **spec: Any) -> Service:
    return service(name, clusterIP="None", **spec)


def slice_of(*endpoints: Endpoint, name: str = "db", port: str = "sql", number: int = 5432) -> EndpointSlice:
    return EndpointSlice(
        metadata=ObjectMeta(name=f"{name}-1", namespace="shop", labels={"kubernetes.io/service-name": name}),
        addressType="IPv4",
        endpoints=list(endpoints),
        ports=[EndpointPort(name=port, port=number, protocol="TCP")],
    )


def endpoint(address: str, hostname: str = "", ready: bool | None = None) -> Endpoint:
    return Endpoint(addresses=[address], hostname=hostname, conditions=EndpointConditions(ready=ready))
