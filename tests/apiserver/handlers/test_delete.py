"""Deleting: grace, finalizers, propagation, preconditions, collections and namespaces."""

import pytest
from tests.apiserver.conftest import MAPS, PODS, Api, config_map, pod


async def bound(api: Api, name: str = "a", **spec: object) -> None:
    """A pod on a node: its kubelet has to end it."""
    await api.post(PODS, pod(name, **spec))
    await api.post(f"{PODS}/{name}/binding", {"target": {"kind": "Node", "name": "n"}})


async def test_answers_with_a_status(api: Api) -> None:
    made = await api.post(MAPS, config_map())
    answer = await api.delete(f"{MAPS}/a")
    assert answer["status"] == "Success"
    assert answer["details"] == {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    await api.get(f"{MAPS}/a", code=404)
    await api.delete(f"{MAPS}/a", code=404)


async def test_a_pod_without_a_node_goes_at_once(api: Api) -> None:
    await api.post(PODS, pod())
    assert (await api.delete(f"{PODS}/a"))["kind"] == "Pod"
    await api.get(f"{PODS}/a", code=404)


async def test_a_pod_on_a_node_waits_for_its_kubelet(api: Api) -> None:
    await bound(api)
    marked = (await api.delete(f"{PODS}/a"))["metadata"]
    assert marked["deletionTimestamp"] == "2027-01-15T08:00:30Z"
    assert marked["deletionGracePeriodSeconds"] == 30
    assert marked["generation"] == 2
    assert (await api.get(f"{PODS}/a"))["metadata"] == marked
    # A longer time, or none said, changes nothing; a shorter one does.
    for seconds in (None, 60, 30):
        await api.delete(f"{PODS}/a", {"gracePeriodSeconds": seconds} if seconds else None)
        assert (await api.get(f"{PODS}/a"))["metadata"] == marked
    shorter = (await api.delete(f"{PODS}/a", {"gracePeriodSeconds": 5}))["metadata"]
    assert shorter["deletionTimestamp"] == "2027-01-15T08:00:05Z"
    assert shorter["deletionGracePeriodSeconds"] == 5
    await api.delete(f"{PODS}/a", {"gracePeriodSeconds": 0})
    await api.get(f"{PODS}/a", code=404)


async def test_the_grace_period_is_the_pods(api: Api) -> None:
    await bound(api, terminationGracePeriodSeconds=7)
    assert (await api.delete(f"{PODS}/a?gracePeriodSeconds=3"))["metadata"]["deletionGracePeriodSeconds"] == 3
    await bound(api, "b", terminationGracePeriodSeconds=7)
    assert (await api.delete(f"{PODS}/b"))["metadata"]["deletionGracePeriodSeconds"] == 7


async def test_finalizers_hold_and_the_last_one_lets_go(api: Api) -> None:
    body = config_map()
    body["metadata"]["finalizers"] = ["x.io/a", "x.io/b"]
    await api.post(MAPS, body)
    marked = (await api.delete(f"{MAPS}/a"))["metadata"]
    assert marked["deletionGracePeriodSeconds"] == 0
    assert marked["deletionTimestamp"] == "2027-01-15T08:00:00Z"
    left = await api.patch(f"{MAPS}/a", {"metadata": {"finalizers": ["x.io/b"]}})
    assert left["metadata"]["finalizers"] == ["x.io/b"]
    added = await api.patch(f"{MAPS}/a", {"metadata": {"finalizers": ["x.io/b", "x.io/c"]}}, code=422)
    assert "no new finalizers can be added if the object is being deleted" in added["message"]
    await api.patch(f"{MAPS}/a", {"metadata": {"finalizers": None}})
    await api.get(f"{MAPS}/a", code=404)


@pytest.mark.parametrize(
    ("options", "finalizers"),
    [
        ({"propagationPolicy": "Foreground"}, ["foregroundDeletion"]),
        ({"propagationPolicy": "Orphan"}, ["orphan"]),
        ({"orphanDependents": True}, ["orphan"]),
        ({"propagationPolicy": "Background"}, None),
        ({"orphanDependents": False}, None),
    ],
)
async def test_propagation(api: Api, options: dict[str, object], finalizers: list[str] | None) -> None:
    await api.post(MAPS, config_map())
    answer = await api.delete(f"{MAPS}/a", options)
    if finalizers:
        assert answer["metadata"]["finalizers"] == finalizers
    else:
        await api.get(f"{MAPS}/a", code=404)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"propagationPolicy": "Maybe"}, 'propagationPolicy: Unsupported value: "Maybe"'),
        (
            {"propagationPolicy": "Orphan", "orphanDependents": True},
            "orphanDependents and deletionPropagation cannot be",
        ),
        ({"dryRun": ["Some"]}, "dryRun: Unsupported value"),
    ],
)
async def test_bad_options(api: Api, options: dict[str, object], message: str) -> None:
    await api.post(MAPS, config_map())
    answer = await api.delete(f"{MAPS}/a", options, code=422)
    assert message in answer["message"]
    await api.get(f"{MAPS}/a")


