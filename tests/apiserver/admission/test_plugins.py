"""The plugins as a client meets them."""

from typing import Any

import pytest
from tests.apiserver.conftest import PODS, Api, pod

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


async def test_a_pod_gets_its_token(api: Api) -> None:
    made = await api.post(PODS, pod(initContainers=[{"name": "i", "image": "x"}]))
    spec = made["spec"]
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("default", "default")
    (volume,) = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    sources = volume["projected"]["sources"]
    assert sources[0]["serviceAccountToken"] == {"expirationSeconds": 3607, "path": "token"}
    assert sources[1]["configMap"] == {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    item = sources[2]["downwardAPI"]["items"][0]
    assert item == {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    assert volume["projected"]["defaultMode"] == 420
    for container in (*spec["containers"], *spec["initContainers"]):
        mount = {"name": volume["name"], "readOnly": True, "mountPath": MOUNT}
        assert container["volumeMounts"] == [mount]


@pytest.mark.parametrize("where", ["pod", "account"])
async def test_no_token_when_not_wanted(api: Api, where: str) -> None:
    if where == "account":
        await api.patch(f"{ACCOUNTS}/default", {"automountServiceAccountToken": False})
        made = await api.post(PODS, pod())
    else:
        made = await api.post(PODS, pod(automountServiceAccountToken=False))
    assert "volumes" not in made["spec"]


async def test_an_account_must_exist(api: Api) -> None:
    answer = await api.post(PODS, pod(serviceAccountName="no"), code=403)
    assert answer["message"] == (
        'pods "a" is forbidden: error looking up service account default/no: serviceaccount "no" not found'
    )


async def test_pull_secrets_come_from_the_account(api: Api) -> None:
    await api.patch(f"{ACCOUNTS}/default", {"imagePullSecrets": [{"name": "s"}]})
    assert (await api.post(PODS, pod()))["spec"]["imagePullSecrets"] == [{"name": "s"}]


async def test_tolerations(api: Api) -> None:
    own = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
    spec = (await api.post(PODS, pod(tolerations=[own])))["spec"]
    added = {
        "key": "node.kubernetes.io/unreachable",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 300,
    }
    assert spec["tolerations"] == [own, added]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, (0, "PreemptLowerPriority")),
        ({"priorityClassName": "system-node-critical"}, (2000001000, "PreemptLowerPriority")),
    ],
)
async def test_priority(api: Api, spec: dict[str, Any], expected: tuple[int, str]) -> None:
    made = (await api.post(PODS, pod(**spec)))["spec"]
    assert (made["priority"], made["preemptionPolicy"]) == expected


async def test_default_priority_class(api: Api) -> None:
    body = {"metadata": {"name": "x"}, "value": 7, "globalDefault": True, "preemptionPolicy": "Never"}
    await api.post(CLASSES, body)
    made = (await api.post(PODS, pod()))["spec"]
    assert (made["priorityClassName"], made["priority"], made["preemptionPolicy"]) == ("x", 7, "Never")
    answer = await api.post(CLASSES, {**body, "metadata": {"name": "y"}}, code=403)
    assert "PriorityClass x is already marked as globalDefault" in answer["message"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"priorityClassName": "no"}, "no PriorityClass with name no was found"),
        ({"priority": 5}, "the integer value of priority (5) must not be provided in pod spec"),
    ],
)
async def test_bad_priority(api: Api, spec: dict[str, Any], message: str) -> None:
    assert message in (await api.post(PODS, pod(**spec), code=403))["message"]


async def test_a_new_node_is_not_ready(api: Api) -> None:
    made = await api.post("/api/v1/nodes", {"metadata": {"name": "n"}})
    assert made["spec"]["taints"] == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]
