"""Lists that clients may make as long as a request are judged in time that grows with their length."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from steersman.api.field import Errors, Path
from steersman.kinds.admissionregistration import webhook_validation
from steersman.kinds.apiextensions import crd_schema
from steersman.kinds.batch import job_policies
from steersman.kinds.types.admissionregistration_v1 import ValidatingWebhook, ValidatingWebhookConfiguration
from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps
from steersman.kinds.types.batch_v1 import PodFailurePolicyOnExitCodesRequirement

MANY = 50_000


def _reviews(names: list[str]) -> Errors:
    hooks = [ValidatingWebhook(name="a.b.c", admissionReviewVersions=names)]
    return webhook_validation.validate(ValidatingWebhookConfiguration(webhooks=hooks))


def _exit_codes(names: list[str]) -> Errors:
    codes = PodFailurePolicyOnExitCodesRequirement(operator="In", values=[int(n[1:]) for n in names])
    return job_policies._check_codes(codes, set(), Path())


def _list_keys(names: list[str]) -> Errors:
    return crd_schema._list_map(JSONSchemaProps(x_kubernetes_list_map_keys=names, items=_ITEM), Path())


_ITEM = JSONSchemaProps(type="object", properties={})


@pytest.mark.parametrize("judge", [_reviews, _exit_codes, _list_keys])
def test_many_are_judged_in_linear_time(judge: Callable[[list[str]], Errors]) -> None:
    names = [f"v{i}" for i in range(1, MANY + 1)]
    began = time.process_time()
    few = len(judge(names))
    many = len(judge([*names, "v1", "v7"]))
    assert many >= few
    # When each is compared with all before it, 15 seconds.
    assert time.process_time() - began < 4
