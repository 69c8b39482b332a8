"""Which API versions are served."""

from __future__ import annotations

import pytest

from steersman.apiserver.runtimeconfig import RuntimeConfig, RuntimeConfigError
from steersman.kinds.catalog import load

CATALOG = load()


@pytest.mark.parametrize(
    ("settings", "path", "expected"),
    [
        ({}, "apps/v1/deployments", True),
        ({}, "apps/v1beta1/deployments", True),
        ({}, "resource.k8s.io/v1beta1/resourceclaims", False),
        ({"api/legacy": "false"}, "apps/v1beta1/deployments", False),
        ({"api/legacy": "false"}, "apps/v1/deployments", True),
        ({"api/legacy": "false"}, "autoscaling/v1/horizontalpodautoscalers", True),
        ({"api/legacy": "false", "apps/v1beta1": "true"}, "apps/v1beta1/deployments", True),
        ({"apps/v1beta1/deployments": "false"}, "apps/v1beta1/deployments", False),
        ({"apps/v1beta1/deployments": "false"}, "apps/v1beta1/statefulsets", True),
        ({"resource.k8s.io/v1beta1": ""}, "resource.k8s.io/v1beta1/resourceclaims", True),
        ({"api/beta": "true"}, "resource.k8s.io/v1beta1/resourceclaims", True),
        ({"api/beta": "true"}, "resource.k8s.io/v1alpha3/devicetaintrules", False),
        ({"api/beta": "false"}, "policy/v1beta1/poddisruptionbudgets", False),
        ({"api/all": "true"}, "resource.k8s.io/v1alpha3/devicetaintrules", True),
        ({"api/all": "false"}, "apps/v1/deployments", False),
        ({"api/all": "false", "api/ga": "true"}, "apps/v1/deployments", True),
        ({"api/all": "false", "v1": "true"}, "/v1/pods", True),
    ],
)
def test_what_is_served(settings: dict[str, str], path: str, expected: bool) -> None:
    served = CATALOG.find(*path.split("/"))
    assert served is not None
    assert RuntimeConfig.of(settings).serves(served) is expected


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("api/old", "false", "api/old: neither"),
        ("deployments", "false", "deployments: neither"),
        ("apps/v1/deployments/scale", "false", "neither a group version"),
        ("apps/v1beta1", "off", "apps/v1beta1: must be true or false, not 'off'"),
    ],
)
def test_what_says_nothing(key: str, value: str, message: str) -> None:
    with pytest.raises(RuntimeConfigError, match=message):
        RuntimeConfig.of({key: value})
