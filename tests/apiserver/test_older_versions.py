"""Older API versions through the server: manifests of old, the warnings they earn, and what the rest of the API sees of them."""

from __future__ import annotations

from typing import Any, cast

import pytest
from tests.apiserver.conftest import CATALOG, Api, config_map

from steersman.api import codec
from steersman.api.clock import FakeClock
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.openapi.service import OpenAPIService
from steersman.apiserver.runtimeconfig import RuntimeConfig
from steersman.apiserver.server import App
from steersman.kinds import wire, wire_encode
from steersman.kinds.kind import list_type
from steersman.kinds.types import extensions_v1beta1
from steersman.store.backends import memory

EXTENSIONS = "/apis/extensions/v1beta1/namespaces/default"
APPS = "/apis/apps/v1/namespaces/default"
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}


def deployment(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "spec": {"template": TEMPLATE, **spec}}


def ingress(version: str) -> dict[str, Any]:
    return {
        "apiVersion": version,
        "kind": "Ingress",
        "metadata": {"name": "web", "annotations": {"kubernetes.io/ingress.class": "nginx"}},
        "spec": {
            "backend": {"serviceName": "other", "servicePort": "http"},
            "rules": [
                {
                    "host": "a.example.com",
                    "http": {"paths": [{"path": "/", "backend": {"serviceName": "web", "servicePort": 80}}]},
                }
            ],
        },
    }


