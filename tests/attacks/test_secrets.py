"""A marker goes in by every way there is, as a secret would; it must be in no log, no Event, no metric, and not in the audit."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.apiprocess import ApiProcess
from tests.attacks.conftest import NAMESPACE, Grants
from tests.attacks.test_bombs import DEFINITIONS, definition

MARKER = "hunter2-marker-5f3a"
ENCODED = base64.b64encode(MARKER.encode()).decode()
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
YAML = {"Content-Type": "application/yaml"}
APPLY = {"Content-Type": "application/apply-patch+yaml"}
MERGE = {"Content-Type": "application/merge-patch+json"}
HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


@pytest.fixture(scope="module", autouse=True)
def looked_for(server: ApiProcess, audit_log_of: Path) -> Iterator[None]:
    """After all of them: where might it be?"""
    yield
    events = server.ask("GET", "/api/v1/events").body + server.ask("GET", "/apis/events.k8s.io/v1/events").body
    metrics = server.ask("GET", "/metrics").body
    places = {"log": server.log(), "audit": audit_log_of.read_bytes(), "events": events, "metrics": metrics}
    for place, content in places.items():
        for form in (MARKER.encode(), ENCODED.encode(), MARKER.encode().hex().encode()):
            at = content.find(form)
            assert at < 0, f"{place}: {content[max(at - 300, 0) : at + 100]!r}"


@pytest.fixture(scope="module")
def audit_log_of(server: ApiProcess) -> Path:
    return server.directory / "audit.log"


def secret(name: str = "s", **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": {"password": ENCODED}, "stringData": {"plain": MARKER}, **more}


def test_a_life_of_a_secret(server: ApiProcess) -> None:
    assert server.ask("POST", SECRETS, secret()).status == 201
    for path in (f"{SECRETS}/s", SECRETS, f"{SECRETS}?watch=1&timeoutSeconds=1"):
        assert server.ask("GET", path).status == 200
    assert server.ask("PUT", f"{SECRETS}/s", secret(data={"more": ENCODED})).status == 200
    assert server.ask("PATCH", f"{SECRETS}/s", {"stringData": {"plain": MARKER + "2"}}, MERGE).status == 200
    applied = {"apiVersion": "v1", "kind": "Secret", **secret()}
    assert server.ask("PATCH", f"{SECRETS}/s?fieldManager=a&force=true", applied, APPLY).status == 200
    assert server.ask("PATCH", f"{SECRETS}/s?fieldManager=b", secret_of(applied, "b" + MARKER), APPLY).status == 409
    assert server.ask("DELETE", f"{SECRETS}/s", user=None).status in (401, 403)
    assert server.ask("DELETE", f"{SECRETS}/s").status == 200


def secret_of(applied: dict[str, Any], plain: str) -> dict[str, Any]:
    return {**applied, "data": {"password": base64.b64encode(plain.encode()).decode()}}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"data":{"a":"' + MARKER.encode(), {}),
        (MARKER.encode(), {}),
        (b'{"' + MARKER.encode() + b'":1}', {}),
        (b"a: b: " + MARKER.encode(), YAML),
        (MARKER.encode(), YAML),
        (b"data: {a: *" + MARKER.encode() + b"}", YAML),
        (b"k8s\x00" + MARKER.encode(), {"Content-Type": "application/vnd.kubernetes.protobuf"}),
        (json.dumps(secret(data={"a": MARKER})).encode(), {}),
        (json.dumps(secret(data={"a": 5, "b": MARKER})).encode(), {}),
        (json.dumps(secret(data=MARKER)).encode(), {}),
        (json.dumps(secret(type=MARKER, immutable=MARKER)).encode(), {}),
        (json.dumps(secret(**{MARKER: 1})).encode(), {}),
        (json.dumps(secret(type="kubernetes.io/tls")).encode(), {}),
        (json.dumps(secret(type="kubernetes.io/dockerconfigjson", data={".dockerconfigjson": ENCODED})).encode(), {}),
        (json.dumps(secret(type="kubernetes.io/basic-auth", data={"password": ENCODED})).encode(), {}),
        (json.dumps({**secret(), "apiVersion": MARKER}).encode(), {}),
        (json.dumps({"metadata": {"name": "s", "annotations": {"a": MARKER * 20_000}}}).encode(), {}),
        (json.dumps({"metadata": {"name": "s", "labels": {"a": MARKER + "!"}}}).encode(), {}),
    ],
)
def test_what_is_no_secret_is_not_quoted(server: ApiProcess, body: bytes, headers: dict[str, str]) -> None:
    for query in ("?fieldValidation=Strict", "?fieldValidation=Warn&dryRun=All", "?fieldValidation=Ignore&dryRun=All"):
        server.ask("POST", SECRETS + query, body, headers)
        server.ask("PUT", f"{SECRETS}/s{query}", body, headers)
    server.ask("PATCH", f"{SECRETS}/s", body, MERGE)
    server.ask("PATCH", f"{SECRETS}/s?fieldManager=a", body, APPLY)
    server.ask("PATCH", f"{SECRETS}/s", body, {"Content-Type": "application/json-patch+json"})


def test_tokens(server: ApiProcess) -> None:
    for scheme in ("Bearer", "Basic", "Negotiate", MARKER):
        server.ask("GET", "/version", headers={"Authorization": f"{scheme} {MARKER}"}, user=None)
    review = {"spec": {"token": MARKER, "audiences": ["x"]}}
    server.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
    protocol = f"base64url.bearer.authorization.k8s.io.{ENCODED.rstrip('=')}"
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "eA==",
    }
    server.ask("GET", f"{PODS}?watch=1", headers={**upgrade, "Sec-WebSocket-Protocol": protocol}, user=None)
    server.ask("GET", "/version", headers={"Cookie": MARKER, "X-Api-Key": MARKER, "Proxy-Authorization": MARKER})
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default/token"
    token = server.ask("POST", path, {"spec": {}}).json["status"]["token"]
    server.ask("GET", "/version", headers={"Authorization": f"Bearer {token}"}, user=None)
    for content in (server.log(), (server.directory / "audit.log").read_bytes()):
        assert token.encode() not in content
        assert token.rpartition(".")[2].encode() not in content


def test_a_webhook_that_fails(server: ApiProcess, grant: Grants) -> None:
    hook = {
        "name": "down.example.com",
        "clientConfig": {"url": f"https://127.0.0.1:{server.port}/nowhere"},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["secrets"]}],
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 1,
    }
    for policy in ("Fail", "Ignore"):
        grant.keep(
            HOOKS, {"metadata": {"name": f"down-{policy.lower()}"}, "webhooks": [{**hook, "failurePolicy": policy}]}
        )
    answer = server.ask("POST", f"{SECRETS}?dryRun=All", secret())
    assert answer.status == 500
    assert MARKER.encode() not in answer.body


def test_a_policy_that_fails(server: ApiProcess, grant: Grants) -> None:
    base = "/apis/admissionregistration.k8s.io/v1/"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["secrets"]}
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "int(object.data.password) > 0"}, {"expression": "object.data.nothing == 'x'"}],
    }
    grant.keep(f"{base}validatingadmissionpolicies", {"metadata": {"name": "fails"}, "spec": spec})
    binding = {"metadata": {"name": "fails"}, "spec": {"policyName": "fails", "validationActions": ["Deny"]}}
    grant.keep(f"{base}validatingadmissionpolicybindings", binding)
    assert server.ask("POST", f"{SECRETS}?dryRun=All", secret()).status == 422


def test_custom_resources(server: ApiProcess, grant: Grants) -> None:
    schema = {
        "type": "object",
        "properties": {
            "password": {"type": "string", "maxLength": 3, "pattern": "^[0-9]+$", "enum": ["1"], "format": "date"},
            "count": {"type": "integer"},
        },
    }
    grant.keep(DEFINITIONS, definition("vault", schema))
    path = f"/apis/bombs.example.com/v1/namespaces/{NAMESPACE}/vaults"
    for spec in ({"password": MARKER}, {"count": MARKER}, {MARKER: {}}, MARKER, [MARKER]):
        body = {"apiVersion": "bombs.example.com/v1", "kind": "Vault", "metadata": {"name": "v"}, "spec": spec}
        for query in ("?fieldValidation=Strict", "?dryRun=All"):
            assert server.ask("POST", path + query, body).status in (201, 400, 404, 422)


def test_objects_of_all_kinds_that_are_wrong(server: ApiProcess) -> None:
    env = [{"name": "PASSWORD=", "value": MARKER}, {"name": "P", "value": MARKER, "valueFrom": {}}]
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "x", "env": env}]}}
    assert server.ask("POST", PODS, pod).status in (400, 422)
    assert server.ask("POST", MAPS, {"metadata": {"name": "m"}, "data": {"a b": MARKER}}).status == 422
    assert server.ask("POST", MAPS, {"metadata": {"name": "m"}, "binaryData": {"a": MARKER}}).status in (400, 422)
    about = {"kind": "Pod", "namespace": "elsewhere", "name": "x"}
    event = {"metadata": {"name": "e"}, "involvedObject": about, "message": MARKER, "reason": "r"}
    assert server.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/events", event).status == 422


def test_requests_that_are_none(server: ApiProcess) -> None:
    for data in (
        f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization Bearer {MARKER}\r\n\r\n",
        f"{MARKER}\r\n\r\n",
        f"POST {SECRETS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{MARKER}\r\n\r\n",
        f"GET {MARKER} HTTP/1.1\r\n\r\n",
    ):
        server.raw(data.encode())


def test_a_crash_tells_nothing(server: ApiProcess) -> None:
    """Whatever should make a handler fail: its trace shows where, not what."""
    for body in (
        {
            **secret(),
            "metadata": {"name": "s", "managedFields": [{"fieldsV1": {MARKER: MARKER}, "operation": "Apply"}]},
        },
        {**secret(), "metadata": {"name": "s", "creationTimestamp": MARKER}},
        {**secret(), "metadata": {"name": "s", "ownerReferences": [MARKER]}},
        {**secret(), "metadata": MARKER},
        {**secret(), "kind": [MARKER]},
        [MARKER],
        MARKER,
    ):
        assert server.ask("POST", f"{SECRETS}?dryRun=All", body).status in (400, 409, 422)
        server.ask(
            "PATCH", f"{SECRETS}/s?fieldManager={MARKER[:5]}", {**secret(), **({"x": body} if body else {})}, APPLY
        )


def test_kubectl(server: ApiProcess) -> None:
    done = server.kubectl("-n", NAMESPACE, "create", "secret", "generic", "k", f"--from-literal=password={MARKER}")
    assert done.returncode == 0, done.stderr
    assert server.kubectl("-n", NAMESPACE, "delete", "secret", "k").returncode == 0
