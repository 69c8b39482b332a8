"""Reading what is not one's own: secrets by every way there is, and what a node may see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.apiprocess import ApiProcess
from tests.attacks.conftest import EVE, NAMESPACE, Grants

from steersman.pki.certs import Request

MARKER = "dG9wLXNlY3JldC1tYXJrZXI="
PLAIN = b"top-secret-marker"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
NODE = Request("system:node:n1", ("system:nodes",))
META = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


@pytest.fixture(scope="module", autouse=True)
def secret(server: ApiProcess) -> Iterator[None]:
    labels = {"purpose": "treasure"}
    server.make(SECRETS, {"metadata": {"name": "gold", "labels": labels}, "data": {"key": MARKER}})
    yield
    server.ask("DELETE", f"{SECRETS}/gold")


def hidden(body: bytes) -> bool:
    return MARKER.encode() not in body and PLAIN not in body and b"treasure" not in body


@pytest.mark.parametrize(
    "path",
    [
        f"{SECRETS}/gold",
        SECRETS,
        "/api/v1/secrets",
        f"{SECRETS}?watch=1&timeoutSeconds=1",
        f"/api/v1/watch/namespaces/{NAMESPACE}/secrets",
        f"/api/v1/watch/namespaces/{NAMESPACE}/secrets/gold",
        "/api/v1/watch/secrets",
        f"{SECRETS}?fieldSelector=metadata.name%3Dgold",
        f"{SECRETS}?fieldSelector=type%3DOpaque",
        f"{SECRETS}?labelSelector=purpose%3Dtreasure",
        f"{SECRETS}?limit=1&continue=x",
        f"{SECRETS}?resourceVersion=0",
        f"{SECRETS}/gold/status",
        f"{SECRETS}/",
        f"/api/v1//namespaces/{NAMESPACE}/secrets/gold",
        f"/api/v1/namespaces/{NAMESPACE}/secrets//gold",
        f"//api/v1/namespaces/{NAMESPACE}/secrets/gold",
        f"/api/v1/namespaces/{NAMESPACE}/pods/../secrets/gold",
        f"/healthz/../api/v1/namespaces/{NAMESPACE}/secrets/gold",
        f"/api/v1/namespaces/{NAMESPACE}/secrets/%67old",
        f"/api/v1/namespaces/{NAMESPACE}/%73ecrets/gold",
        f"/api/v1/namespaces/{NAMESPACE}/pods/%2e%2e/secrets/gold",
        f"/api/v1/namespaces/{NAMESPACE}/pods/..%2fsecrets%2fgold",
        f"/API/v1/namespaces/{NAMESPACE}/secrets/gold",
        f"/api/v1/namespaces/{NAMESPACE}/Secrets/gold",
        f"/version/../api/v1/namespaces/{NAMESPACE}/secrets",
        f"/healthz/api/v1/namespaces/{NAMESPACE}/secrets",
        f"/openapi/v2/../../api/v1/namespaces/{NAMESPACE}/secrets",
    ],
)
@pytest.mark.parametrize(
    "accept", ["application/json", META.format(""), META.format("List"), TABLE, "application/yaml"]
)
def test_no_path_and_no_form_shows_a_secret(server: ApiProcess, path: str, accept: str) -> None:
    answer = server.ask("GET", path, headers={"Accept": accept}, user=EVE)
    assert answer.status in (400, 401, 403, 404, 406), (answer.status, answer.body)
    assert hidden(answer.body)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "get"])
@pytest.mark.parametrize("path", [SECRETS, f"{SECRETS}/gold"])
def test_no_method_shows_a_secret(server: ApiProcess, method: str, path: str) -> None:
    answer = server.ask(method, path, {"metadata": {"name": "gold"}}, user=EVE)
    assert answer.status >= 400
    assert hidden(answer.body)


def test_deleting_a_collection_needs_a_right_of_its_own(server: ApiProcess, grant: Grants) -> None:
    grant({"apiGroups": [""], "resources": ["secrets"], "verbs": ["delete"]}, namespace=NAMESPACE)
    assert server.ask("DELETE", SECRETS, user=EVE).status == 403
    assert server.ask("GET", f"{SECRETS}/gold").status == 200


def test_metadata_and_tables_of_what_one_may_list_have_no_data(server: ApiProcess, grant: Grants) -> None:
    grant({"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}, namespace=NAMESPACE)
    for accept in (META.format("List"), TABLE):
        answer = server.ask("GET", SECRETS, headers={"Accept": accept}, user=EVE)
        assert answer.status == 200
        assert MARKER.encode() not in answer.body


def test_a_right_to_one_name_is_not_one_to_others(server: ApiProcess, grant: Grants) -> None:
    names = {"resourceNames": ["silver"]}
    grant(
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"], **names}, namespace=NAMESPACE
    )
    for selector in (
        "",
        "?fieldSelector=metadata.name%3Dgold",
        "?fieldSelector=metadata.name%3Dsilver,metadata.name%3Dgold",
        "?fieldSelector=metadata.name%21%3Dsilver",
        "?fieldSelector=metadata.name%3D%3Dgold",
        "?fieldSelector=metadata.name%3Dsilver&fieldSelector=metadata.name%3Dgold",
        "?fieldSelector=metadata.namespace%3Dsilver",
    ):
        answer = server.ask("GET", SECRETS + selector, user=EVE)
        assert hidden(answer.body), selector
    assert server.ask("GET", f"{SECRETS}?fieldSelector=metadata.name%3Dsilver", user=EVE).json["items"] == []
    assert server.ask("GET", f"{SECRETS}/silver/../gold", user=EVE).status >= 400


def test_a_right_elsewhere_is_not_one_here(server: ApiProcess, grant: Grants) -> None:
    grant({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}, namespace="default")
    for path in (
        "/api/v1/secrets",
        SECRETS,
        f"{SECRETS}/gold",
        f"/api/v1/namespaces/default/../{NAMESPACE}/secrets/gold",
    ):
        assert hidden(server.ask("GET", path, user=EVE).body)
    field = f"/api/v1/namespaces/default/secrets?fieldSelector=metadata.namespace%3D{NAMESPACE}"
    assert server.ask("GET", field, user=EVE).json["items"] == []


def test_a_patch_of_what_one_may_not_read_shows_nothing_that_is_not_asked_for(
    server: ApiProcess, grant: Grants
) -> None:
    """As upstream, who may change a secret is answered with it; who may only create is not told what is there."""
    grant({"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}, namespace=NAMESPACE)
    answer = server.ask("POST", SECRETS, {"metadata": {"name": "gold"}}, user=EVE)
    assert answer.status == 409
    assert hidden(answer.body)
    apply = {"Content-Type": "application/apply-patch+yaml"}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gold"}}
    answer = server.ask("PATCH", f"{SECRETS}/gold?fieldManager=eve", body, apply, user=EVE)
    assert answer.status == 403
    assert hidden(answer.body)


@pytest.mark.parametrize("what", ["exec", "attach", "portforward"])
@pytest.mark.parametrize("query", ["?command=id&stdout=1", "?command=id&stdout=1&container=c", "?ports=22"])
def test_reading_pods_is_not_running_things_in_them(server: ApiProcess, grant: Grants, what: str, query: str) -> None:
    """An upgrade by GET takes the right to create, too."""
    pod = {"metadata": {"name": "target"}, "spec": {"containers": [{"name": "c", "image": "x"}], "nodeName": ""}}
    grant.keep(f"/api/v1/namespaces/{NAMESPACE}/pods", pod)
    rule = {"apiGroups": [""], "resources": ["pods", f"pods/{what}"], "verbs": ["get"]}
    grant(rule, namespace=NAMESPACE)
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "eA==",
    }
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/target/{what}{query}"
    for headers in (upgrade, {}, {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}):
        answer = server.ask("GET", path, headers=headers, user=EVE)
        assert answer.status == 403, answer.body
        assert f'cannot create resource "pods/{what}"' in answer.message


def test_a_node_reads_no_secret_that_no_pod_of_its_uses(server: ApiProcess) -> None:
    for path in (f"{SECRETS}/gold", SECRETS, "/api/v1/secrets", f"{SECRETS}?fieldSelector=metadata.name%3Dgold"):
        answer = server.ask("GET", path, user=NODE)
        assert answer.status == 403, path
        assert hidden(answer.body)


def test_a_node_does_not_pretend(server: ApiProcess) -> None:
    """Neither as another node, nor by a pod that would let it read what it likes."""
    spec = {"containers": [{"name": "c", "image": "x"}], "nodeName": "n1"}
    spec["volumes"] = [{"name": "v", "secret": {"secretName": "gold"}}]  # type: ignore[list-item]
    mirror = {"kubernetes.io/config.mirror": "x"}
    path = f"/api/v1/namespaces/{NAMESPACE}/pods"
    pod = {"metadata": {"name": "mirror", "annotations": mirror}, "spec": spec}
    assert server.ask("POST", path, pod, user=NODE).status in (403, 422)
    assert server.ask("POST", path, {"metadata": {"name": "mirror"}, "spec": spec}, user=NODE).status in (403, 422)
    assert server.ask("POST", "/api/v1/nodes", {"metadata": {"name": "n2"}}, user=NODE).status == 403
    lease = {"metadata": {"name": "n2"}, "spec": {"holderIdentity": "n2"}}
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    assert server.ask("POST", leases, lease, user=NODE).status == 403
    token = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default/token"
    assert server.ask("POST", token, {"spec": {}}, user=NODE).status == 403
    assert hidden(server.ask("GET", f"{SECRETS}/gold", user=NODE).body)


def test_a_user_with_a_nodes_name_but_not_its_group_is_no_node(server: ApiProcess) -> None:
    for user in (
        Request("system:node:n1"),
        Request("n1", ("system:nodes",)),
        Request("system:node:", ("system:nodes",)),
    ):
        assert server.ask("GET", "/api/v1/nodes", user=user).status == 403
        assert server.ask("GET", f"{SECRETS}/gold", user=user).status == 403


def test_kubectl_shows_nothing(server: ApiProcess) -> None:
    for arguments in (("get", "secret", "gold", "-oyaml"), ("get", "secrets", "-w"), ("describe", "secret", "gold")):
        done = server.kubectl("-n", NAMESPACE, *arguments, user=EVE)
        assert done.returncode != 0
        assert "Forbidden" in done.stderr
        assert hidden(done.stdout.encode())
