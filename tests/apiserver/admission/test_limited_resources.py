"""What only quotas allow, by the configuration of ResourceQuota."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.admission.test_optional import having, message
from tests.apiserver.admission.test_quota import CLAIMS, pod, quota
from tests.apiserver.conftest import PODS

from steersman.api.configuration import ConfigurationError
from steersman.apiserver.admission.given import Given
from steersman.apiserver.admission.selection import Plugins, select

NAME = "ResourceQuota"
CRITICAL = {
    "scopeName": "PriorityClass",
    "operator": "In",
    "values": ["system-node-critical", "system-cluster-critical"],
}


def limiting(*limited: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "ResourceQuotaConfiguration",
        "limitedResources": list(limited),
    }


def claim(name: str, cls: str = "") -> dict[str, Any]:
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"metadata": {"name": name}, "spec": {**spec, "storageClassName": cls}}


async def test_names() -> None:
    limited = {"resource": "persistentvolumeclaims", "matchContains": [".storageclass.storage.k8s.io/requests.storage"]}
    async with having(**{NAME: limiting(limited)}) as api:
        await api.post(CLAIMS, claim("a"))
        name = "gold.storageclass.storage.k8s.io/requests.storage"
        why = f'persistentvolumeclaims "b" is forbidden: insufficient quota to consume: {name}'
        assert await message(api, CLAIMS, claim("b", "gold")) == why
        await quota(api, {"requests.storage": "10Gi"})
        assert await message(api, CLAIMS, claim("b", "gold")) == why
        assert await message(api, f"{CLAIMS}?dryRun=All", claim("b", "gold")) == why
        await quota(api, {name: "10Gi"}, name="gold")
        await api.post(CLAIMS, claim("b", "gold"))
        await api.post(PODS, pod("a"))


async def test_scopes() -> None:
    async with having(**{NAME: limiting({"resource": "pods", "matchScopes": [CRITICAL]})}) as api:
        await api.post(PODS, pod("a"))
        critical = pod("b", priorityClassName="system-node-critical")
        assert await message(api, PODS, critical, 500) == (
            "insufficient quota to match these scopes: [{PriorityClass In [system-node-critical system-cluster-critical]}]"
        )
        other = {"scopeName": "PriorityClass", "operator": "In", "values": ["system-cluster-critical"]}
        await quota(api, {"pods": "5"}, name="other", scopeSelector={"matchExpressions": [other]})
        await api.post(PODS, critical, code=500)
        await quota(api, {"pods": "1"}, scopeSelector={"matchExpressions": [CRITICAL]})
        await api.post(PODS, critical)
        refused = await message(api, PODS, pod("c", priorityClassName="system-node-critical"))
        assert "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1" in refused


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (limiting({"apiGroup": "apps"}), "f: limitedResources[0].resource: Required value"),
        (limiting({"resource": "pods", "match": []}), 'f: unknown field "limitedResources[0].match"'),
        (
            {"apiVersion": "v1", "kind": "Pod"},
            "f: there is a Pod of v1, where ResourceQuotaConfiguration of apiserver.config.k8s.io/v1 or Configuration of "
            "resourcequota.admission.k8s.io/v1beta1 or Configuration of resourcequota.admission.k8s.io/v1alpha1 is wanted",
        ),
    ],
)
def test_mistakes(value: Any, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        select(Plugins((), (), {NAME: Given(value, "f", Path())}))
    assert str(caught.value) == text
