"""A container's environment: precedence, references, sources that are missing; and expansion by itself."""

import base64

import pytest
from tests.kubelet.builders import container, pod

from steersman.api import codec
from steersman.api.errors import NotFound
from steersman.kinds.types.core_v1 import ConfigMap, Secret, Service
from steersman.kubelet.downward import NodeFacts
from steersman.kubelet.env import ConfigError, EnvContext, container_env, service_variables
from steersman.kubelet.expansion import expand


class Objects:
    """ConfigMaps and Secrets by name, in every namespace."""

    def __init__(self, maps=None, secrets=None):
        self.maps, self.secrets = maps or {}, secrets or {}

    async def config_map(self, namespace, name):
        if name not in self.maps:
            raise NotFound.of(ConfigMap.__resource__, name)
        return ConfigMap(data=self.maps[name])

    async def secret(self, namespace, name):
        if name not in self.secrets:
            raise NotFound.of(Secret.__resource__, name)
        return Secret(data={k: base64.b64encode(v).decode() for k, v in self.secrets[name].items()})


async def env(objects=None, services=None, **fields):
    made = pod([container(**fields)], metadata={"labels": {"app": "web"}}, nodeName="n")
    context = EnvContext(made, NodeFacts("n", ("192.0.2.1",)), ("10.0.0.5",), services or {}, objects or Objects())
    return dict(await container_env(made.spec.containers[0], context))


def ref(kind, name, **more):
    return {"valueFrom": {kind: {"name": name, "key": "k", **more}}}


async def test_precedence():
    objects = Objects({"a": {"X": "map", "Y": "map", "Z": "map"}}, {"s": {"Y": b"secret", "Z": b"secret"}})
    found = await env(
        objects,
        {"X": "service", "W": "service"},
        envFrom=[{"configMapRef": {"name": "a"}}, {"secretRef": {"name": "s"}}],
        env=[{"name": "Z", "value": "own"}, {"name": "Z", "value": "last"}],
    )
    assert found == {"W": "service", "X": "map", "Y": "secret", "Z": "last"}


async def test_prefix():
    found = await env(Objects({"a": {"X": "1"}}), envFrom=[{"prefix": "P_", "configMapRef": {"name": "a"}}])
    assert found == {"P_X": "1"}


async def test_references_reach_what_came_before():
    found = await env(
        Objects({"a": {"MAP": "m"}}),
        {"SVC": "s"},
        envFrom=[{"configMapRef": {"name": "a"}}],
        env=[
            {"name": "A", "value": "$(MAP)-$(SVC)-$(LATER)-$$(MAP)"},
            {"name": "LATER", "value": "l"},
            {"name": "B", "value": "$(A)$(LATER)"},
        ],
    )
    assert found["A"] == "m-s-$(LATER)-$(MAP)"
    assert found["B"] == "m-s-$(LATER)-$(MAP)l"


async def test_sources():
    objects = Objects({"m": {"k": "from map"}}, {"s": {"k": b"from secret", "other": b"\xff"}})
    found = await env(
        objects,
        env=[
            {"name": "MAP", **ref("configMapKeyRef", "m")},
            {"name": "SECRET", **ref("secretKeyRef", "s")},
            {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1m"}}},
        ],
        resources={"requests": {"cpu": "250m"}},
    )
    assert found == {"MAP": "from map", "SECRET": "from secret", "LABEL": "web", "NODE": "n", "CPU": "250"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"env": [{"name": "A", **ref("configMapKeyRef", "none")}]}, 'configmaps "none" not found'),
        ({"env": [{"name": "A", **ref("secretKeyRef", "none")}]}, 'secrets "none" not found'),
        ({"env": [{"name": "A", **ref("configMapKeyRef", "m")}]}, "couldn't find key k in ConfigMap default/m"),
        ({"env": [{"name": "A", **ref("secretKeyRef", "s")}]}, "couldn't find key k in Secret default/s"),
        ({"envFrom": [{"configMapRef": {"name": "none"}}]}, 'configmaps "none" not found'),
        ({"envFrom": [{"secretRef": {"name": "none"}}]}, 'secrets "none" not found'),
        ({"env": [{"name": "A", **ref("secretKeyRef", "bytes")}]}, "key k in Secret default/bytes is not valid UTF-8"),
        ({"envFrom": [{"secretRef": {"name": "binary"}}]}, "key b in Secret default/binary is not valid UTF-8"),
    ],
)
async def test_what_is_missing(fields, message):
    objects = Objects({"m": {}}, {"s": {}, "binary": {"b": b"\xff"}, "bytes": {"k": b"\xff"}})
    with pytest.raises(ConfigError) as failed:
        await env(objects, **fields)
    assert str(failed.value) == message


