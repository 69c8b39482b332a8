"""Admission by webhooks, from a request to its answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.apiserver.conftest import CATALOG, MAPS, PODS, Api, config_map, pod
from tests.apiserver.crd.conftest import CRDS, custom, definition, path, spec_schema, version
from tests.apiserver.webhook.conftest import (
    MUTATING,
    NAMESPACE,
    PORT,
    VALIDATING,
    Hooks,
    allow,
    configuration,
    deny,
    label,
    patching,
)

from steersman.api.http import User
from steersman.apiserver.server import App

LABELLED = {"metadata": {"name": "a", "labels": {"a": "b"}}, "data": {"k": "v"}}
DENIED = 'admission webhook "deny.hooks.example.com" denied the request: '


# Conformance: apimachinery/webhook.go


async def test_should_include_webhook_resources_in_discovery_documents(api: Api) -> None:
    found = await api.get("/apis/admissionregistration.k8s.io/v1")
    names = {r["name"] for r in found["resources"]}
    assert {"mutatingwebhookconfigurations", "validatingwebhookconfigurations"} <= names


async def test_should_be_able_to_deny_pod_and_configmap_creation(api: Api, hooks: Hooks) -> None:
    rule = {"resources": ["pods", "configmaps"], "operations": ["CREATE", "UPDATE", "DELETE"]}
    await api.post(VALIDATING, configuration(hooks.hook("/deny", answer=deny("the object is unwanted"), rule=rule)))
    for where, obj in ((PODS, pod()), (MAPS, config_map())):
        answer = await api.post(where, obj, code=400)
        assert answer["message"] == f"{DENIED}the object is unwanted"
    hooks.answers["/deny"] = allow
    await api.post(MAPS, config_map())
    hooks.answers["/deny"] = deny("it stays", code=403, reason="Forbidden")
    for change in (api.put(f"{MAPS}/a", config_map(k="v"), code=403), api.delete(f"{MAPS}/a", code=403)):
        answer = await change
        assert (answer["message"], answer["reason"]) == (f"{DENIED}it stays", "Forbidden")
    old, new = hooks.asked[-1], hooks.asked[-2]
    assert (old["operation"], old["object"], old["oldObject"]["metadata"]["name"]) == ("DELETE", None, "a")
    assert (new["object"]["data"], new["oldObject"].get("data", {})) == ({"k": "v"}, {})
    await api.delete(f"{VALIDATING}/c")
    await api.delete(f"{MAPS}/a")


@pytest.mark.parametrize("part", ["attach", "exec", "portforward", "proxy"])
async def test_should_be_able_to_deny_attaching_pod(api: Api, hooks: Hooks, part: str) -> None:
    rule = {"resources": ["pods/*"], "operations": ["CONNECT"]}
    await api.post(PODS, pod())
    await api.post(VALIDATING, configuration(hooks.hook("/deny", answer=deny("attaching is forbidden"), rule=rule)))
    answer = await api.post(f"{PODS}/a/{part}?container=c&stdout=true&command=ls&command=-l&ports=80", None, code=400)
    assert answer["message"] == f"{DENIED}attaching is forbidden"
    asked = hooks.asked[-1]
    kind = {"attach": "Attach", "exec": "Exec", "portforward": "PortForward", "proxy": "Proxy"}[part]
    assert asked["kind"] == {"group": "", "version": "v1", "kind": f"Pod{kind}Options"}
    assert (asked["operation"], asked["name"], asked["subResource"]) == ("CONNECT", "a", part)
    assert asked["object"]["kind"] == f"Pod{kind}Options"
    if part == "exec":
        assert asked["object"]["command"] == ["ls", "-l"]


async def test_should_be_able_to_deny_custom_resource_creation_update_and_deletion(crds: Any, hooks: Hooks) -> None:
    await crds.define(definition())
    rule = {"apiGroups": ["*"], "resources": ["crontabs"], "operations": ["CREATE", "UPDATE", "DELETE"]}
    await crds.post(VALIDATING, configuration(hooks.hook("/deny", answer=deny("the crontab is unwanted"), rule=rule)))
    answer = await crds.post(path(), custom(), code=400)
    assert answer["message"] == f"{DENIED}the crontab is unwanted"
    hooks.answers["/deny"] = allow
    await crds.post(path(), custom(spec={"a": 1}))
    hooks.answers["/deny"] = deny()
    await crds.patch(path() + "/a", {"spec": {"a": 2}}, code=400)
    await crds.delete(path() + "/a", code=400)
    assert hooks.asked[-1]["oldObject"]["spec"] == {"a": 1}


async def test_should_unconditionally_reject_operations_on_fail_closed_webhook(api: Api, hooks: Hooks) -> None:
    hook = hooks.hook("/a")
    hook["clientConfig"]["service"]["name"] = "missing"
    await api.post(VALIDATING, configuration(hook))
    answer = await api.post(MAPS, config_map(), code=500)
    url = f"https://missing.{NAMESPACE}.svc:{PORT}/a?timeout=10s"
    assert answer["message"] == (
        'Internal error occurred: failed calling webhook "a.hooks.example.com": failed to call webhook: '
        f'Post "{url}": service "missing" not found'
    )
    await api.patch(f"{VALIDATING}/c", [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}],
                    "json-patch+json")  # fmt: skip
    await api.post(MAPS, config_map())


async def test_should_mutate_configmap(api: Api, hooks: Hooks) -> None:
    """In the order of the configurations' names; every webhook sees what the ones before it have done."""
    first = hooks.hook("/one", answer=patching({"op": "add", "path": "/data/one", "value": "1"}))
    second = hooks.hook("/two", answer=patching({"op": "add", "path": "/data/two", "value": "2"}))
    await api.post(MUTATING, configuration(second, name="b"))
    await api.post(MUTATING, configuration(first, name="a"))
    made = await api.post(MAPS, config_map(k="v"))
    assert made["data"] == {"k": "v", "one": "1", "two": "2"}
    assert hooks.paths == ["/one", "/two"]
    assert hooks.asked[1]["object"]["data"] == {"k": "v", "one": "1"}


