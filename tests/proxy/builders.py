"""Services and EndpointSlices for tests, in few words."""

from typing import Any

from steersman.kinds.types.core_v1 import Service, ServicePort, ServiceSpec
from steersman.kinds.types.discovery_v1 import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from steersman.kinds.types.meta_v1 import ObjectMeta


def service(name: str = "web", *, ports: list[ServicePort] | None = None, **spec: Any) -> Service:
    """A ClusterIP service 10.127.0.5:80 → 8080 unless told otherwise."""
    spec.setdefault("clusterIP", "10.127.0.5")
    spec.setdefault("type", "ClusterIP")
    return Service(
        metadata=ObjectMeta(name=name, namespace="default"),
        spec=ServiceSpec(ports=ports or [port()], **spec),
    )


def port(name: str = "", number: int = 80, protocol: str = "TCP", node_port: int | None = None) -> ServicePort:
    return ServicePort(name=name, port=number, protocol=protocol, nodePort=node_port, targetPort=8080)


def slice_of(
    *endpoints: Endpoint | str, port: int = 8080, name: str = "", protocol: str = "TCP", family: str = "IPv4"
) -> EndpointSlice:
    return EndpointSlice(
        metadata=ObjectMeta(name="web-1", namespace="default", labels={"kubernetes.io/service-name": "web"}),
        addressType=family,
        endpoints=[endpoint(each) if isinstance(each, str) else each for each in endpoints],
        ports=[EndpointPort(name=name, port=port, protocol=protocol)],
    )


def endpoint(address: str, node: str = "node-0", **conditions: bool) -> Endpoint:
    return Endpoint(addresses=[address], nodeName=node, conditions=EndpointConditions(**conditions))