async def test_a_deployment_of_extensions(api: Api) -> None:
    made = await api.post(f"{EXTENSIONS}/deployments", deployment(rollbackTo={"revision": 3}))
    assert (made["apiVersion"], made["kind"]) == ("extensions/v1beta1", "Deployment")
    assert made["spec"]["rollbackTo"] == {"revision": 3}
    assert "annotations" not in made["metadata"]
    found = await api.get(f"{APPS}/deployments/a")
    assert found["metadata"]["labels"] == {"app": "a"}
    assert found["metadata"]["annotations"] == {"deprecated.deployment.rollback.to": "3"}
    spec = found["spec"]
    assert spec["selector"] == {"matchLabels": {"app": "a"}}
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}
    assert (spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (2**31 - 1, 2**31 - 1)


@pytest.mark.parametrize(
    ("version", "strategy", "history"),
    [("v1beta1", "25%", 2), ("v1beta2", "25%", 10)],
)
async def test_a_deployment_of_apps(api: Api, version: str, strategy: str, history: int) -> None:
    selector = {} if version == "v1beta1" else {"selector": {"matchLabels": {"app": "a"}}}
    made = await api.post(f"/apis/apps/{version}/namespaces/default/deployments", deployment(**selector))
    assert made["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": strategy, "maxSurge": strategy}
    assert made["spec"]["revisionHistoryLimit"] == history
    assert made["spec"]["progressDeadlineSeconds"] == 600


async def test_apps_v1beta2_and_v1_need_a_selector(api: Api) -> None:
    for version in ("v1beta2", "v1"):
        await api.post(f"/apis/apps/{version}/namespaces/default/deployments", deployment(), code=422)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{EXTENSIONS}/daemonsets", {"metadata": {"name": "a"}, "spec": {"template": TEMPLATE}}),
        (
            "/apis/apps/v1beta1/namespaces/default/statefulsets",
            {"metadata": {"name": "a"}, "spec": {"template": TEMPLATE, "serviceName": "s"}},
        ),
    ],
)
async def test_pods_are_replaced_on_delete(api: Api, path: str, body: Any) -> None:
    made = await api.post(path, body)
    assert made["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert made["spec"]["selector"] == {"matchLabels": {"app": "a"}}
    today = await api.get(f"{APPS}/{path.rpartition('/')[2]}/a")
    assert today["spec"]["updateStrategy"] == {"type": "OnDelete"}


async def test_the_selector_could_be_changed_once(api: Api) -> None:
    await api.post(f"{EXTENSIONS}/deployments", deployment())
    labels = {"app": "a", "more": "b"}
    body = {"spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}}
    await api.patch(f"{APPS}/deployments/a", body, code=422)
    changed = await api.patch(f"{EXTENSIONS}/deployments/a", body)
    assert changed["spec"]["selector"]["matchLabels"] == labels


@pytest.mark.parametrize("version", ["extensions/v1beta1", "networking.k8s.io/v1beta1"])
async def test_ingress(api: Api, version: str) -> None:
    await api.post(f"/apis/{version}/namespaces/default/ingresses", ingress(version))
    found = await api.get("/apis/networking.k8s.io/v1/namespaces/default/ingresses/web")
    assert found["spec"]["defaultBackend"] == {"service": {"name": "other", "port": {"name": "http"}}}
    path = found["spec"]["rules"][0]["http"]["paths"][0]
    assert path == {
        "path": "/",
        "pathType": "ImplementationSpecific",
        "backend": {"service": {"name": "web", "port": {"number": 80}}},
    }
    again = await api.get(f"/apis/{version}/namespaces/default/ingresses/web")
    assert again["spec"]["backend"] == {"serviceName": "other", "servicePort": "http"}
    assert again["spec"]["rules"][0]["http"]["paths"][0]["backend"] == {"serviceName": "web", "servicePort": 80}


DEPRECATED = (
    "extensions/v1beta1 Ingress is deprecated in v1.14+, unavailable in v1.22+; use networking.k8s.io/v1 Ingress"
)


async def test_every_answer_warns(api: Api) -> None:
    path = f"{EXTENSIONS}/ingresses"
    answers = [
        await api.raw("POST", path, ingress("extensions/v1beta1")),
        await api.raw("GET", path),
        await api.raw("GET", f"{path}/web"),
        await api.raw(
            "PATCH",
            f"{path}/web",
            {"metadata": {"labels": {"a": "b"}}},
            {"content-type": "application/merge-patch+json"},
        ),
        await api.raw("PUT", f"{path}/web", await api.get(f"{path}/web")),
        await api.raw("GET", f"{path}/web/status"),
        await api.raw("GET", f"{path}?watch=1&timeoutSeconds=1"),
        await api.raw("GET", f"{path}/none"),
        await api.raw("DELETE", f"{path}/web"),
    ]
    for answer in answers:
        # Whoever writes one is warned of its annotation, too.
        assert answer.headers["Warning"].split("\n")[0] == f'299 - "{DEPRECATED}"', answer.status
        if not isinstance(answer.body, bytes):
            await answer.body.aclose()  # type: ignore[attr-defined]
    assert "Warning" not in (await api.raw("GET", "/apis/networking.k8s.io/v1/ingresses")).headers


async def test_what_is_made_as_one_is_seen_as_the_other(api: Api) -> None:
    old, new = f"{EXTENSIONS}/ingresses", "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
    made = await api.post(old, ingress("extensions/v1beta1"))
    events = await api.watch(f"{new}?watch=1&resourceVersion=0", 1)
    assert events[0]["object"]["apiVersion"] == "networking.k8s.io/v1"
    events = await api.watch(f"{old}?watch=1&resourceVersion=0", 1)
    assert events[0]["object"]["apiVersion"] == "extensions/v1beta1"
    listed = await api.get(old)
    assert (listed["apiVersion"], listed["kind"]) == ("extensions/v1beta1", "IngressList")
    assert [i["metadata"]["uid"] for i in listed["items"]] == [made["metadata"]["uid"]]
    table = await api.get(old, headers={"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"})
    assert table["rows"][0]["cells"][0] == "web"
    await api.delete(f"{old}/web")
    await api.get(f"{new}/web", code=404)


async def test_owners_of_fields_are_of_the_version_that_was_written(api: Api) -> None:
    body = {**ingress("networking.k8s.io/v1beta1"), "metadata": {"name": "web"}}
    path = "/apis/networking.k8s.io/v1beta1/namespaces/default/ingresses/web?fieldManager=me"
    applied = await api.patch(path, body, "apply-patch+yaml")
    entry = applied["metadata"]["managedFields"][0]
    assert (entry["manager"], entry["apiVersion"], entry["operation"]) == ("me", "networking.k8s.io/v1beta1", "Apply")
    assert entry["fieldsV1"]["f:spec"]["f:backend"]
    body["spec"].pop("backend")
    today = {**body, "apiVersion": "networking.k8s.io/v1"}
    today["spec"] = {
        "rules": [
            {
                "host": "a.example.com",
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "web", "port": {"number": 80}}},
                        }
                    ]
                },
            }
        ]
    }
    new = "/apis/networking.k8s.io/v1/namespaces/default/ingresses/web?fieldManager=me"
    applied = await api.patch(new, today, "apply-patch+yaml")
    assert "defaultBackend" not in applied["spec"], "what is no longer applied goes, whatever it was called"
    assert [e["apiVersion"] for e in applied["metadata"]["managedFields"]] == ["networking.k8s.io/v1"]


