"""Lists that clients may make as long as a request are judged in time that grows with their length."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from steersman.api.field import Errors, Path
from steersman.kinds.admissionregistration import webhook_validation
from steersman.kinds.apiextensions import crd_schema
from steersman.kinds.batch import job_policies
from steersman.kinds.certificates import csr_rules
from steersman.kinds.resource import claim_rules
from steersman.kinds.storage import storageclass_rules
from steersman.kinds.types.admissionregistration_v1 import ValidatingWebhook, ValidatingWebhookConfiguration
from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps
from steersman.kinds.types.batch_v1 import PodFailurePolicyOnExitCodesRequirement
from steersman.kinds.types.certificates_v1 import (
    CertificateSigningRequest,
    CertificateSigningRequestCondition,
    CertificateSigningRequestStatus,
)
from steersman.kinds.types.core_v1 import TopologySelectorLabelRequirement, TopologySelectorTerm
from steersman.kinds.types.resource_v1 import DeviceClaim, DeviceConstraint, ResourceClaim, ResourceClaimSpec

MANY = 50_000


def _reviews(names: list[str]) -> Errors:
    hooks = [ValidatingWebhook(name="a.b.c", admissionReviewVersions=names)]
    return webhook_validation.validate(ValidatingWebhookConfiguration(webhooks=hooks))


def _exit_codes(names: list[str]) -> Errors:
    codes = PodFailurePolicyOnExitCodesRequirement(operator="In", values=[int(n[1:]) for n in names])
    return job_policies._check_codes(codes, set(), Path())


def _list_keys(names: list[str]) -> Errors:
    return crd_schema._list_map(JSONSchemaProps(x_kubernetes_list_map_keys=names, items=_ITEM), Path())


def _attributes(names: list[str]) -> Errors:
    devices = DeviceClaim(constraints=[DeviceConstraint(matchAttribute=f"a.b/{n}") for n in names])
    return claim_rules.check_claim(ResourceClaim(spec=ResourceClaimSpec(devices=devices)))


def _topologies(names: list[str]) -> Errors:
    terms = [
        TopologySelectorTerm(matchLabelExpressions=[TopologySelectorLabelRequirement(key="zone", values=[n])])
        for n in names
    ]
    return storageclass_rules._check_topologies(terms, Path())


def _conditions(names: list[str]) -> Errors:
    conditions = [CertificateSigningRequestCondition(type=n, status="True") for n in names]
    request = CertificateSigningRequest(status=CertificateSigningRequestStatus(conditions=conditions))
    return csr_rules._check_conditions(request, request)


_ITEM = JSONSchemaProps(type="object", properties={})


@pytest.mark.parametrize(
    ("judge", "times"),
    [
        (_reviews, MANY),
        (_exit_codes, MANY),
        (_list_keys, MANY),
        (_attributes, MANY),
        (_conditions, MANY),
        (_topologies, MANY // 4),
    ],
)
def test_many_are_judged_in_linear_time(judge: Callable[[list[str]], Errors], times: int) -> None:
    names = [f"v{i}" for i in range(1, times + 1)]
    began = time.process_time()
    few = len(judge(names))
    many = len(judge([*names, "v1", "v7"]))
    assert many >= few
    # When each is compared with all before it, from 5 to 200 seconds.
    assert time.process_time() - began < 4
