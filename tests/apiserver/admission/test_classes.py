"""What pods, claims and Ingresses take from the class that they name, or that is the default."""

from typing import Any

import pytest
from tests.apiserver.conftest import PODS, Api, pod

RUNTIMES = "/apis/node.k8s.io/v1/runtimeclasses"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
INGRESS_CLASSES = "/apis/networking.k8s.io/v1/ingressclasses"
STORAGE_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
NODES = "/api/v1/nodes"


def tolerated(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "operator": "Exists", **more}


async def runtime(api: Api, **more: Any) -> None:
    await api.post(RUNTIMES, {"metadata": {"name": "r"}, "handler": "runc", **more})


async def test_a_runtime_class_must_exist(api: Api) -> None:
    answer = await api.post(PODS, pod(runtimeClassName="r"), code=403)
    assert answer["message"] == 'pods "a" is forbidden: pod rejected: RuntimeClass "r" not found'
    await runtime(api)
    assert (await api.post(PODS, pod(runtimeClassName="r")))["spec"]["runtimeClassName"] == "r"
    await api.delete(f"{RUNTIMES}/r")
    await api.post(PODS, pod("b", runtimeClassName="r"), code=403)


async def test_a_pod_takes_overhead_and_place_from_its_runtime_class(api: Api) -> None:
    scheduling = {"nodeSelector": {"disk": "ssd"}, "tolerations": [tolerated("gpu")]}
    await runtime(api, overhead={"podFixed": {"cpu": "0.25", "memory": "64Mi"}}, scheduling=scheduling)
    own = tolerated("gpu", effect="NoSchedule")
    spec = (await api.post(PODS, pod(runtimeClassName="r", nodeSelector={"a": "b"}, tolerations=[own])))["spec"]
    assert spec["overhead"] == {"cpu": "250m", "memory": "64Mi"}
    assert spec["nodeSelector"] == {"a": "b", "disk": "ssd"}
    assert [t for t in spec["tolerations"] if t["key"] == "gpu"] == [tolerated("gpu")]
    same = pod("b", runtimeClassName="r", overhead={"memory": "65536Ki", "cpu": "250m"})
    assert (await api.post(PODS, same))["spec"]["overhead"] == {"cpu": "250m", "memory": "64Mi"}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"runtimeClassName": "r", "overhead": {"cpu": "1"}},
            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
        ),
        (
            {"overhead": {"cpu": "1"}},
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
        ),
        (
            {"runtimeClassName": "r", "nodeSelector": {"disk": "slow"}},
            "conflict: runtimeClass.scheduling.nodeSelector[disk] = ssd; pod.spec.nodeSelector[disk] = slow",
        ),
    ],
)
async def test_what_contradicts_a_runtime_class(api: Api, spec: dict[str, Any], message: str) -> None:
    await runtime(api, overhead={"podFixed": {"cpu": "2"}}, scheduling={"nodeSelector": {"disk": "ssd"}})
    answer = await api.post(PODS, pod(**spec), code=403)
    assert answer["message"] == f'pods "a" is forbidden: {message}'


def ingress(name: str, spec: dict[str, Any] | None = None, **annotations: str) -> dict[str, Any]:
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    return {"metadata": {"name": name, "annotations": annotations}, "spec": {"defaultBackend": backend, **(spec or {})}}


def marked(name: str, annotation: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "annotations": {annotation: "true"}}, **more}


async def test_default_ingress_class(api: Api) -> None:
    async def chosen(name: str, spec: dict[str, Any] | None = None, **annotations: str) -> str | None:
        made = await api.post(INGRESSES, ingress(name, spec, **annotations))
        return made["spec"].get("ingressClassName")

    def default(name: str) -> dict[str, Any]:
        return marked(name, "ingressclass.kubernetes.io/is-default-class", spec={"controller": "example.com/c"})

    assert await chosen("none") is None
    await api.post(INGRESS_CLASSES, default("b"))
    assert await chosen("one") == "b"
    await api.post(INGRESS_CLASSES, default("a"))
    assert await chosen("equally-old") == "a"
    await api.clock.advance(1)
    await api.post(INGRESS_CLASSES, default("c"))
    assert await chosen("newest") == "c"
    assert await chosen("own", {"ingressClassName": "mine"}) == "mine"
    assert await chosen("old-way", **{"kubernetes.io/ingress.class": "mine"}) is None


def claim(name: str, storage: str = "1Gi", **spec: Any) -> dict[str, Any]:
    body = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}, **spec}
    return {"metadata": {"name": name}, "spec": body}


async def test_default_storage_class(api: Api) -> None:
    async def chosen(name: str, **spec: Any) -> str | None:
        return (await api.post(CLAIMS, claim(name, **spec)))["spec"].get("storageClassName")

    assert await chosen("none") is None
    for name, annotation in (("old", "storageclass.beta.kubernetes.io/is-default-class"), ("plain", "x/y")):
        await api.post(STORAGE_CLASSES, marked(name, annotation, provisioner="example.com/p"))
    assert await chosen("one") == "old"
    await api.clock.advance(1)
    await api.post(
        STORAGE_CLASSES,
        marked("new", "storageclass.kubernetes.io/is-default-class", provisioner="example.com/p"),
    )
    assert await chosen("newest") == "new"
    assert await chosen("empty", storageClassName="") == ""
    assert await chosen("own", storageClassName="mine") == "mine"


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_claim_grows_when_its_class_allows(api: Api, allowed: bool) -> None:
    body = {"metadata": {"name": "s"}, "provisioner": "example.com/p", "allowVolumeExpansion": allowed}
    await api.post(STORAGE_CLASSES, body)
    await api.post(CLAIMS, claim("c", storageClassName="s", volumeName="v"))
    await api.patch(f"{CLAIMS}/c/status", {"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}})
    more = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    if allowed:
        assert (await api.patch(f"{CLAIMS}/c", more))["spec"]["resources"]["requests"] == {"storage": "2Gi"}
        return
    answer = await api.patch(f"{CLAIMS}/c", more, code=403)
    assert "the storageclass that provisions the pvc must support resize" in answer["message"]


async def test_a_pod_knows_zone_and_region_of_its_node(api: Api) -> None:
    zone, region = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
    await api.post(NODES, {"metadata": {"name": "n", "labels": {zone: "z", region: "r", "other": "x"}}})
    await api.post(PODS, {**pod(), "metadata": {"name": "a", "labels": {region: "own"}}})
    assert (await api.get(f"{PODS}/a"))["metadata"]["labels"] == {region: "own"}
    binding = {"metadata": {"name": "a", "labels": {"told": "by-binding"}}, "target": {"kind": "Node", "name": "n"}}
    await api.post(f"{PODS}/a/binding", binding)
    assert (await api.get(f"{PODS}/a"))["metadata"]["labels"] == {region: "r", zone: "z", "told": "by-binding"}
    made = await api.post(PODS, {**pod(nodeName="n"), "metadata": {"name": "b", "labels": {region: "own"}}})
    assert made["metadata"]["labels"] == {zone: "z", region: "r"}
    assert "labels" not in (await api.post(PODS, pod("c", nodeName="unknown")))["metadata"]
