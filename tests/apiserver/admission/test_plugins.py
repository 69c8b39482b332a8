"""The plugins as a client meets them."""

from typing import Any

import pytest
from tests.apiserver.conftest import PODS, Api, pod

from steersman.api.errors import Forbidden
from steersman.apiserver.admission.framework import LOOPBACK, UPDATE, Review
from steersman.apiserver.admission.plugins import nodedeclaredfeaturevalidator
from steersman.kinds.types.core_v1 import Pod, PodSpec, ResourceRequirements
from steersman.kinds.types.meta_v1 import ObjectMeta

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
    assert "PriorityClass x is already marked as default" in answer["message"]


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


MIRROR = {"kubernetes.io/config.mirror": "x"}
ENFORCED = {"metadata": {"annotations": {"kubernetes.io/enforce-mountable-secrets": "true"}}}


def variable(secret: str) -> dict[str, Any]:
    return {"name": "V", "valueFrom": {"secretKeyRef": {"name": secret, "key": "k"}}}


def whole(secret: str) -> dict[str, Any]:
    return {"secretRef": {"name": secret}}


def container(name: str = "c", **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": "x", **fields}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (
            {"volumes": [{"name": "v", "secret": {"secretName": "t"}}]},
            'volume with secret.secretName="t" is not allowed',
        ),
        (
            {"initContainers": [container("i", env=[variable("t")])]},
            'init container i with envVar V referencing secret.secretName="t" is not allowed',
        ),
        (
            {"containers": [container(env=[variable("t")])]},
            'container c with envVar V referencing secret.secretName="t" is not allowed',
        ),
        (
            {"containers": [container(envFrom=[whole("t")])]},
            'container c with envFrom referencing secret.secretName="t" is not allowed',
        ),
        (
            {
                "volumes": [{"name": "v", "secret": {"secretName": "s"}}],
                "containers": [container(envFrom=[whole("s")], env=[variable("s")])],
                "imagePullSecrets": [{"name": "p"}],
            },
            "",
        ),
    ],
)
async def test_only_the_accounts_secrets(api: Api, spec: dict[str, Any], why: str) -> None:
    await api.post(PODS, pod("before", **spec))
    await api.patch(
        f"{ACCOUNTS}/default", {**ENFORCED, "secrets": [{"name": "s"}], "imagePullSecrets": [{"name": "p"}]}
    )
    answer = await api.post(PODS, pod(**spec), code=403 if why else 201)
    if why:
        assert answer["message"] == (
            f'pods "a" is forbidden: {why} because service account default does not reference that secret'
        )


async def test_only_the_accounts_pull_secrets_and_ephemeral_containers(api: Api) -> None:
    await api.patch(f"{ACCOUNTS}/default", {**ENFORCED, "secrets": [{"name": "s"}]})
    answer = await api.post(PODS, pod(imagePullSecrets=[{"name": "t"}]), code=403)
    assert answer["message"] == (
        'pods "a" is forbidden: imagePullSecrets[0].name="t" is not allowed because service account default does not '
        "reference that imagePullSecret"
    )
    await api.post(PODS, pod())
    path = f"{PODS}/a/ephemeralcontainers"
    for source, what in (
        ({"env": [variable("t")]}, "envVar V referencing"),
        ({"envFrom": [whole("t")]}, "envFrom referencing"),
    ):
        added = {"spec": {"ephemeralContainers": [container("e", **source)]}}
        answer = await api.patch(path, added, "strategic-merge-patch+json", code=403)
        assert answer["message"] == (
            f'pods "a" is forbidden: ephemeral container e with {what} secret.secretName="t" is not allowed because '
            "service account default does not reference that secret"
        )
    added = {"spec": {"ephemeralContainers": [container("e", env=[variable("s")])]}}
    await api.patch(path, added, "strategic-merge-patch+json")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"serviceAccountName": "default"}, "a mirror pod may not reference service accounts"),
        ({"volumes": [{"name": "v", "secret": {"secretName": "t"}}]}, "a mirror pod may not reference secrets"),
        ({"containers": [container(envFrom=[whole("t")])]}, "a mirror pod may not reference secrets"),
        ({"imagePullSecrets": [{"name": "t"}]}, "a mirror pod may not reference secrets"),
        (
            {
                "volumes": [
                    {
                        "name": "v",
                        "projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 900}}]},
                    }
                ]
            },
            "a mirror pod may not use ServiceAccountToken volume projections",
        ),
        ({}, ""),
    ],
)
async def test_mirrors(api: Api, spec: dict[str, Any], why: str) -> None:
    body = pod(nodeName="n", **spec)
    body["metadata"]["annotations"] = MIRROR
    answer = await api.post(PODS, body, code=403 if why else 201)
    if why:
        assert answer["message"] == f'pods "a" is forbidden: {why}'
    else:
        assert "serviceAccountName" not in answer["spec"]
        assert "volumes" not in answer["spec"]