async def test_a_budget_with_an_empty_selector(api: Api) -> None:
    old, new = (f"/apis/policy/{v}/namespaces/default/poddisruptionbudgets" for v in ("v1beta1", "v1"))
    await api.post(old, {"metadata": {"name": "none"}, "spec": {"minAvailable": 1, "selector": {}}})
    await api.post(new, {"metadata": {"name": "all"}, "spec": {"minAvailable": 1, "selector": {}}})
    label = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match"
    found = await api.get(f"{new}/none")
    assert found["spec"]["selector"] == {"matchExpressions": [{"key": label, "operator": "Exists"}]}
    assert (await api.get(f"{old}/none"))["spec"]["selector"] == {}
    found = await api.get(f"{old}/all")
    assert found["spec"]["selector"] == {"matchExpressions": [{"key": label, "operator": "DoesNotExist"}]}
    await api.put(f"{old}/all", found)
    assert (await api.get(f"{new}/all"))["spec"]["selector"] == {}


async def test_an_autoscaler_of_v2beta1(api: Api) -> None:
    old, new = (f"/apis/autoscaling/{v}/namespaces/default/horizontalpodautoscalers" for v in ("v2beta1", "v2"))
    metrics = [
        {"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 70}},
        {"type": "Pods", "pods": {"metricName": "rate", "targetAverageValue": "1k"}},
        {
            "type": "Object",
            "object": {
                "metricName": "hits",
                "target": {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "web"},
                "targetValue": "10",
            },
        },
    ]
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}
    made = await api.post(
        old, {"metadata": {"name": "a"}, "spec": {"scaleTargetRef": target, "maxReplicas": 3, "metrics": metrics}}
    )
    assert made["spec"]["metrics"] == metrics
    await api.patch(f"{new}/a", {"spec": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 7}}}})
    seen = await api.get(f"{old}/a")
    assert "behavior" not in seen["spec"]
    await api.put(f"{old}/a", seen)
    found = await api.get(f"{new}/a")
    assert found["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 7
    assert found["spec"]["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 70}
    assert "annotations" not in found["metadata"]


def definition(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1beta1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "version": "v1alpha1",
            "names": {"kind": "Thing", "plural": "things"},
            "additionalPrinterColumns": [{"name": "Size", "type": "integer", "JSONPath": ".spec.size"}],
            "subresources": {"status": {}},
            **spec,
        },
    }


OLD_CRDS = "/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
# Without types: not structural.
LOOSE = {"openAPIV3Schema": {"properties": {"spec": {"required": ["size"], "properties": {"size": {"maximum": 3}}}}}}


async def test_a_definition_without_a_schema_keeps_everything(api: Api) -> None:
    made = await api.post(OLD_CRDS, definition())
    assert made["spec"]["preserveUnknownFields"] is True
    assert made["spec"]["scope"] == "Namespaced"
    found = await api.get(f"{CRDS}/things.example.com")
    assert found["spec"]["versions"] == [
        {
            "name": "v1alpha1",
            "served": True,
            "storage": True,
            "subresources": {"status": {}},
            "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
        }
    ]
    again = await api.get(f"{OLD_CRDS}/things.example.com")
    assert again["spec"]["version"] == "v1alpha1"
    assert again["spec"]["additionalPrinterColumns"][0]["JSONPath"] == ".spec.size"
    changed = await api.patch(f"{CRDS}/things.example.com", {"spec": {"names": {"shortNames": ["th"]}}})
    assert changed["spec"]["preserveUnknownFields"] is True


async def test_a_definition_in_a_protected_group_needed_no_approval(api: Api) -> None:
    body = definition(group="x.k8s.io")
    body["metadata"]["name"] = "things.x.k8s.io"
    await api.post(OLD_CRDS, body)
    await api.patch(f"{CRDS}/things.x.k8s.io", {"metadata": {"labels": {"a": "b"}}})


async def test_schemas_that_are_not_structural(api: Api) -> None:
    await api.post(OLD_CRDS, definition(validation=LOOSE))
    found = await api.get(f"{CRDS}/things.example.com")
    assert found["spec"]["versions"][0]["schema"] == LOOSE
    await api.put(f"{CRDS}/things.example.com", found)
    await api.delete(f"{CRDS}/things.example.com")
    refused = await api.post(OLD_CRDS, definition(validation=LOOSE, preserveUnknownFields=False), code=422)
    assert "type" in refused["message"]


async def test_today_a_new_definition_must_not_keep_everything(api: Api) -> None:
    body = definition()
    body["apiVersion"] = "apiextensions.k8s.io/v1"
    body["spec"] = {
        "group": "example.com",
        "names": {"kind": "Thing", "plural": "things"},
        "scope": "Namespaced",
        "preserveUnknownFields": True,
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
        ],
    }
    refused = await api.post(CRDS, body, code=422)
    assert "preserveUnknownFields" in refused["message"]