async def test_should_mutate_pod_and_apply_defaults_after_mutation(api: Api, hooks: Hooks) -> None:
    container = {"name": "added", "image": "y"}
    answer = patching({"op": "add", "path": "/spec/initContainers", "value": [container]})
    await api.post(MUTATING, configuration(hooks.hook("/", answer=answer, rule={"resources": ["pods"]})))
    made = await api.post(PODS, pod())
    (added,) = made["spec"]["initContainers"]
    assert added["terminationMessagePolicy"] == "File"
    # The server's own plugins have looked at it once more.
    assert added["volumeMounts"][0]["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"


async def test_should_not_be_able_to_mutate_or_prevent_deletion_of_webhook_configuration_objects(
    api: Api, hooks: Hooks
) -> None:
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["*"]}
    selector = {"matchLabels": {"guarded": "yes"}}
    await api.post(VALIDATING, configuration(hooks.hook("/deny", answer=deny(), rule=rule, objectSelector=selector)))
    answer = patching({"op": "add", "path": "/metadata/labels/x", "value": "y"})
    await api.post(MUTATING, configuration(hooks.hook("/x", answer=answer, rule=rule, objectSelector=selector)))
    other = {"metadata": {"name": "dummy", "labels": {"guarded": "yes"}}, "webhooks": []}
    for plural in (VALIDATING, MUTATING):
        made = await api.post(plural, other)
        assert made["metadata"]["labels"] == {"guarded": "yes"}
        await api.delete(f"{plural}/dummy")
    assert hooks.asked == []


async def test_should_mutate_custom_resource_with_pruning(crds: Any, hooks: Hooks) -> None:
    await crds.define(definition("CronTab", version(schema=spec_schema(a={"type": "string"}, b={"type": "string"}))))
    answer = patching(
        {"op": "add", "path": "/spec/b", "value": "b"},
        {"op": "add", "path": "/spec/unknown", "value": "c"},
    )
    rule = {"apiGroups": ["stable.example.com"], "resources": ["crontabs"]}
    await crds.post(MUTATING, configuration(hooks.hook("/", answer=answer, rule=rule)))
    made = await crds.post(path(), custom(spec={"a": "a"}))
    assert made["spec"] == {"a": "a", "b": "b"}


