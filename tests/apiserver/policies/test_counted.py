"""Policies as they are counted: what they deny, and what is passed over."""

from __future__ import annotations

import pytest
from tests.apiserver.conftest import MAPS, Api, config_map
from tests.apiserver.policies.conftest import Policies


async def told(api: Api) -> list[str]:
    response = await api.raw("GET", "/metrics")
    assert isinstance(response.body, bytes)
    return response.body.decode().splitlines()


@pytest.mark.parametrize(
    ("expression", "policy", "code", "labels"),
    [
        ("false", "Fail", 422, 'error_type="invalid_error",enforcement_action="deny"'),
        ("object.nothing == 1", "Fail", 422, 'error_type="invalid_error",enforcement_action="deny"'),
        ("object.nothing == 1", "Ignore", 201, 'error_type="invalid_error",enforcement_action="allow"'),
    ],
)
async def test_validating(api: Api, policies: Policies, expression: str, policy: str, code: int, labels: str) -> None:
    await policies.validate({"expression": expression}, failurePolicy=policy)
    await api.post(MAPS, config_map(), code=code)
    lines = await told(api)
    name = "apiserver_validating_admission_policy_check"
    assert f'{name}_total{{policy="p",policy_binding="p",{labels}}} 1' in lines
    assert f'{name}_duration_seconds_count{{policy="p",policy_binding="p",{labels}}} 1' in lines


async def test_what_is_allowed_is_not_counted(api: Api, policies: Policies) -> None:
    await policies.validate({"expression": "true"})
    await api.post(MAPS, config_map())
    assert not [line for line in await told(api) if line.startswith("apiserver_validating_admission_policy_check")]