@pytest.mark.parametrize(
    ("cpu", "memory", "system", "why"),
    [
        ("3", "2Gi", "linux", ""),
        ("5", "1Gi", "linux", "node didn't have enough allocatable resources: cpu, requested: 5000, allocatable: 4000"),
        (
            "4001m",
            "9Gi",
            "linux",
            "node didn't have enough allocatable resources: cpu, requested: 4001, allocatable: 4000; memory, requested: "
            "9663676416, allocatable: 8589934592",
        ),
        ("3", "1Gi", "windows", 'pod resize is only supported on linux nodes, node "n" is "windows"'),
    ],
)
async def test_resizes(api: Api, cpu: str, memory: str, system: str, why: str) -> None:
    node = {"metadata": {"name": "n", "labels": {"kubernetes.io/os": system}}}
    await api.post("/api/v1/nodes", node)
    amounts = {"cpu": "4", "memory": "8Gi"}
    await api.patch("/api/v1/nodes/n/status", {"status": {"capacity": amounts, "allocatable": amounts}})
    asked = {"requests": {"cpu": "1", "memory": "1Gi"}}
    await api.post(PODS, pod(nodeName="n", containers=[container(resources=asked)]))
    wanted = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu, "memory": memory}}}]}}
    path, patch = f"{PODS}/a/resize", "strategic-merge-patch+json"
    answer = await api.patch(path, wanted, patch, code=403 if why else 200)
    if why:
        assert answer["message"] == f'pods "a" is forbidden: {why}'
        cause = "NodeCapacity" if system == "linux" else "UnsupportedPlatform"
        assert answer["details"]["causes"] == [{"reason": cause}]


@pytest.mark.parametrize("declared", [[], ["InPlacePodLevelResourcesVerticalScaling"]])
async def test_what_a_node_declares(api: Api, declared: list[str]) -> None:
    feature = "InPlacePodLevelResourcesVerticalScaling"
    environment = api.app.chain._environment
    await api.post("/api/v1/nodes", {"metadata": {"name": "n"}})
    await api.patch("/api/v1/nodes/n/status", {"status": {"declaredFeatures": declared}})

    def of(cpu: str) -> Pod:
        resources = ResourceRequirements(requests={"cpu": cpu})
        return Pod(metadata=ObjectMeta(name="a"), spec=PodSpec(nodeName="n", resources=resources))

    resource = Pod.__resource__
    review = Review(UPDATE, resource, "resize", "default", "a", of("2"), of("1"), LOOPBACK)
    if feature in declared:
        await nodedeclaredfeaturevalidator.validate(review, environment)
        return
    text = f'pod update requires features {feature} which are not available on node "n"'
    with pytest.raises(Forbidden, match=text):
        await nodedeclaredfeaturevalidator.validate(review, environment)
    review.object = review.old
    await nodedeclaredfeaturevalidator.validate(review, environment)


async def test_a_namespace_that_ends(api: Api) -> None:
    """Whatever is created in it, also of a part, is refused in words that clients know."""
    here = "/api/v1/namespaces/ending"
    await api.post("/api/v1/namespaces", {"metadata": {"name": "ending"}})
    await api.post(f"{here}/serviceaccounts", {"metadata": {"name": "default"}})
    await api.post(f"{here}/pods", pod())
    await api.delete(here)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "a"}}
    token = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    binding = {"metadata": {"name": "a"}, "target": {"kind": "Node", "name": "n"}}
    for path, body, subject in (
        ("pods", pod("b"), 'pods "b"'),
        ("pods/a/eviction", eviction, 'pods "a"'),
        ("pods/a/binding", binding, 'pods "a"'),
        ("serviceaccounts/default/token", token, 'serviceaccounts "default"'),
    ):
        answer = await api.post(f"{here}/{path}", body, code=403)
        why = "unable to create new content in namespace ending because it is being terminated"
        assert answer["message"] == f"{subject} is forbidden: {why}"
        cause = {
            "reason": "NamespaceTerminating",
            "message": "namespace ending is being terminated",
            "field": "metadata.namespace",
        }
        assert answer["details"]["causes"] == [cause]


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
async def test_namespaces_that_stay(api: Api, name: str) -> None:
    answer = await api.delete(f"/api/v1/namespaces/{name}", code=403)
    assert answer["message"] == f'namespaces "{name}" is forbidden: this namespace may not be deleted'


async def test_the_namespace_of_leases_may_go(api: Api) -> None:
    await api.delete("/api/v1/namespaces/kube-node-lease")


async def test_names_that_the_server_chooses(api: Api) -> None:
    """Before an object has its name it is called by the beginning of it, so that events about the same are one."""
    body = {**pod(serviceAccountName="no"), "metadata": {"generateName": "web-"}}
    answer = await api.post(PODS, body, code=403)
    assert answer["message"].startswith('pods "web-" is forbidden: error looking up service account')
    assert answer["details"] == {"name": "web-", "kind": "pods"}