async def test_should_deny_crd_creation(crds: Any, hooks: Hooks) -> None:
    rule = {"apiGroups": ["apiextensions.k8s.io"], "apiVersions": ["*"], "resources": ["customresourcedefinitions"]}
    selector = {"matchLabels": {"guarded": "yes"}}
    hook = hooks.hook("/deny", answer=deny("no such kinds here"), rule=rule, objectSelector=selector)
    await crds.post(VALIDATING, configuration(hook))
    crd = definition()
    await crds.define(definition("Other"))
    crd["metadata"]["labels"] = {"guarded": "yes"}
    assert (await crds.post(CRDS, crd, code=400))["message"] == f"{DENIED}no such kinds here"


async def test_should_mutate_custom_resource_with_different_stored_version(crds: Any, hooks: Hooks) -> None:
    """A webhook for one version sees the objects of all, in its own."""
    versions = [version("v1"), version("v2", storage=False)]
    await crds.define(definition("CronTab", *versions))
    answer = patching({"op": "add", "path": "/spec/b", "value": "b"})
    rule = {"apiGroups": ["stable.example.com"], "apiVersions": ["v2"], "resources": ["crontabs"]}
    await crds.post(MUTATING, configuration(hooks.hook("/", answer=answer, rule=rule)))
    made = await crds.post(path(), custom(spec={"a": 1}))
    assert (made["apiVersion"], made["spec"]) == ("stable.example.com/v1", {"a": 1, "b": "b"})
    asked = hooks.asked[0]
    assert (asked["kind"]["version"], asked["requestKind"]["version"]) == ("v2", "v1")
    assert (asked["resource"]["version"], asked["requestResource"]["version"]) == ("v2", "v1")
    assert asked["object"]["apiVersion"] == "stable.example.com/v2"


async def test_patching_updating_a_webhook_should_work(api: Api, hooks: Hooks) -> None:
    await api.post(VALIDATING, configuration(hooks.hook("/deny", answer=deny(), rule={"operations": ["UPDATE"]})))
    await api.post(MAPS, config_map())
    change = [{"op": "replace", "path": "/webhooks/0/rules/0/operations", "value": ["CREATE"]}]
    await api.patch(f"{VALIDATING}/c", change, "json-patch+json")
    await api.put(f"{MAPS}/a", config_map(k="v"))
    await api.post(MAPS, config_map("b"), code=400)


async def test_should_mutate_everything_except_skip_me_configmaps(api: Api, hooks: Hooks) -> None:
    conditions = [{"name": "skip", "expression": "object.metadata.name != 'skip-me'"}]
    answer = patching({"op": "add", "path": "/data/one", "value": "1"})
    await api.post(MUTATING, configuration(hooks.hook("/", answer=answer, matchConditions=conditions)))
    assert (await api.post(MAPS, config_map("skip-me", k="v")))["data"] == {"k": "v"}
    assert (await api.post(MAPS, config_map("other", k="v")))["data"] == {"k": "v", "one": "1"}


@pytest.mark.parametrize("plural", [MUTATING, VALIDATING])
async def test_should_reject_webhook_configurations_with_invalid_match_conditions(
    api: Api, hooks: Hooks, plural: str
) -> None:
    conditions = [{"name": "broken", "expression": "... [] bad expression"}]
    answer = await api.post(plural, configuration(hooks.hook("/", matchConditions=conditions)), code=422)
    assert "compilation failed" in answer["message"]
    assert "webhooks[0].matchConditions[0].expression" in answer["message"]


# Which requests