@pytest.mark.parametrize(
    ("preconditions", "message"),
    [
        ({"uid": "x"}, "the UID in the precondition (x) does not match the UID in record"),
        ({"resourceVersion": "1"}, "the ResourceVersion in the precondition (1) does not match the ResourceVersion"),
    ],
)
async def test_preconditions(api: Api, preconditions: dict[str, str], message: str) -> None:
    made = await api.post(MAPS, config_map())
    answer = await api.delete(f"{MAPS}/a", {"preconditions": preconditions}, code=409)
    assert message in answer["message"]
    good = {k: made["metadata"][k] for k in preconditions}
    await api.delete(f"{MAPS}/a", {"preconditions": good})


async def test_dry_run(api: Api) -> None:
    await api.post(MAPS, config_map())
    await api.delete(f"{MAPS}/a", {"dryRun": ["All"]})
    await api.delete(f"{MAPS}/a?dryRun=All")
    await api.get(f"{MAPS}/a")


async def test_collection(api: Api) -> None:
    for name, color in (("a", "red"), ("b", "blue"), ("c", "red")):
        body = config_map(name)
        body["metadata"]["labels"] = {"color": color}
        await api.post(MAPS, body)
    answer = await api.delete(f"{MAPS}?labelSelector=color%3Dred")
    assert answer["kind"] == "ConfigMapList"
    assert [i["metadata"]["name"] for i in answer["items"]] == ["a", "c"]
    assert [i["metadata"]["name"] for i in (await api.get(MAPS))["items"]] == ["b"]


async def test_namespaces(api: Api) -> None:
    for name in ("default", "kube-system"):
        answer = await api.delete(f"/api/v1/namespaces/{name}", code=403)
        assert answer["message"] == f'namespaces "{name}" is forbidden: this namespace may not be deleted'
    await api.post("/api/v1/namespaces", {"metadata": {"name": "x"}})
    going = await api.delete("/api/v1/namespaces/x")
    assert going["status"]["phase"] == "Terminating"
    answer = await api.post("/api/v1/namespaces/x/configmaps", config_map(), code=403)
    assert answer["message"] == (
        'configmaps "a" is forbidden: unable to create new content in namespace x because it is being terminated'
    )
    assert answer["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    going["spec"]["finalizers"] = []
    await api.put("/api/v1/namespaces/x/finalize", going)
    await api.get("/api/v1/namespaces/x", code=404)


async def test_a_finished_job_may_orphan_by_default(api: Api) -> None:
    path = "/apis/batch/v1/namespaces/default/jobs"
    template = {"spec": {**pod()["spec"], "restartPolicy": "Never"}}
    await api.post(path, {"metadata": {"name": "a"}, "spec": {"template": template}})
    assert (await api.delete(f"{path}/a"))["metadata"]["finalizers"] == ["orphan"]
