"""Replacing objects: conflicts, races, generations, and the status that has its own path."""

import asyncio

import pytest
from tests.apiserver.conftest import MAPS, PODS, Api, config_map, pod

LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
MODIFIED = (
    'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
    "please apply your changes to the latest version and try again"
)


async def test_replaces(api: Api) -> None:
    made = await api.post(MAPS, config_map(k="1"))
    changed = await api.put(f"{MAPS}/a", {**made, "data": {"k": "2"}})
    assert changed["data"] == {"k": "2"}
    assert int(changed["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    for field in ("uid", "creationTimestamp"):
        assert changed["metadata"][field] == made["metadata"][field]


async def test_no_change_is_no_write(api: Api) -> None:
    made = await api.post(MAPS, config_map(k="1"))
    before = api.app.store.revision
    assert await api.put(f"{MAPS}/a", made) == made
    assert api.app.store.revision == before


async def test_an_old_version_conflicts(api: Api) -> None:
    made = await api.post(MAPS, config_map(k="1"))
    await api.put(f"{MAPS}/a", config_map(k="2"))
    answer = await api.put(f"{MAPS}/a", {**made, "data": {"k": "3"}}, code=409)
    assert (answer["reason"], answer["message"]) == ("Conflict", MODIFIED)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("abc", "invalid syntax"),
        ("-1", "invalid syntax"),
        ("²", "invalid syntax"),
        ("18446744073709551616", "value out of range"),
        ("9" * 5000, "value out of range"),
    ],
)
async def test_a_version_that_is_none(api: Api, given: str, why: str) -> None:
    made = await api.post(MAPS, config_map())
    made["metadata"]["resourceVersion"] = given
    answer = await api.put(f"{MAPS}/a", made, code=422)
    assert answer["message"] == (
        f'ConfigMap "a" is invalid: metadata.resourceVersion: Invalid value: "{given}": strconv.ParseUint: '
        f'parsing "{given}": {why}'
    )
    await api.patch(f"{MAPS}/a", {"metadata": {"resourceVersion": given}}, code=422)


async def test_versions_are_numbers(api: Api) -> None:
    made = await api.post(MAPS, config_map())
    made["metadata"]["resourceVersion"] = "0" + made["metadata"]["resourceVersion"]
    await api.put(f"{MAPS}/a", made)
    await api.put(f"{MAPS}/a", {**config_map(), "metadata": {"name": "a", "resourceVersion": "0"}})


async def test_another_uid_conflicts(api: Api) -> None:
    await api.post(MAPS, config_map())
    body = config_map()
    body["metadata"]["uid"] = "other"
    answer = await api.put(f"{MAPS}/a", body, code=409)
    assert "Precondition failed: UID in precondition: other, UID in object meta: " in answer["message"]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (config_map("b"), 400, "the name of the object (b) does not match the name on the URL (a)"),
        ({"metadata": {}}, 400, "the name of the object (a based on URL) was undeterminable: name must be provided"),
        (
            {"metadata": {"name": "a", "namespace": "x"}},
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
    ],
)
async def test_refused(api: Api, body: object, code: int, message: str) -> None:
    await api.post(MAPS, config_map())
    assert message in (await api.put(f"{MAPS}/a", body, code=code))["message"]


async def test_what_is_in_no_namespace_may_name_one(api: Api) -> None:
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/a"
    await api.put(path, {"metadata": {"name": "a", "namespace": "default"}, "rules": []}, code=201)
    changed = {"metadata": {"name": "a", "namespace": "nowhere", "labels": {"x": "y"}}, "rules": []}
    assert "namespace" not in (await api.put(path, changed))["metadata"]
    assert "namespace" not in (await api.patch(path, {"metadata": {"namespace": "nowhere"}}))["metadata"]


async def test_absent(api: Api) -> None:
    assert (await api.put(f"{MAPS}/a", config_map(), code=404))["message"] == 'configmaps "a" not found'


async def test_some_kinds_are_created_by_an_update(api: Api) -> None:
    lease = {"metadata": {"name": "a"}, "spec": {"holderIdentity": "x"}}
    made = await api.put(f"{LEASES}/a", lease, code=201)
    assert made["metadata"]["namespace"] == "default"
    unconditional = await api.put(f"{LEASES}/a", lease, code=422)
    assert "metadata.resourceVersion: Invalid value: 0: must be specified for an update" in unconditional["message"]
    await api.put(f"{LEASES}/a", {**made, **lease, "metadata": made["metadata"]}, code=200)


async def test_dry_run(api: Api) -> None:
    await api.post(MAPS, config_map(k="1"))
    assert (await api.put(f"{MAPS}/a?dryRun=All", config_map(k="2")))["data"] == {"k": "2"}
    assert (await api.get(f"{MAPS}/a"))["data"] == {"k": "1"}


async def test_racing_updates_all_count(api: Api) -> None:
    await api.post(MAPS, config_map())
    await asyncio.gather(*(api.patch(f"{MAPS}/a", {"data": {f"k{i}": "x"}}) for i in range(20)))
    assert len((await api.get(f"{MAPS}/a"))["data"]) == 20


async def test_status_is_left_alone_but_by_its_own_path(api: Api) -> None:
    await api.post(PODS, pod())
    made = await api.get(f"{PODS}/a")
    made["status"]["phase"] = "Running"
    made["metadata"]["labels"] = {"x": "y"}
    first = await api.put(f"{PODS}/a", made)
    assert first["status"]["phase"] == "Pending"
    first["status"]["phase"] = "Running"
    first["spec"]["activeDeadlineSeconds"] = 3
    second = await api.put(f"{PODS}/a/status", first)
    assert second["status"]["phase"] == "Running"
    assert "activeDeadlineSeconds" not in second["spec"]
    assert second["metadata"]["labels"] == {"x": "y"}


async def test_generation_counts_changes_of_the_spec(api: Api) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    made = await api.post(path, {"metadata": {"name": "a"}, "spec": spec})
    assert made["metadata"]["generation"] == 1
    labelled = await api.patch(f"{path}/a", {"metadata": {"labels": {"x": "y"}}})
    assert labelled["metadata"]["generation"] == 1
    scaled = await api.patch(f"{path}/a", {"spec": {"replicas": 3}})
    assert scaled["metadata"]["generation"] == 2
    status = await api.patch(f"{path}/a/status", {"status": {"replicas": 3}})
    assert status["metadata"]["generation"] == 2