async def test_selectors(api: Api, hooks: Hooks) -> None:
    in_namespace = hooks.hook("/deny", answer=deny(), namespaceSelector={"matchLabels": {"guarded": "yes"}})
    await api.post(VALIDATING, configuration(in_namespace))
    await api.post(MAPS, config_map())
    await api.patch("/api/v1/namespaces/default", {"metadata": {"labels": {"guarded": "yes"}}})
    await api.post(MAPS, config_map("b"), code=400)
    await api.delete(f"{VALIDATING}/c")
    await api.post(VALIDATING, configuration(hooks.hook("/deny", objectSelector={"matchLabels": {"a": "b"}})))
    await api.post(MAPS, config_map("c"))
    await api.post(MAPS, LABELLED | {"metadata": {"name": "d", "labels": {"a": "b"}}}, code=400)
    hooks.answers["/deny"] = allow
    await api.post(MAPS, LABELLED | {"metadata": {"name": "d", "labels": {"a": "b"}}})
    hooks.answers["/deny"] = deny()
    # The old object counts, too: taking the label away is no way around.
    await api.patch(f"{MAPS}/d", {"metadata": {"labels": {"a": None}}}, code=400)


async def test_equivalent_versions(api: Api, hooks: Hooks) -> None:
    path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}
    scaler = {"metadata": {"name": "a"}, "spec": {"maxReplicas": 3, "scaleTargetRef": target}}
    rule = {"apiGroups": ["autoscaling"], "apiVersions": ["v2"], "resources": ["horizontalpodautoscalers"]}
    answer = patching({"op": "replace", "path": "/spec/maxReplicas", "value": 5})
    await api.post(MUTATING, configuration(hooks.hook("/", answer=answer, rule=rule)))
    made = await api.post(path, {**scaler, "spec": {**scaler["spec"], "targetCPUUtilizationPercentage": 50}})
    assert made["spec"]["maxReplicas"] == 5
    assert made["spec"]["targetCPUUtilizationPercentage"] == 50
    asked = hooks.asked[0]
    assert asked["object"]["apiVersion"] == "autoscaling/v2"
    assert asked["object"]["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 50
    assert asked["requestResource"]["version"] == "v1"


async def test_scale(api: Api, hooks: Hooks) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    await api.post(path, {"metadata": {"name": "a"}, "spec": spec})
    rule = {"apiGroups": ["apps"], "resources": ["deployments/scale"]}
    answer = patching({"op": "replace", "path": "/spec/replicas", "value": 2})
    await api.post(MUTATING, configuration(hooks.hook("/", answer=answer, rule=rule)))
    scaled = await api.patch(f"{path}/a/scale", {"spec": {"replicas": 7}})
    assert scaled["spec"]["replicas"] == 2
    assert hooks.asked[0]["kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    assert hooks.asked[0]["object"]["spec"] == {"replicas": 7}


async def test_bindings_and_evictions(api: Api, hooks: Hooks) -> None:
    rule = {"resources": ["pods", "pods/*"], "operations": ["*"]}
    await api.post(PODS, pod())
    await api.post(VALIDATING, configuration(hooks.hook("/deny", answer=deny(), rule=rule)))
    await api.post(f"{PODS}/a/binding", {"target": {"kind": "Node", "name": "n"}}, code=400)
    assert (hooks.asked[-1]["operation"], hooks.asked[-1]["kind"]["kind"]) == ("CREATE", "Binding")
    await api.post(f"{PODS}/a/eviction", {"metadata": {"name": "a"}}, code=400)
    assert hooks.asked[-1]["kind"] == {"group": "policy", "version": "v1", "kind": "Eviction"}
    hooks.answers["/deny"] = allow
    asked = len(hooks.asked)
    await api.post(f"{PODS}/a/binding", {"target": {"kind": "Node", "name": "n"}})
    await api.post(f"{PODS}/a/eviction", {"metadata": {"name": "a"}})
    assert [a["operation"] for a in hooks.asked[asked:]] == ["CREATE", "CREATE"]


# What is asked, and answered


async def test_request(api: Api, hooks: Hooks) -> None:
    await api.post(VALIDATING, configuration(hooks.hook("/", answer=allow)))
    user = User("me", ("system:masters",), "u-1", {"k": ("v",)})
    await api.as_(user).post(f"{MAPS}?dryRun=All&fieldManager=m", config_map(k="v"))
    asked = hooks.asked[0]
    asked["object"]["metadata"].pop("managedFields")
    assert asked.pop("uid")
    assert asked == {
        "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "resource": {"group": "", "version": "v1", "resource": "configmaps"},
        "requestKind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "requestResource": {"group": "", "version": "v1", "resource": "configmaps"},
        "name": "a",
        "namespace": "default",
        "operation": "CREATE",
        "userInfo": {
            "username": "me",
            "uid": "u-1",
            "groups": ["system:masters", "system:authenticated"],
            "extra": {"k": ["v"]},
        },
        "object": {
            "kind": "ConfigMap",
            "apiVersion": "v1",
            "metadata": {"name": "a", "namespace": "default", "creationTimestamp": None},
            "data": {"k": "v"},
        },
        "oldObject": None,
        "dryRun": True,
        "options": {
            "kind": "CreateOptions",
            "apiVersion": "meta.k8s.io/v1",
            "dryRun": ["All"],
            "fieldManager": "m",
            "fieldValidation": "Warn",
        },
    }


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"allowed": True, "uid": "x"}, 'expected response.uid="'),
        ({"allowed": True, "patch": "W10="}, "validating webhook may not return response.patch"),
        ({"allowed": True, "patchType": "JSONPatch"}, "validating webhook may not return response.patchType"),
    ],
)
async def test_answers_that_are_none(api: Api, hooks: Hooks, answer: dict[str, Any], why: str) -> None:
    await api.post(VALIDATING, configuration(hooks.hook("/", answer=lambda request: answer)))
    message = (await api.post(MAPS, config_map(), code=500))["message"]
    assert 'failed calling webhook "a.hooks.example.com": received invalid webhook response: ' in message
    assert why in message


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (patching(patchType=None), "webhook returned response.patch but not response.patchType"),
        (patching(patch=""), "webhook returned response.patchType but not response.patch"),
        (patching({"op": "add", "path": "/x", "value": 1}, patchType="Merge"),
         'unsupported patch type "Merge"'),
        (patching({"op": "remove", "path": "/nothing"}), "unable to remove nonexistent key: nothing"),
        (patching(patch="!"), "received undecodable patch in webhook response"),
    ],
)  # fmt: skip
async def test_patches_that_are_none(api: Api, hooks: Hooks, answer: Any, why: str) -> None:
    await api.post(MUTATING, configuration(hooks.hook("/", answer=answer)))
    message = (await api.post(MAPS, config_map(), code=500))["message"]
    assert why in message


