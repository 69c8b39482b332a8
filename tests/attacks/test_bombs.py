"""Small requests that would become large or long: every one is refused, or done in no time."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from tests.apiprocess import MEBIBYTE, ApiProcess
from tests.attacks.conftest import NAMESPACE, Grants

MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
SERVICES = f"/api/v1/namespaces/{NAMESPACE}/services"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
YAML = {"Content-Type": "application/yaml"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
APPLY = {"Content-Type": "application/apply-patch+yaml"}
# One thread serves everybody: a request that takes so long keeps all others waiting.
MOST_SECONDS = 2.5
MOST_GROWTH = 64 * MEBIBYTE


class Bomb:
    """Sends one, and looks at what it has done."""

    def __init__(self, server: ApiProcess) -> None:
        self.server = server

    def __call__(
        self,
        method: str,
        path: str,
        body: Any,
        headers: dict[str, str] | None = None,
        *,
        codes: tuple[int, ...] = (400, 422),
    ) -> Any:
        before, began = self.server.resident(), self.server.worked()
        answer = self.server.ask(method, path, body, headers)
        took, grown = self.server.worked() - began, self.server.resident() - before
        assert answer.status in codes, (answer.status, answer.body[:500])
        assert took < MOST_SECONDS, f"{took:.1f} s"
        assert grown < MOST_GROWTH, f"{grown / MEBIBYTE:.0f} MiB"
        assert len(answer.body) < 4 * MEBIBYTE, len(answer.body)
        return answer


@pytest.fixture
def bomb(server: ApiProcess) -> Bomb:
    return Bomb(server)


def laughs(depth: int = 12, width: int = 10) -> bytes:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, depth)]
    return "\n".join(lines).encode()


HEAD = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\n"


@pytest.mark.parametrize(
    "body",
    [
        HEAD + laughs(),
        HEAD + b"data: &d\n  a: *d\n",
        HEAD + b"data: {<<: [*x, *x]}\n",
        HEAD + b"x: " + b"[" * 20_000,
        HEAD + b"x: " + b"[" * 20_000 + b"]" * 20_000,
        HEAD + b"x: " + b"{a: " * 20_000,
        HEAD + b"data: {a: !!python/object/apply:os.system [id]}\n",
        HEAD + b"data: {a: !!binary " + b"A" * 100_000 + b"}\n",
        b"--- " * 50_000,
        b"- " * 50_000,
        b"? " * 50_000,
        HEAD + b"data: {a: " + b"9" * 100_000 + b"}\n",
        HEAD + b"data: {a: 1:" + b"00:" * 20_000 + b"0}\n",
        HEAD + b"data: {a: 0b" + b"1" * 100_000 + b"}\n",
        b"\xff\xfe" + b"a" * 1000,
        b"%YAML 9.9\n---\n" + HEAD,
        b"&a " * 20_000 + b"b",
    ],
)
def test_yaml(bomb: Bomb, body: bytes) -> None:
    bomb("POST", f"{MAPS}?dryRun=All", body, YAML, codes=(201, 400, 422))
    # As upstream, what does not fit its type is a 500 when it is applied.
    path = f"{MAPS}/bomb?fieldManager=x&dryRun=All"
    bomb("PATCH", path, body, APPLY, codes=(201, 400, 404, 415, 422, 500))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"a":' * 400_000,
        b'{"metadata":{"name":"bomb"},"data":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
        b'{"metadata":{"name":"bomb"},"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"metadata":{"name":"bomb","generation":' + b"9" * 500_000 + b"}}",
        b'{"metadata":{"name":"bomb","generation":1e999999999}}',
        b'{"metadata":{"name":"bomb","generation":0.' + b"1" * 500_000 + b"}}",
        b'{"metadata":{"name":"bomb","generation":-0e-99999999999999999999}}',
        b'{"metadata":{"name":"' + b"\\u0041" * 100_000 + b'"}}',
        b'{"metadata":{"name":"bomb"},"data":{"a":"\\ud800"}}' * 2,
        b'{"metadata":{"name":"bomb"}}' + b" " * 1_000_000 + b"x",
        b'"' + b"\\" * 1_000_000,
        b"NaN",
        b"",
        b"\x00" * 1_000_000,
    ],
)
def test_json(bomb: Bomb, body: bytes) -> None:
    bomb("POST", MAPS, body, codes=(400, 413, 422))
    bomb("PUT", f"{MAPS}/bomb", body, codes=(400, 413, 422))


def test_fields_that_come_a_hundred_thousand_times(bomb: Bomb) -> None:
    repeated = b'{"metadata":{"name":"bomb"},' + b'"data":{"a":"b"},' * 100_000 + b'"data":{}}'
    bomb("POST", f"{MAPS}?fieldValidation=Strict", repeated, codes=(400, 413))
    unknown = b'{"metadata":{"name":"bomb"},' + b",".join(b'"x%d":1' % i for i in range(100_000)) + b"}"
    bomb("POST", f"{MAPS}?fieldValidation=Strict", unknown, codes=(400, 413))


def test_protobuf(bomb: Bomb) -> None:
    media = {"Content-Type": "application/vnd.kubernetes.protobuf"}
    magic = b"k8s\x00"
    nested = b""
    for _ in range(20_000):
        size = len(nested)
        varint = b""
        while size >= 0x80:
            varint, size = varint + bytes((size & 0x7F | 0x80,)), size >> 7
        nested = b"\x0a" + varint + bytes((size,)) + nested
    types = b"\x0a\x0f\x0a\x02v1\x12\x09ConfigMap"
    for body in (
        magic,
        magic + b"\x0a\xff\xff\xff\xff\x0f",
        magic + b"\xff" * 100_000,
        magic + types + b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        magic + nested,
        b"k8s\x01" + nested,
        nested,
    ):
        bomb("POST", MAPS, body, media)


def test_packed_bodies_are_not_unpacked(bomb: Bomb) -> None:
    packed = gzip.compress(b'{"metadata":{"name":"bomb"},"data":{"a":"' + b" " * (200 * MEBIBYTE) + b'"}}')
    assert len(packed) < MEBIBYTE
    bomb("POST", MAPS, packed, {"Content-Encoding": "gzip"}, codes=(400, 413, 415))
    bomb("POST", MAPS, packed, {"Content-Type": "application/gzip"}, codes=(400, 415))


@pytest.fixture
def victim(grant: Grants) -> str:
    grant.keep(MAPS, {"metadata": {"name": "victim"}, "data": {"a": "x" * 1000}})
    return f"{MAPS}/victim"


def test_json_patches_that_copy(bomb: Bomb, victim: str) -> None:
    doubling = [{"op": "copy", "from": "/data", "path": f"/data/{'x' * (i + 1)}"} for i in range(60)]
    bomb("PATCH", victim, doubling, JSON_PATCH, codes=(400, 413, 422))
    large = [{"op": "add", "path": "/data/big", "value": "y" * 500_000}]
    large += [{"op": "copy", "from": "/data/big", "path": f"/data/c{i}"} for i in range(5000)]
    bomb("PATCH", victim, large, JSON_PATCH, codes=(400, 413, 422))


def test_json_patches_with_too_much_to_do(bomb: Bomb, victim: str) -> None:
    bomb("PATCH", victim, [{"op": "test", "path": "/data/a", "value": "x"}] * 50_000, JSON_PATCH, codes=(400, 413, 422))
    deep = "/data" + "/a" * 200_000
    bomb("PATCH", victim, [{"op": "add", "path": deep, "value": 1}], JSON_PATCH, codes=(400, 422))
    tilde = "/data/" + "~1" * 200_000
    bomb("PATCH", victim, [{"op": "remove", "path": tilde}], JSON_PATCH, codes=(400, 422))
    for index in ("99999999999999999999", "-1", "01", "1e9", "-"):
        bomb("PATCH", victim, [{"op": "add", "path": f"/metadata/finalizers/{index}", "value": "x"}], JSON_PATCH)


@pytest.mark.parametrize("media", [MERGE, STRATEGIC])
def test_merge_patches(bomb: Bomb, victim: str, media: dict[str, str]) -> None:
    deep = b'{"data":' * 50_000 + b"1" + b"}" * 50_000
    bomb("PATCH", victim, deep, media)
    directives = {"data": {"$patch": "replace", "$retainKeys": ["a"] * 10_000, "$setElementOrder/x": ["y"] * 10_000}}
    bomb("PATCH", victim, directives, media, codes=(200, 400, 422))
    many = {"metadata": {"finalizers": [f"example.com/{i}" for i in range(20_000)]}}
    bomb("PATCH", victim, many, media, codes=(200, 400, 413, 422))
    bomb("PATCH", victim, {"metadata": {"finalizers": None}}, MERGE, codes=(200,))


def test_strategic_merges_of_long_lists(bomb: Bomb, grant: Grants) -> None:
    containers = [{"name": f"c{i}", "image": "x"} for i in range(300)]
    grant.keep(PODS, {"metadata": {"name": "long"}, "spec": {"containers": containers}})
    order = {"$setElementOrder/containers": [{"name": f"c{i}"} for i in range(20_000)]}
    bomb("PATCH", f"{PODS}/long", {"spec": order}, STRATEGIC, codes=(200, 400, 422))
    tolerations = [{"key": f"k{i}", "operator": "Exists"} for i in range(5_000)]
    bomb("PATCH", f"{PODS}/long", {"spec": {"tolerations": tolerations}}, STRATEGIC, codes=(200, 400, 422))


def test_warnings_and_long_lists_that_are_compared(bomb: Bomb, grant: Grants) -> None:
    secrets = [{"name": ""} for _ in range(20_000)]
    pod = {"containers": [{"name": "c", "image": "x"}], "imagePullSecrets": secrets}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod}
    spec = {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    grant.keep(DEPLOYMENTS, {"metadata": {"name": "warned"}, "spec": spec})
    bomb("PATCH", f"{DEPLOYMENTS}/warned", {"spec": {"paused": True}}, MERGE, codes=(200,))
    addresses = [f"1.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(30_000)]
    grant.keep(SERVICES, {"metadata": {"name": "warned"}, "spec": {"ports": [{"port": 1}], "externalIPs": addresses}})
    bomb("PATCH", f"{SERVICES}/warned", {"spec": {"sessionAffinity": "ClientIP"}}, MERGE, codes=(200,))
    families = {"ports": [{"port": 1}], "ipFamilies": [f"IPv{i}" for i in range(30_000)]}
    bomb("POST", SERVICES, {"metadata": {"name": "families"}, "spec": families}, codes=(422,))


def test_applied_configurations(bomb: Bomb, grant: Grants) -> None:
    items = {f"k{i}": "v" for i in range(30_000)}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "wide"}, "data": items}
    for manager in ("one", "two", "three"):
        bomb("PATCH", f"{MAPS}/wide?fieldManager={manager}&force=true", body, APPLY, codes=(200, 201, 400, 413, 422))
    grant._made.append(f"{MAPS}/wide")
    entry = {"manager": "m", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1"}
    deep: Any = {}
    for _ in range(900):
        deep = {"f:a": deep}
    forged = {"metadata": {"name": "forged", "managedFields": [{**entry, "fieldsV1": deep}] * 50}}
    bomb("POST", MAPS, forged, codes=(201, 400, 422))
    grant._made.append(f"{MAPS}/forged")


@pytest.mark.parametrize(
    "selector",
    [
        "labelSelector=" + ",".join(f"a{i}=b" for i in range(5_000)),
        "labelSelector=" + "a%20in%20(" + ",".join(str(i) for i in range(20_000)) + ")",
        "labelSelector=" + "(" * 50_000,
        "labelSelector=" + "!" * 50_000,
        "fieldSelector=" + ",".join("metadata.name!=x" for _ in range(5_000)),
        "fieldSelector=metadata.name%3D" + "%5C" * 50_000,
        "labelSelector=a&" * 20_000,
        "&".join(f"p{i}=1" for i in range(50_000)),
        "pretty=" + "1" * 100_000,
    ],
)
def test_selectors_and_parameters(bomb: Bomb, selector: str) -> None:
    bomb("GET", f"{MAPS}?{selector}", None, codes=(200, 400, 414, 431))


EVIL = [
    "(a+)+$",
    "(a|a)*$",
    "(.*a){50}",
    "((a{1,100}){1,100}){1,100}",
    "a{1000000}",
    "(?=a)b",
    r"(a)\1",
    "[" * 5000,
    "(" * 5000,
]


def definition(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    group = "bombs.example.com"
    return {
        "metadata": {"name": f"{name}s.{group}"},
        "spec": {
            "group": group,
            "names": {
                "plural": f"{name}s",
                "kind": name.capitalize(),
                "singular": name,
                "listKind": f"{name.capitalize()}List",
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": schema}}},
                }
            ],
        },
    }


DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.mark.parametrize("pattern", EVIL)
def test_patterns_in_schemas(bomb: Bomb, server: ApiProcess, grant: Grants, pattern: str) -> None:
    name = f"pattern{abs(hash(pattern)) % 10_000}"
    schema = {"type": "object", "properties": {"text": {"type": "string", "pattern": pattern}}}
    answer = bomb("POST", DEFINITIONS, definition(name, schema), codes=(201, 400, 422))
    if answer.status != 201:
        return
    grant._made.append(f"{DEFINITIONS}/{name}s.bombs.example.com")
    path = f"/apis/bombs.example.com/v1/namespaces/{NAMESPACE}/{name}s"
    obj = {
        "apiVersion": "bombs.example.com/v1",
        "kind": name.capitalize(),
        "metadata": {"name": "x"},
        "spec": {"text": "a" * 50_000 + "!"},
    }
    bomb("POST", path, obj, codes=(201, 400, 404, 422))


def test_schemas(bomb: Bomb) -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(300):
        deep = {"type": "object", "properties": {"a": deep}}
    bomb("POST", DEFINITIONS, definition("deep", deep), codes=(201, 400, 422))
    wide = {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(20_000)}}
    bomb("POST", DEFINITIONS, definition("wide", wide), codes=(201, 400, 422))
    enum = {"type": "object", "properties": {"a": {"type": "string", "enum": [str(i) for i in range(50_000)]}}}
    bomb("POST", DEFINITIONS, definition("enum", enum), codes=(201, 400, 422))
    for name in ("deep", "wide", "enum"):
        bomb("DELETE", f"{DEFINITIONS}/{name}s.bombs.example.com", None, codes=(200, 404))


LOOPS = "self.all(a, self.all(b, self.all(c, self.all(d, self.all(e, a + b + c + d + e != 'x')))))"


@pytest.mark.parametrize(
    "rule",
    [
        LOOPS,
        "self.map(x, self.map(y, x + y)).size() > 0",
        "'" + "a" * 20_000 + "' == self[0]",
        "(" * 2_000 + "true" + ")" * 2_000,
        "!" * 5_000 + "true",
        " && ".join(["self.size() > 0"] * 2_000),
        "self[0].matches('(a+)+$')",
        "self[0]" + ".replace('a', 'aa')" * 40 + " == ''",
        "self.map(x, x + x + x + x).map(x, x + x + x + x).map(x, x + x + x + x).map(x, x + x + x + x) == []",
    ],
)
def test_rules_in_schemas(bomb: Bomb, server: ApiProcess, rule: str) -> None:
    name = f"ruled{abs(hash(rule)) % 10_000}"
    schema = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {"type": "string"}, "x-kubernetes-validations": [{"rule": rule}]}
        },
    }
    answer = bomb("POST", DEFINITIONS, definition(name, schema), codes=(201, 400, 422))
    if answer.status == 201:
        obj = {
            "apiVersion": "bombs.example.com/v1",
            "kind": name.capitalize(),
            "metadata": {"name": "x"},
            "spec": {"items": ["a" * 100] * 3_000},
        }
        path = f"/apis/bombs.example.com/v1/namespaces/{NAMESPACE}/{name}s"
        bomb("POST", path, obj, codes=(201, 400, 404, 422))
        assert server.ask("DELETE", f"{DEFINITIONS}/{name}s.bombs.example.com").status == 200


@pytest.mark.parametrize(
    "expression",
    [
        "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, " * 6 + "true" + "))" * 6,
        "object.metadata.name.matches('(a|a)*$')",
        "object.data.all(k, object.data.all(l, object.data.all(m, k + l + m != 'x')))",
        "(" * 3_000 + "true" + ")" * 3_000,
        "'a'" + ".replace('a', 'aaaaaaaaaa')" * 10 + " != ''",
    ],
)
def test_expressions_in_policies(bomb: Bomb, server: ApiProcess, grant: Grants, expression: str) -> None:
    base = "/apis/admissionregistration.k8s.io/v1/"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    policy = {
        "metadata": {"name": "bomb"},
        "spec": {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": expression}]},
    }
    answer = bomb("POST", f"{base}validatingadmissionpolicies", policy, codes=(201, 400, 422))
    if answer.status != 201:
        return
    grant._made.append(f"{base}validatingadmissionpolicies/bomb")
    grant.keep(
        f"{base}validatingadmissionpolicybindings",
        {"metadata": {"name": "bomb"}, "spec": {"policyName": "bomb", "validationActions": ["Deny"]}},
    )
    data = {f"k{i}": "v" for i in range(500)}
    bomb("POST", f"{MAPS}?dryRun=All", {"metadata": {"name": "x"}, "data": data}, codes=(201, 422))


def test_objects_of_all_sizes_are_bounded(bomb: Bomb) -> None:
    bomb("POST", MAPS, {"metadata": {"name": "big"}, "data": {"a": "x" * (2 * MEBIBYTE)}}, codes=(413, 422))
    bomb("POST", MAPS, {"metadata": {"name": "big", "annotations": {"a": "x" * 300_000}}})
    bomb("POST", MAPS, {"metadata": {"name": "big", "labels": {"a" * 400: "b"}}})
    labels = {f"l{i}": "v" for i in range(20_000)}
    bomb("POST", f"{MAPS}?dryRun=All", {"metadata": {"name": "big", "labels": labels}}, codes=(201, 413, 422))


def test_quantities_and_durations(bomb: Bomb) -> None:
    for value in ("9" * 100_000, "1e999999999", "0." + "0" * 100_000 + "1", "1" + "0" * 100_000 + "Ki", "1e-999999999"):
        resources = {"limits": {"cpu": value}}
        pod = {"metadata": {"name": "q"}, "spec": {"containers": [{"name": "c", "image": "x", "resources": resources}]}}
        bomb("POST", f"{PODS}?dryRun=All", pod, codes=(201, 400, 422))


def test_bombs_in_questions(bomb: Bomb) -> None:
    base = "/apis/authorization.k8s.io/v1/"
    groups = [f"g{i}" for i in range(50_000)]
    attributes = {"resource": "pods", "verb": "get"}
    review = {"spec": {"user": "eve", "groups": groups, "resourceAttributes": attributes}}
    bomb("POST", f"{base}subjectaccessreviews", review, codes=(201,))
    token = {"spec": {"token": "a." * 500_000}}
    bomb("POST", "/apis/authentication.k8s.io/v1/tokenreviews", token, codes=(201, 400))
    bomb("GET", "/version", None, {"Authorization": "Bearer " + "a." * 20_000}, codes=(200, 401))


def test_the_answers_are_kubernetes_own(server: ApiProcess) -> None:
    answer = server.ask("POST", MAPS, b"[" * 50_000)
    assert (answer.json["kind"], answer.status) == ("Status", 400)
    too_large = json.dumps({"metadata": {"name": "x"}, "data": {"a": "x" * (4 * MEBIBYTE)}}).encode()
    answer = server.ask("POST", MAPS, too_large)
    assert (answer.status, answer.reason) == (413, "RequestEntityTooLarge")
