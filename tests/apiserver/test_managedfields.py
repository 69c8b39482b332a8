"""Who owns which fields after writes of every kind, as metadata.managedFields tells it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.conftest import MAPS, PODS, Api, config_map, pod

from steersman.api.apply import Manager, Owned
from steersman.api.fieldset import FieldSetError
from steersman.api.http import User
from steersman.api.identities import AUTHENTICATED
from steersman.apiserver.managedfields import (
    ANCIENT,
    capped,
    checked,
    decode,
    encode,
    is_reset,
    manager_name,
    same_but_times,
)
from steersman.kinds.types.meta_v1 import ManagedFieldsEntry

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
APPLY = {"content-type": "application/apply-patch+yaml"}
M: dict[str, Any] = {".": {}}


def deployment(**spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template, **spec},
    }


def owners(obj: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    """(manager, operation[, subresource]) → its fields."""
    out = {}
    for entry in obj["metadata"].get("managedFields", []):
        assert entry["fieldsType"] == "FieldsV1"
        key = (entry["manager"], entry["operation"], *filter(None, [entry.get("subresource")]))
        assert key not in out
        out[key] = entry["fieldsV1"]
    return out


async def apply(api: Api, path: str, config: dict[str, Any], manager: str = "a", query: str = "", **kwargs: Any) -> Any:
    name = config["metadata"]["name"]
    return await api.do("PATCH", f"{path}/{name}?fieldManager={manager}{query}", config, APPLY, **kwargs)


def map_config(name: str = "c", **data: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


# Ordinary writes


@pytest.mark.parametrize(
    ("manager", "agent", "name"),
    [
        ("me", "kubectl/v1.32 (linux)", "me"),
        ("", "kubectl/v1.32 (linux)", "kubectl"),
        ("", "a\tb\x00c/1", "abc"),
        ("", "", "unknown"),
        ("", "x" * 200, "x" * 128),
        ("", "ü" * 65, "ü" * 64),
    ],
)
def test_manager_name(manager: str, agent: str, name: str) -> None:
    assert manager_name(manager, agent) == name


async def test_create(api: Api) -> None:
    body = pod("p")
    body["metadata"]["labels"] = {"b": "1", "a": "2"}
    made = await api.post(f"{PODS}?fieldManager=me", body)
    found = owners(made)
    assert set(found) == {("me", "Update")}
    fields = found[("me", "Update")]
    assert fields["f:metadata"] == {"f:labels": {**M, "f:a": {}, "f:b": {}}}
    assert "." not in fields["f:spec"]
    assert "f:serviceAccountName" not in fields["f:spec"], "admission's changes are nobody's"
    assert fields["f:spec"]["f:containers"]['k:{"name":"c"}']["f:image"] == {}
    assert "f:status" not in fields
    (entry,) = made["metadata"]["managedFields"]
    assert (entry["apiVersion"], entry["time"]) == ("v1", made["metadata"]["creationTimestamp"])


async def test_user_agent_is_the_manager(api: Api) -> None:
    made = await api.post(MAPS, config_map("m", k="v"), headers={"user-agent": "curl/8.0"})
    assert owners(made) == {("curl", "Update"): {"f:data": {**M, "f:k": {}}}}


async def test_update_and_patch_take_what_they_change(api: Api) -> None:
    made = await api.post(f"{MAPS}?fieldManager=a", config_map("m", one="1", two="2", three="3"))
    await api.clock.advance(60)
    made["data"] = {"one": "1", "two": "changed", "four": "4"}
    changed = await api.put(f"{MAPS}/m?fieldManager=b", made)
    assert owners(changed) == {
        ("a", "Update"): {"f:data": {**M, "f:one": {}}},
        ("b", "Update"): {"f:data": {"f:two": {}, "f:four": {}}},
    }
    times = {e["manager"]: e["time"] for e in changed["metadata"]["managedFields"]}
    assert times["a"] < times["b"]
    patched = await api.patch(f"{MAPS}/m?fieldManager=c", {"data": {"two": None, "five": "5"}})
    assert owners(patched)[("b", "Update")] == {"f:data": {"f:four": {}}}
    assert owners(patched)[("c", "Update")] == {"f:data": {"f:five": {}}}


async def test_a_write_that_changes_nothing_is_none(api: Api) -> None:
    made = await api.post(f"{MAPS}?fieldManager=a", config_map("m", one="1"))
    await api.clock.advance(60)
    again = await api.put(f"{MAPS}/m?fieldManager=b", made)
    assert again == made


async def test_a_change_that_is_undone_by_the_kind_is_none(api: Api) -> None:
    made = await api.post(f"{DEPLOYMENTS}?fieldManager=a", deployment())
    await api.clock.advance(60)
    made["status"] = {"replicas": 5}
    again = await api.put(f"{DEPLOYMENTS}/web?fieldManager=a", made)
    assert again["metadata"] == made["metadata"]


async def test_clients_that_leave_managed_fields_out_keep_them(api: Api) -> None:
    made = await api.post(f"{MAPS}?fieldManager=a", config_map("m", one="1"))
    del made["metadata"]["managedFields"]
    made["data"]["two"] = "2"
    changed = await api.put(f"{MAPS}/m?fieldManager=b", made)
    assert set(owners(changed)) == {("a", "Update"), ("b", "Update")}


@pytest.mark.parametrize("entries", [[], [{}]])
async def test_reset(api: Api, entries: Any) -> None:
    await api.post(f"{MAPS}?fieldManager=a", config_map("m", one="1"))
    patched = await api.patch(f"{MAPS}/m", {"metadata": {"managedFields": entries}})
    assert "managedFields" not in patched["metadata"]
    patched = await api.patch(f"{MAPS}/m", {"data": {"two": "2"}})
    assert "managedFields" not in patched["metadata"], "nothing is tracked before the next apply"
    applied = await apply(api, MAPS, map_config("m", two="2"))
    assert owners(applied) == {
        ("a", "Apply"): {"f:data": {"f:two": {}}},
        ("before-first-apply", "Update"): {"f:data": {**M, "f:one": {}, "f:two": {}}},
    }


async def test_clients_may_write_managed_fields(api: Api) -> None:
    made = await api.post(f"{MAPS}?fieldManager=a", config_map("m", one="1"))
    entry = made["metadata"]["managedFields"][0]
    patched = await api.patch(
        f"{MAPS}/m", {"metadata": {"managedFields": [{**entry, "manager": "z", "operation": "Apply"}]}}
    )
    assert owners(patched) == {("z", "Apply"): {"f:data": {**M, "f:one": {}}}}
    wrong = {"metadata": {"managedFields": [{**entry, "operation": "Foo"}]}}
    assert owners(await api.patch(f"{MAPS}/m", wrong)) == owners(patched), "what makes no sense is not taken"


async def test_status_and_other_subresources(api: Api) -> None:
    await api.post("/api/v1/nodes", {"metadata": {"name": "n", "labels": {"kubernetes.io/os": "linux"}}})
    await api.patch("/api/v1/nodes/n/status", {"status": {"allocatable": {"cpu": "2", "memory": "1Gi"}}})
    body = pod("p")
    body["spec"]["containers"][0]["resources"] = {"requests": {"memory": "1Mi"}}
    made = await api.post(f"{PODS}?fieldManager=a", body)
    made["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    made["spec"]["priority"] = 7
    running = await api.put(f"{PODS}/p/status?fieldManager=kubelet", made)
    assert owners(running)[("kubelet", "Update", "status")] == {
        "f:status": {"f:conditions": {**M, 'k:{"type":"Ready"}': {**M, "f:status": {}, "f:type": {}}}, "f:phase": {}}
    }
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "p"},
        "target": {"kind": "Node", "name": "n"},
    }
    await api.post(f"{PODS}/p/binding", binding)
    assert owners(await api.get(f"{PODS}/p")) == owners(running), "a binding leaves owners as they are"
    resized = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]}}
    after = await api.patch(f"{PODS}/p/resize?fieldManager=vpa", resized, type="strategic-merge-patch+json")
    assert owners(after)[("vpa", "Update", "resize")]["f:spec"]["f:containers"] == {
        'k:{"name":"c"}': {"f:resources": {"f:requests": {"f:cpu": {}}}}
    }


async def test_scale(api: Api) -> None:
    await api.post(f"{DEPLOYMENTS}?fieldManager=a", deployment(replicas=1))
    await api.patch(f"{DEPLOYMENTS}/web/scale?fieldManager=b", {"spec": {"replicas": 2}})
    found = owners(await api.get(f"{DEPLOYMENTS}/web"))
    assert found[("b", "Update", "scale")] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in found[("a", "Update")]["f:spec"]
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 3}}
    path = f"{DEPLOYMENTS}/web/scale?fieldManager=c"
    refused = await api.do("PATCH", path, scale, APPLY, code=409)
    assert refused["message"] == (
        'Apply failed with 1 conflict: conflict with "b" with subresource "scale" using apps/v1: .spec.replicas'
    )
    assert (await api.do("PATCH", path + "&force=true", scale, APPLY))["spec"]["replicas"] == 3
    found = owners(await api.get(f"{DEPLOYMENTS}/web"))
    assert found[("c", "Apply", "scale")] == {"f:spec": {"f:replicas": {}}}
    assert ("b", "Update", "scale") not in found
    wrong = await api.do("PATCH", path, {**scale, "spec": {"foo": 1}}, APPLY, code=500)
    assert "field not declared in schema" in wrong["message"]


async def test_many_updaters_are_folded(api: Api) -> None:
    await api.post(f"{MAPS}?fieldManager=m00", config_map("m", k00=""))
    for number in range(1, 13):
        await api.clock.advance(1)
        await api.patch(f"{MAPS}/m?fieldManager=m{number:02}", {"data": {f"k{number:02}": ""}})
    found = owners(await api.get(f"{MAPS}/m"))
    assert set(found) == {(ANCIENT, "Update"), *((f"m{n:02}", "Update") for n in range(4, 13))}
    assert found[(ANCIENT, "Update")] == {"f:data": {**M, **{f"f:k{n:02}": {} for n in range(4)}}}


def test_folding_is_by_version() -> None:
    made = {Manager(f"m{n:02}", "Update", f"v{n % 2}"): Owned({f"f:{n:02}": {}}, f"v{n % 2}") for n in range(12)}
    left, times = capped(made, {m: f"2026-01-01T00:00:{n:02}Z" for n, m in enumerate(made)})
    assert left[Manager(ANCIENT, "Update", "v0")] == Owned({"f:00": {}, "f:02": {}}, "v0")
    assert left[Manager(ANCIENT, "Update", "v1")] == Owned({"f:01": {}, "f:03": {}}, "v1")
    assert (len(left), times[Manager(ANCIENT, "Update", "v1")]) == (10, "2026-01-01T00:00:03Z")
    few = dict(list(made.items())[:10])
    assert capped(few, {})[0] is few


def test_entries() -> None:
    fields: Any = {"f:b": {}, "f:a": {'k:{ "x" : 1 }': {}}}
    entry = ManagedFieldsEntry(
        manager="m",
        operation="Update",
        apiVersion="v1",
        time="2026-01-01T00:00:00Z",
        fieldsType="FieldsV1",
        fieldsV1=fields,
    )
    (found,) = checked([entry])
    assert list(found.fieldsV1 or {}) == ["f:a", "f:b"]
    assert (found.fieldsV1 or {})["f:a"] == {'k:{"x":1}': {}}
    assert encode(*decode([found])) == [found]
    assert encode({}, {}) is None
    later = ManagedFieldsEntry(
        **{f: getattr(found, f) for f in found.__struct_fields__} | {"time": "2027-01-01T00:00:00Z"}
    )
    assert same_but_times([found], [later])
    assert not same_but_times([found], [entry])
    assert not same_but_times([found], None)
    assert same_but_times(None, None)
    assert (is_reset([]), is_reset([ManagedFieldsEntry()]), is_reset(None), is_reset([found])) == (
        True,
        True,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"operation": "Foo"}, "operation must be `Apply` or `Update`"),
        ({"apiVersion": ""}, "apiVersion must not be empty"),
        ({"fieldsType": ""}, "missing fieldsType in managed fields entry 0"),
        ({"fieldsType": "FieldsV2"}, 'invalid fieldsType "FieldsV2" in managed fields entry 0'),
        ({"fieldsV1": {"x": {}}}, "key must be 2 characters long"),
    ],
)
def test_entries_that_make_no_sense(change: dict[str, Any], message: str) -> None:
    good = {"manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1"}
    with pytest.raises(FieldSetError, match=message):
        checked([ManagedFieldsEntry(**{**good, **change})])


async def test_other_versions_share_owners(api: Api) -> None:
    path = "/apis/autoscaling/{}/namespaces/default/horizontalpodautoscalers"
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}, "maxReplicas": 3}
    hpa = {"metadata": {"name": "h"}, "spec": {**spec, "targetCPUUtilizationPercentage": 50}}
    made = await api.post(path.format("v1") + "?fieldManager=one", hpa)
    assert made["metadata"]["managedFields"][0]["apiVersion"] == "autoscaling/v1"
    two = await api.patch(path.format("v2") + "/h?fieldManager=two", {"spec": {"maxReplicas": 5}})
    found = owners(two)
    assert "f:maxReplicas" not in found[("one", "Update")]["f:spec"]
    assert "f:targetCPUUtilizationPercentage" in found[("one", "Update")]["f:spec"]
    assert found[("two", "Update")] == {"f:spec": {"f:maxReplicas": {}}}


# Apply


async def test_apply_creates_and_updates(api: Api) -> None:
    response = await api.raw("PATCH", f"{MAPS}/c?fieldManager=a", map_config(one="1"), APPLY)
    assert response.status == 201
    response = await api.raw("PATCH", f"{MAPS}/c?fieldManager=a", map_config(two="2"), APPLY)
    assert response.status == 200
    found = await api.get(f"{MAPS}/c")
    assert found["data"] == {"two": "2"}
    assert owners(found) == {("a", "Apply"): {"f:data": {"f:two": {}}}}


async def test_apply_of_yaml(api: Api) -> None:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: x\n  a: y\n"
    path = f"{MAPS}/c?fieldManager=a"
    refused = await api.do("PATCH", f"{path}&fieldValidation=Strict", text, APPLY, code=400)
    problem = 'yaml: unmarshal errors:\n  line 7: key "a" already set in map'
    assert refused["message"] == f"error strict decoding patch: error converting YAML to JSON: {problem}"
    response = await api.raw("PATCH", path, text, APPLY)
    assert (response.status, response.headers["Warning"]) == (201, '299 - "line 7: key \\"a\\" already set in map"')
    same = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"x","a":"z"}}'
    response = await api.raw("PATCH", path + "&fieldValidation=Ignore", same, APPLY)
    assert (response.status, response.headers.get("Warning")) == (200, None)
    assert (await api.get(f"{MAPS}/c"))["data"] == {"a": "z"}
    refused = await api.do("PATCH", path, b"a: [", APPLY, code=400)
    assert refused["message"].startswith("error decoding YAML: ")


async def test_apply_again_changes_nothing(api: Api) -> None:
    config = deployment(replicas=2)
    made = await apply(api, DEPLOYMENTS, config)
    await api.clock.advance(60)
    assert await apply(api, DEPLOYMENTS, config) == made
    shared = await apply(api, DEPLOYMENTS, config, "b")
    assert owners(shared)[("a", "Apply")] == owners(shared)[("b", "Apply")]
    assert shared["metadata"]["generation"] == made["metadata"]["generation"]


async def test_conflict(api: Api) -> None:
    await apply(api, DEPLOYMENTS, deployment(replicas=2))
    await api.patch(f"{DEPLOYMENTS}/web?fieldManager=edit", {"spec": {"replicas": 5, "paused": True}})
    status = await apply(api, DEPLOYMENTS, deployment(replicas=2), code=409)
    assert status["reason"] == "Conflict"
    assert status["message"] == 'Apply failed with 1 conflict: conflict with "edit" using apps/v1: .spec.replicas'
    assert status["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "edit" using apps/v1', "field": ".spec.replicas"}
    ]
    status = await apply(api, DEPLOYMENTS, deployment(replicas=2, paused=False), code=409)
    assert status["message"] == (
        'Apply failed with 2 conflicts: conflicts with "edit" using apps/v1:\n- .spec.paused\n- .spec.replicas'
    )
    forced = await apply(api, DEPLOYMENTS, deployment(replicas=2), query="&force=true")
    assert forced["spec"]["replicas"] == 2
    assert owners(forced)[("edit", "Update")] == {"f:spec": {"f:paused": {}}}


async def test_dry_run(api: Api) -> None:
    made = await apply(api, MAPS, map_config(one="1"), query="&dryRun=All")
    assert made["data"] == {"one": "1"}
    await api.get(f"{MAPS}/c", code=404)
    await apply(api, MAPS, map_config(one="1"))
    changed = await apply(api, MAPS, map_config(one="2"), query="&dryRun=All")
    assert changed["data"] == {"one": "2"}
    assert (await api.get(f"{MAPS}/c"))["data"] == {"one": "1"}


async def test_dropped_fields_get_their_defaults_again(api: Api) -> None:
    config = deployment(replicas=4, revisionHistoryLimit=3)
    config["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "y"})
    await apply(api, DEPLOYMENTS, config)
    after = await apply(api, DEPLOYMENTS, deployment())
    assert (after["spec"]["replicas"], after["spec"]["revisionHistoryLimit"]) == (1, 10)
    assert [c["name"] for c in after["spec"]["template"]["spec"]["containers"]] == ["c"]


async def test_apply_of_status(api: Api) -> None:
    await api.post(f"{PODS}?fieldManager=a", pod("p"))
    condition = {"type": "example.com/ok", "status": "True"}
    config = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "status": {"conditions": [condition]}}
    applied = await api.do("PATCH", f"{PODS}/p/status?fieldManager=c", config, APPLY)
    assert [c["type"] for c in applied["status"]["conditions"]] == ["example.com/ok"]
    assert set(owners(applied)[("c", "Apply", "status")]) == {"f:status"}
    gone = await api.do("PATCH", f"{PODS}/p/status?fieldManager=c", {**config, "status": {}}, APPLY)
    assert not gone["status"].get("conditions")
    await api.do(
        "PATCH", f"{PODS}/none/status?fieldManager=c", {**config, "metadata": {"name": "none"}}, APPLY, code=404
    )
    plain = await api.do("PATCH", f"{PODS}/p?fieldManager=c", {**config, "spec": {"restartPolicy": "Always"}}, APPLY)
    assert owners(plain)[("c", "Apply")] == {"f:spec": {"f:restartPolicy": {}}}, "status is not the object's to own"


@pytest.mark.parametrize(
    ("query", "config", "code", "message"),
    [
        ("", map_config(), 422,
         'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'),
        ("fieldManager=a%09b", map_config(), 422,
         'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\\tb": invalid character U+0009 (at '
         "position 1)"),
        ("fieldManager=a", {**map_config(), "kind": "Pod"}, 400, "invalid object type: /v1, Kind=Pod"),
        ("fieldManager=a", {**map_config(), "apiVersion": "x/v2"}, 400, "invalid object type: x/v2, Kind=ConfigMap"),
        ("fieldManager=a", [], 400, "invalid object type: /, Kind="),
        ("fieldManager=a", {**map_config(), "metadata": {"name": "c", "managedFields": []}}, 400,
         "metadata.managedFields must be nil"),
        ("fieldManager=a", {**map_config(), "foo": 1}, 500,
         "failed to create typed patch object (/c; /v1, Kind=ConfigMap): .foo: field not declared in schema"),
        ("fieldManager=a", map_config(a=1), 500,
         "failed to create typed patch object (/c; /v1, Kind=ConfigMap): .data.a: expected string, got "
         "&value.valueUnstructured{Value:1}"),
        ("fieldManager=a", map_config("d"), 400,
         "the name of the object (d) does not match the name on the URL (c)"),
        ("fieldManager=a", {**map_config(), "metadata": {"name": "c", "uid": "u"}}, 409,
         'Operation cannot be fulfilled on configmaps "c": uid mismatch: the provided object specified uid u, and no '
         "existing object was found"),
    ],
)  # fmt: skip
async def test_refused(api: Api, query: str, config: Any, code: int, message: str) -> None:
    status = await api.do("PATCH", f"{MAPS}/c?{query}", config, APPLY, code=code)
    assert status["message"] == message


async def test_force_is_for_apply_only(api: Api) -> None:
    await api.post(MAPS, config_map("m"))
    status = await api.patch(f"{MAPS}/m?force=true", {}, code=422)
    assert status["message"] == (
        'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch'
    )


async def test_who_may_patch_may_not_always_create(api: Api) -> None:
    await api.post("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", {
        "metadata": {"name": "r"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]}],
    })  # fmt: skip
    await api.post("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", {
        "metadata": {"name": "r"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "eve"}],
    })  # fmt: skip
    eve = api.as_(User("eve", (AUTHENTICATED,)))
    status = await apply(eve, MAPS, map_config(a="1"), code=403)
    assert 'cannot create resource "configmaps"' in status["message"]
    await apply(api, MAPS, map_config(a="1"))
    await apply(eve, MAPS, map_config(b="1"), "eve")


async def test_resource_version_in_the_configuration(api: Api) -> None:
    made = await apply(api, MAPS, map_config(a="1"))
    config = map_config(a="2")
    config["metadata"]["resourceVersion"] = "1"
    status = await apply(api, MAPS, config, code=409)
    assert "the object has been modified" in status["message"]
    config["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"]
    await apply(api, MAPS, config)


LAST = "kubectl.kubernetes.io/last-applied-configuration"


async def test_kubectl_takes_its_own_client_side_fields_over(api: Api) -> None:
    """Without the client's own migration: fields that still are as last applied are no conflict for kubectl."""
    last = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1","b":"1"}}'
    body = {**map_config(a="1", b="1"), "metadata": {"name": "c", "annotations": {LAST: last}}}
    await api.post(f"{MAPS}?fieldManager=kubectl-client-side-apply", body)
    await apply(api, MAPS, map_config(a="2"), "other", code=409)
    applied = await apply(api, MAPS, map_config(a="2"), "kubectl")
    assert applied["data"] == {"a": "2", "b": "1"}
    assert applied["metadata"]["annotations"][LAST] == (
        '{"apiVersion":"v1","data":{"a":"2"},"kind":"ConfigMap","metadata":{"name":"c"}}\n'
    )
    await api.patch(f"{MAPS}/c?fieldManager=edit", {"data": {"b": "edited"}})
    status = await apply(api, MAPS, map_config(a="2", b="1"), "kubectl", code=409)
    assert status["message"] == 'Apply failed with 1 conflict: conflict with "edit" using v1: .data.b'


async def test_writes_of_the_server_itself_are_nobodys(api: Api) -> None:
    found = await api.get("/api/v1/namespaces/default")
    assert "managedFields" not in found["metadata"]