async def test_denials_without_words(api: Api, hooks: Hooks) -> None:
    await api.post(VALIDATING, configuration(hooks.hook("/", answer=lambda request: {"allowed": False})))
    answer = await api.post(MAPS, config_map(), code=400)
    assert answer["message"] == 'admission webhook "a.hooks.example.com" denied the request without explanation'


async def test_warnings(api: Api, hooks: Hooks) -> None:
    def warn(request: dict[str, Any]) -> dict[str, Any]:
        return {"allowed": request["operation"] != "DELETE", "warnings": ["beware"]}

    rule = {"operations": ["*"]}
    await api.post(VALIDATING, configuration(hooks.hook("/", answer=warn, rule=rule)))
    for method, where, body in (
        ("POST", MAPS, config_map()),
        ("PUT", f"{MAPS}/a", config_map(k="v")),
        ("DELETE", f"{MAPS}/a", None),
    ):
        response = await api.raw(method, where, body)
        assert response.headers["Warning"] == '299 - "beware"'


async def test_all_validating_webhooks_are_asked(api: Api, hooks: Hooks) -> None:
    names = ("one", "two", "three")
    await api.post(VALIDATING, configuration(*(hooks.hook(f"/{n}", answer=deny(n)) for n in names)))
    answer = await api.post(MAPS, config_map(), code=400)
    assert answer["message"] == 'admission webhook "one.hooks.example.com" denied the request: one'
    assert sorted(hooks.paths) == ["/one", "/three", "/two"]


