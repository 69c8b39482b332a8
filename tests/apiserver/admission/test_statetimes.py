"""Since when a volume is in its phase and a device has its taint: the server's clock tells."""

from tests.apiserver.conftest import Api

SLICES = "/apis/resource.k8s.io/v1/resourceslices"
VOLUMES = "/api/v1/persistentvolumes"
SPEC = {"driver": "d.example", "nodeName": "n", "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1}}
TAINT = {"key": "example.com/broken", "effect": "NoSchedule"}
LONG_AGO = "2020-01-01T00:00:00Z"


async def test_a_taint_is_dated_when_nobody_says_since_when(api: Api) -> None:
    taints = [TAINT, {**TAINT, "key": "example.com/old", "timeAdded": LONG_AGO}]
    body = {"metadata": {"name": "s"}, "spec": {**SPEC, "devices": [{"name": "gpu", "taints": taints}]}}
    made = await api.post(SLICES, body)
    first, second = made["spec"]["devices"][0]["taints"]
    assert (first["timeAdded"], second["timeAdded"]) == (made["metadata"]["creationTimestamp"], LONG_AGO)


async def test_a_phase_is_dated_when_it_begins(api: Api) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/a"}}
    made = await api.post(VOLUMES, {"metadata": {"name": "v"}, "spec": spec})
    assert made["status"] == {
        "phase": "Pending",
        "lastPhaseTransitionTime": made["metadata"]["creationTimestamp"],
    }
    told = {"phase": "Bound", "lastPhaseTransitionTime": LONG_AGO}
    status = (await api.patch(f"{VOLUMES}/v/status", {"status": told}))["status"]
    assert status == told
    status = (await api.patch(f"{VOLUMES}/v/status", {"status": {"phase": "Released"}}))["status"]
    assert status["lastPhaseTransitionTime"] > LONG_AGO