async def test_what_may_be_missing():
    found = await env(
        Objects({"m": {}}),
        env=[
            {"name": "A", **ref("configMapKeyRef", "none", optional=True)},
            {"name": "B", **ref("configMapKeyRef", "m", optional=True)},
            {"name": "C", **ref("secretKeyRef", "none", optional=True)},
        ],
        envFrom=[
            {"configMapRef": {"name": "none", "optional": True}},
            {"secretRef": {"name": "none", "optional": True}},
        ],
    )
    assert found == {}


def service(name, namespace="default", ip="10.96.0.1", ports=((80, "", "TCP"),)):
    spec = {"clusterIP": ip, "ports": [{"port": p, "name": n, "protocol": proto} for p, n, proto in ports]}
    return codec.from_builtins(Service, {"metadata": {"name": name, "namespace": namespace}, "spec": spec})[0]


def test_service_variables():
    found = service_variables([service("my-web", ports=((80, "http", "TCP"), (53, "dns-udp", "UDP")))], "default", True)
    assert found == {
        "MY_WEB_SERVICE_HOST": "10.96.0.1",
        "MY_WEB_SERVICE_PORT": "80",
        "MY_WEB_SERVICE_PORT_HTTP": "80",
        "MY_WEB_SERVICE_PORT_DNS_UDP": "53",
        "MY_WEB_PORT": "tcp://10.96.0.1:80",
        "MY_WEB_PORT_80_TCP": "tcp://10.96.0.1:80",
        "MY_WEB_PORT_80_TCP_PROTO": "tcp",
        "MY_WEB_PORT_80_TCP_PORT": "80",
        "MY_WEB_PORT_80_TCP_ADDR": "10.96.0.1",
        "MY_WEB_PORT_53_UDP": "udp://10.96.0.1:53",
        "MY_WEB_PORT_53_UDP_PROTO": "udp",
        "MY_WEB_PORT_53_UDP_PORT": "53",
        "MY_WEB_PORT_53_UDP_ADDR": "10.96.0.1",
    }


@pytest.mark.parametrize(
    ("namespace", "links", "hosts"),
    [
        ("default", True, {"KUBERNETES", "WEB"}),
        ("default", False, {"KUBERNETES"}),
        ("other", True, {"KUBERNETES", "OWN"}),
    ],
)
def test_which_services(namespace, links, hosts):
    services = [service("kubernetes"), service("web"), service("own", "other"), service("headless", ip="None")]
    found = service_variables(services, namespace, links)
    assert {k.removesuffix("_SERVICE_HOST") for k in found if k.endswith("_SERVICE_HOST")} == hosts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"), ("$(A)", "1"), ("x$(A)y$(B)", "x1y2"), ("$(NONE)", "$(NONE)"), ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"), ("$$$$", "$$"), ("$A", "$A"), ("$", "$"), ("a$", "a$"), ("$(A", "$(A"), ("$()", "$()"),
        ("$(A)$", "1$"), ("$(A$(B))", "$(A$(B))"),
    ],
)  # fmt: skip
def test_expansion(text, expected):
    assert expand(text, {"A": "1", "B": "2"}) == expected