async def test_webhooks_of_old_may_do_anything(api: Api) -> None:
    hook = {"name": "a.example.com", "clientConfig": {"service": {"name": "s", "namespace": "n"}}}
    path = "/apis/admissionregistration.k8s.io/{}/validatingwebhookconfigurations"
    body = {"metadata": {"name": "a"}, "webhooks": [hook]}
    made = await api.post(path.format("v1beta1"), body)
    found = made["webhooks"][0]
    assert {k: found[k] for k in ("failurePolicy", "matchPolicy", "sideEffects", "timeoutSeconds")} == {
        "failurePolicy": "Ignore",
        "matchPolicy": "Exact",
        "sideEffects": "Unknown",
        "timeoutSeconds": 30,
    }
    assert found["admissionReviewVersions"] == ["v1beta1"]
    await api.post(path.format("v1"), {"metadata": {"name": "b"}, "webhooks": [found]}, code=422)
    today = await api.get(path.format("v1") + "/a")
    await api.put(path.format("v1") + "/a", today)


async def test_an_endpoint_slice_tells_zone_and_node_by_labels(api: Api) -> None:
    old, new = (f"/apis/discovery.k8s.io/{v}/namespaces/default/endpointslices" for v in ("v1beta1", "v1"))
    topology = {"topology.kubernetes.io/zone": "z", "kubernetes.io/hostname": "n"}
    endpoint = {"addresses": ["192.0.2.1"], "topology": topology, "nodeName": "n"}
    await api.post(old, {"metadata": {"name": "a"}, "addressType": "IPv4", "endpoints": [endpoint], "ports": []})
    found = (await api.get(f"{new}/a"))["endpoints"][0]
    assert (found["zone"], found["nodeName"]) == ("z", "n")
    assert "deprecatedTopology" not in found
    assert (await api.get(f"{old}/a"))["endpoints"][0] == endpoint


async def test_scale_of_old_has_labels_and_a_selector(api: Api) -> None:
    await api.post(f"{EXTENSIONS}/deployments", deployment())
    scale = await api.get(f"{EXTENSIONS}/deployments/a/scale")
    assert (scale["apiVersion"], scale["kind"]) == ("extensions/v1beta1", "Scale")
    assert scale["status"] == {"replicas": 0, "selector": {"app": "a"}, "targetSelector": "app=a"}
    scale["spec"]["replicas"] = 3
    answer = await api.put(f"{EXTENSIONS}/deployments/a/scale", scale)
    assert answer["spec"] == {"replicas": 3}
    answer = await api.patch("/apis/apps/v1beta1/namespaces/default/deployments/a/scale", {"spec": {"replicas": 4}})
    assert (answer["apiVersion"], answer["spec"]) == ("apps/v1beta1", {"replicas": 4})
    today = await api.get(f"{APPS}/deployments/a/scale")
    assert (today["apiVersion"], today["spec"]) == ("autoscaling/v1", {"replicas": 4})


