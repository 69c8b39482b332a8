"""What whoever writes endpoints, quotas and service accounts is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.core import endpoints, resourcequota, serviceaccount

Build = Callable[..., Any]
META = "{metadata: {name: a, namespace: default}}"
MOUNTABLE = "metadata: {annotations: {kubernetes.io/enforce-mountable-secrets: 'true'}}"
UNUSUAL = 'IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")'
SUBSETS = "subsets: [{addresses: [{ip: 10.0.0.1}, {ip: 'FD00::1'}], notReadyAddresses: [{ip: 'FD00::1'}]}]"
MANAGED = "metadata: {labels: {endpoints.kubernetes.io/managed-by: endpoint-controller}}"


@pytest.mark.parametrize(
    ("changes", "warnings"),
    [
        ([SUBSETS], [f"subsets[0].addresses[1].ip: {UNUSUAL}", f"subsets[0].notReadyAddresses[0].ip: {UNUSUAL}"]),
        ([SUBSETS, MANAGED], []),
    ],
)
def test_endpoints(changes: list[str], warnings: list[str], build: Build) -> None:
    assert endpoints.KIND.warnings(build(endpoints.KIND, META, *changes)) == warnings


def test_endpoints_that_were_there_before(build: Build) -> None:
    kind = endpoints.KIND
    old = build(kind, META, "subsets: [{addresses: [{ip: 010.0.0.1}]}]")
    assert kind.validate(old)
    assert kind.validate_update(build(kind, META, "subsets: [{addresses: [{ip: 010.0.0.1}]}]"), old) == []
    assert kind.validate_update(build(kind, META, "subsets: [{addresses: [{ip: 010.0.0.2}]}]"), old)


def test_a_service_account_is_told_once(build: Build) -> None:
    kind = serviceaccount.KIND
    plain, annotated = build(kind, META), build(kind, META, MOUNTABLE)
    told = [
        "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; "
        "prefer separate namespaces to isolate access to mounted secrets"
    ]
    assert kind.warnings(annotated) == kind.warn_update(annotated, plain) == told
    assert kind.warnings(plain) == kind.warn_update(annotated, annotated) == []


@pytest.mark.parametrize(
    ("hard", "warnings"),
    [
        ("{cpu: 1, limits.cpu: 2}", []),
        ("{cpu: 2, limits.cpu: 1}", ["ResourceQuota cpu (2) should be less than limits.cpu (1)"]),
        ("{cpu: 2, requests.cpu: 1, limits.cpu: 1}", []),
        (
            "{requests.memory: 2Gi, limits.memory: 1Gi, requests.ephemeral-storage: 2, limits.ephemeral-storage: 1}",
            [
                "ResourceQuota requests.memory (2Gi) should be less than limits.memory (1Gi)",
                "ResourceQuota requests.ephemeral-storage (2) should be less than limits.ephemeral-storage (1)",
            ],
        ),
    ],
)
def test_quotas(hard: str, warnings: list[str], build: Build) -> None:
    quota = build(resourcequota.KIND, META, f"spec: {{hard: {hard}}}")
    assert resourcequota.KIND.warnings(quota) == warnings
    assert resourcequota.KIND.warn_update(quota, quota) == []