async def test_reinvocation(api: Api, hooks: Hooks) -> None:
    """Who wants it is asked again when others have changed the object since."""
    first = hooks.hook("/one", answer=patching(label("one")), reinvocationPolicy="IfNeeded")
    second = hooks.hook("/two", answer=patching(label("two")))
    third = hooks.hook("/three", answer=allow, reinvocationPolicy="IfNeeded")
    await api.post(MUTATING, configuration(first, second, third))
    made = await api.post(MAPS, LABELLED)
    assert made["metadata"]["labels"] == {"a": "b", "one": "yes", "two": "yes"}
    assert hooks.paths == ["/one", "/two", "/three", "/one"]


async def test_what_only_the_server_gives(api: Api, hooks: Hooks) -> None:
    operations = [{"op": "add", "path": "/metadata/uid", "value": "mine"}]
    await api.post(MUTATING, configuration(hooks.hook("/", answer=patching(*operations, label("x")))))
    made = await api.post(MAPS, LABELLED)
    assert made["metadata"]["uid"] != "mine"
    assert made["metadata"]["labels"] == {"a": "b", "x": "yes"}
    assert "f:x" not in json.dumps(made["metadata"]["managedFields"])


async def test_validation_after_mutation(api: Api, hooks: Hooks) -> None:
    await api.post(MUTATING, configuration(hooks.hook("/", answer=patching(label("x", "not a value")))))
    answer = await api.post(MAPS, LABELLED, code=422)
    assert "metadata.labels: Invalid value" in answer["message"]


@pytest.mark.parametrize(
    ("policy", "expression", "code"),
    [
        ("Fail", "object.missing == 1", 403),
        ("Ignore", "object.missing == 1", 201),
        ("Fail", "request.userInfo.username == 'admin'", 400),
        ("Fail", "authorizer.group('').resource('configmaps').namespace('default').check('create').allowed()", 400),
        ("Fail", "!authorizer.requestResource.check('create').allowed()", 201),
    ],
)
async def test_match_conditions(api: Api, hooks: Hooks, policy: str, expression: str, code: int) -> None:
    conditions = [{"name": "c", "expression": expression}]
    await api.post(
        VALIDATING, configuration(hooks.hook("/", answer=deny(), failurePolicy=policy, matchConditions=conditions))
    )
    await api.post(MAPS, config_map(), code=code)


async def test_older_reviews(api: Api, hooks: Hooks) -> None:
    hook = hooks.hook("/", answer=patching(label("x"), patchType=None), admissionReviewVersions=["v2", "v1beta1", "v1"])
    await api.post(MUTATING, configuration(hook))
    assert (await api.post(MAPS, LABELLED))["metadata"]["labels"]["x"] == "yes"


async def test_no_webhook_keeps_a_server_from_starting(api: Api, hooks: Hooks) -> None:
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["*"]}
    hook = hooks.hook("/deny", answer=deny(), rule=rule)
    await api.post(VALIDATING, configuration(hook))
    await api.post(MUTATING, configuration(hook))
    await api.app.close()
    await api.app.store.delete("/registry/core/namespaces/kube-system", None)
    asked = len(hooks.asked)
    app = App(api.app.store, api.clock, api.app.config, catalog=CATALOG)
    await app.start()
    again = Api(app, api.clock)
    assert len(hooks.asked) == asked
    await again.get("/api/v1/namespaces/kube-system")
    await again.post(MAPS, config_map(), code=400)
    await app.close()


@pytest.mark.parametrize(
    ("managed", "warned"),
    [([{"manager": "x", "operation": "Nothing", "apiVersion": "v1"}], True), ([], False)],
)
async def test_owners_of_fields_stay_sound(api: Api, hooks: Hooks, managed: list[Any], warned: bool) -> None:
    operation = {"op": "replace", "path": "/metadata/managedFields", "value": managed}
    await api.post(MUTATING, configuration(hooks.hook("/", answer=patching(operation))))
    response = await api.raw("POST", MAPS, config_map(k="v"))
    assert response.status == 201
    assert ("invalid state after admission" in response.headers.get("Warning", "")) is warned
    found = await api.get(f"{MAPS}/a")
    assert ("managedFields" in found["metadata"]) is warned