async def test_reviews(api: Api) -> None:
    spec = {"user": "x", "group": ["system:masters"], "resourceAttributes": {"verb": "get", "resource": "pods"}}
    answer = await api.raw("POST", "/apis/authorization.k8s.io/v1beta1/subjectaccessreviews", {"spec": spec})
    assert answer.status == 201
    assert "use authorization.k8s.io/v1 SubjectAccessReview" in answer.headers["Warning"]
    found = await api.post("/apis/authorization.k8s.io/v1beta1/subjectaccessreviews", {"spec": spec})
    assert found["apiVersion"] == "authorization.k8s.io/v1beta1"
    assert found["spec"]["group"] == ["system:masters"]
    assert found["status"]["allowed"] is True


async def test_discovery_puts_them_last(api: Api) -> None:
    groups = (await api.get("/apis"))["groups"]
    assert groups[-1]["name"] == "extensions"
    preferred = {g["name"]: g["preferredVersion"]["version"] for g in groups}
    assert {g for g, v in preferred.items() if "beta" in v} == {"extensions"}
    listed = {r["name"]: r for r in (await api.get("/apis/extensions/v1beta1"))["resources"]}
    assert "shortNames" not in listed["deployments"]
    assert "categories" not in listed["deployments"]
    assert (listed["deployments/scale"]["kind"], "group" in listed["deployments/scale"]) == ("Scale", False)
    today = {r["name"]: r for r in (await api.get("/apis/apps/v1"))["resources"]}
    assert today["deployments"]["storageVersionHash"] == listed["deployments"]["storageVersionHash"]


async def served_by(settings: dict[str, str], paths: list[str]) -> list[int]:
    clock = FakeClock(1_800_000_000.0)
    store = memory.BACKEND.open("", clock)
    runtime = RuntimeConfig.of(settings)
    openapi = OpenAPIService(CATALOG, "v1", serves=runtime.serves)
    app = App(store, clock, ServerConfig(runtime=runtime), catalog=CATALOG, openapi=openapi)
    await app.start()
    api = Api(app, clock)
    codes = [(await api.raw("GET", path)).status for path in paths]
    await app.close()
    await store.close()
    return codes


async def test_they_can_be_switched_off() -> None:
    paths = [
        "/apis/extensions/v1beta1/ingresses",
        "/apis/extensions/v1beta1",
        "/openapi/v3/apis/extensions/v1beta1",
        "/apis/batch/v1beta1/cronjobs",
        "/apis/batch/v1/cronjobs",
    ]
    assert await served_by({}, paths) == [200] * 5
    assert await served_by({"extensions/v1beta1": "false"}, paths) == [404, 404, 404, 200, 200]
    assert await served_by({"api/legacy": "false"}, paths) == [404, 404, 404, 404, 200]
    settings = {"api/legacy": "false", "extensions/v1beta1/ingresses": "true"}
    assert await served_by(settings, paths) == [200, 200, 200, 404, 200]


async def test_metrics_tell_who_uses_them(api: Api) -> None:
    await api.get(f"{EXTENSIONS}/ingresses")
    await api.get("/apis/networking.k8s.io/v1/ingresses")
    text = (await api.raw("GET", "/metrics")).body
    assert isinstance(text, bytes)
    told = [line for line in text.decode().splitlines() if line.startswith("apiserver_requested_deprecated_apis")]
    assert told == [
        'apiserver_requested_deprecated_apis{group="extensions",version="v1beta1",resource="ingresses",subresource="",'
        'removed_release="1.22"} 1'
    ]


async def test_quotas_count_by_either_group(api: Api) -> None:
    hard = {"count/deployments.extensions": "1", "count/ingresses.networking.k8s.io": "1"}
    quotas, status = "/api/v1/namespaces/default/resourcequotas", {"hard": hard, "used": dict.fromkeys(hard, "0")}
    await api.post(quotas, {"metadata": {"name": "q"}, "spec": {"hard": hard}})
    await api.patch(f"{quotas}/q/status", {"status": status})
    body = deployment(selector={"matchLabels": {"app": "a"}})
    await api.post(f"{APPS}/deployments", body)
    refused = await api.post(f"{APPS}/deployments", {**body, "metadata": {"name": "b"}}, code=403)
    assert "exceeded quota: q" in refused["message"]
    await api.post(f"{EXTENSIONS}/ingresses", ingress("extensions/v1beta1"))
    more = {**ingress("extensions/v1beta1"), "metadata": {"name": "more"}}
    assert "exceeded quota: q" in (await api.post(f"{EXTENSIONS}/ingresses", more, code=403))["message"]


