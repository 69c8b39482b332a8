"""Validation of StatefulSets."""

from __future__ import annotations

from typing import Any

from steersman.api import codec
from steersman.kinds.apps.statefulset import KIND


def problems(mounted: str) -> list[str]:
    container = {"name": "c", "image": "x", "volumeMounts": [{"name": mounted, "mountPath": "/data"}]}
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    plain: dict[str, Any] = {
        "metadata": {"name": "a", "namespace": "default"},
        "spec": {
            "serviceName": "s",
            "selector": {"matchLabels": {"app": "a"}},
            "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [container]}},
            "volumeClaimTemplates": [claim],
        },
    }
    obj = codec.from_builtins(KIND.type, plain)[0]
    KIND.default(obj)
    return [str(e) for e in KIND.validate(obj)]


def test_claims_are_volumes_of_the_pods() -> None:
    assert problems("data") == []
    assert problems("other") == ['spec.template.spec.containers[0].volumeMounts[0].name: Not found: "other"']
