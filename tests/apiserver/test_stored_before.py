"""Objects as older servers have stored them: whoever changes something else is not refused for what is filled in or left out today."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.apiserver.conftest import Api

VOLUME = {
    "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "rbd": {"monitors": ["m"], "image": "i"},
    "persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem",
}  # fmt: skip
POD = {
    "nodeName": "n", "automountServiceAccountToken": False,
    "containers": [{"name": "c", "image": "x"}], "volumes": [{"name": "v", "emptyDir": {}}],
}  # fmt: skip
PODS, VOLUMES = "/api/v1/namespaces/default/pods", "/api/v1/persistentvolumes"


async def _stored(api: Api, path: str, body: Any, changed: dict[str, Any]) -> None:
    """An object in whose spec what is `changed` is as no client could write it today."""
    await api.post(path, {**body, "metadata": {"name": "a", "finalizers": ["example.com/f"]}})
    registry = api.app.registries.find("", path.rpartition("/")[2])
    assert registry is not None
    key = registry.key("" if path == VOLUMES else "default", "a")
    entry = await api.app.store.get(key)
    assert entry is not None
    stored = json.loads(entry.value)
    stored["spec"].update(changed)
    await api.app.store.update(key, json.dumps(stored).encode(), entry.revision)


@pytest.mark.parametrize(
    ("path", "spec", "changed"),
    [
        (VOLUMES, VOLUME, {"rbd": {"monitors": ["m"], "image": "i"}}),
        (PODS, POD, {"schedulingGroup": {"podGroupName": "g"}}),
        (PODS, POD, {"volumes": [{"name": "v", "emptyDir": {"mode": 511}}]}),
    ],
)
async def test_they_can_be_changed_and_deleted(api: Api, path: str, spec: Any, changed: dict[str, Any]) -> None:
    await _stored(api, path, {"spec": spec}, changed)
    assert (await api.patch(f"{path}/a", {"metadata": {"labels": {"a": "b"}}}))["metadata"]["labels"] == {"a": "b"}
    await api.delete(f"{path}/a?gracePeriodSeconds=0")
    await api.patch(f"{path}/a", {"metadata": {"finalizers": None}})


async def test_what_is_changed_is_refused_as_ever(api: Api) -> None:
    await _stored(api, VOLUMES, {"spec": VOLUME}, {"rbd": {"monitors": ["m"], "image": "i"}})
    answer = await api.patch(f"{VOLUMES}/a", {"spec": {"rbd": {"image": "other"}}}, code=422)
    assert "spec.persistentvolumesource is immutable after creation" in answer["message"]