async def test_other_kinds_are_left_alone(api: Api) -> None:
    answer = await api.raw("POST", "/api/v1/namespaces/default/configmaps", config_map())
    assert "Warning" not in answer.headers


PB = "application/vnd.kubernetes.protobuf"


async def test_protobuf_both_ways(api: Api) -> None:
    """Go clients of old sent it for everything."""
    served = CATALOG.find("extensions", "v1beta1", "ingresses")
    assert served is not None
    sent = wire_encode.encode(codec.from_builtins(served.type, ingress("extensions/v1beta1"))[0])
    path, headers = f"{EXTENSIONS}/ingresses", {"accept": PB, "content-type": PB}
    answer = await api.raw("POST", path, sent, headers)
    assert answer.status == 201, answer.body
    assert answer.headers["Warning"].startswith(f'299 - "{DEPRECATED}"')
    made = wire.decode(served.type, cast(bytes, answer.body))
    assert (made["apiVersion"], made["kind"]) == ("extensions/v1beta1", "Ingress")
    assert made["spec"]["backend"] == {"serviceName": "other", "servicePort": "http"}
    answer = await api.raw("GET", path, headers={"accept": PB})
    listed = wire.decode(list_type(served.resource, served.type), cast(bytes, answer.body))
    assert [i["spec"] for i in listed["items"]] == [made["spec"]]
    assert listed["apiVersion"] == "extensions/v1beta1"


async def test_scales_in_protobuf(api: Api) -> None:
    await api.post(f"{EXTENSIONS}/deployments", deployment())
    answer = await api.raw("GET", f"{EXTENSIONS}/deployments/a/scale", headers={"accept": PB})
    found = wire.decode(extensions_v1beta1.Scale, cast(bytes, answer.body))
    assert (found["apiVersion"], found["kind"]) == ("extensions/v1beta1", "Scale")
    assert found["status"]["selector"] == {"app": "a"}


async def test_jobs_of_extensions(api: Api) -> None:
    template = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
    await api.post(f"{EXTENSIONS}/jobs", {"metadata": {"name": "a"}, "spec": {"template": template}})
    found = await api.get("/apis/batch/v1/namespaces/default/jobs/a")
    assert found["spec"]["manualSelector"] is True
    assert found["spec"]["selector"] == {"matchLabels": {"app": "a"}}
    body = {"metadata": {"name": "b"}, "spec": {"template": template, "autoSelector": True}}
    await api.post(f"{EXTENSIONS}/jobs", body)
    found = await api.get("/apis/batch/v1/namespaces/default/jobs/b")
    assert "manualSelector" not in found["spec"]
    assert set(found["spec"]["selector"]["matchLabels"]) == {"batch.kubernetes.io/controller-uid"}


async def test_an_autoscaler_of_extensions(api: Api) -> None:
    path = f"{EXTENSIONS}/horizontalpodautoscalers"
    reference = {"kind": "Deployment", "name": "a", "apiVersion": "extensions/v1beta1", "subresource": "scale"}
    spec = {"scaleRef": reference, "maxReplicas": 3, "cpuUtilization": {"targetPercentage": 50}}
    made = await api.post(path, {"metadata": {"name": "a"}, "spec": spec})
    assert made["spec"] == {**spec, "minReplicas": 1}
    found = await api.get("/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/a")
    assert found["spec"]["targetCPUUtilizationPercentage"] == 50
    assert found["spec"]["scaleTargetRef"] == {k: v for k, v in reference.items() if k != "subresource"}


async def test_endpoints_are_served_and_advised_against(api: Api) -> None:
    answer = await api.raw("GET", "/api/v1/namespaces/default/endpoints")
    text = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
    assert answer.headers["Warning"] == f'299 - "{text}"'
    listed = {r["name"]: r for r in (await api.get("/api/v1"))["resources"]}
    assert listed["endpoints"]["shortNames"] == ["ep"]
