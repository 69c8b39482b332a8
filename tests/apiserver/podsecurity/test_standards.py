"""Levels in their versions, as a whole."""

from __future__ import annotations

import pytest

from steersman.apiserver.podsecurity.policy import LATEST, Standard
from steersman.apiserver.podsecurity.standards import details, evaluate, reasons
from steersman.apiserver.podsecurity.subject import Subject
from steersman.kinds.types import core_v1 as core

BAD = Subject.of(
    None,
    core.PodSpec(
        hostNetwork=True,
        hostUsers=False,
        containers=[
            core.Container(
                name="c",
                securityContext=core.SecurityContext(
                    privileged=True,
                    procMount="Unmasked",
                    capabilities=core.Capabilities(add=["NET_RAW"]),
                    seccompProfile=core.SeccompProfile(type="Unconfined"),
                ),
                livenessProbe=core.Probe(httpGet=core.HTTPGetAction(port=1, host="h")),
            )
        ],
        volumes=[core.Volume(name="v", hostPath=core.HostPathVolumeSource(path="/"))],
    ),
)
BASELINE = "host namespaces, hostPath volumes, "


@pytest.mark.parametrize(
    ("level", "minor", "expected"),
    [
        ("privileged", LATEST, ""),
        ("baseline", 0, f"non-default capabilities, {BASELINE}privileged, procMount"),
        ("baseline", 19, f"non-default capabilities, {BASELINE}privileged, procMount, seccompProfile"),
        (
            "baseline", LATEST,
            f"non-default capabilities, {BASELINE}probe or lifecycle host, privileged, seccompProfile",
        ),
        # Restricted volumes say more than hostPath volumes, and go last.
        (
            "restricted", 0,
            "non-default capabilities, host namespaces, privileged, procMount, restricted volume types, "
            "runAsNonRoot != true",
        ),
        (
            "restricted", 22,
            "host namespaces, privileged, procMount, allowPrivilegeEscalation != false, unrestricted capabilities, "
            "restricted volume types, runAsNonRoot != true, seccompProfile",
        ),
        (
            "restricted", LATEST,
            "host namespaces, probe or lifecycle host, privileged, allowPrivilegeEscalation != false, "
            "unrestricted capabilities, procMount, restricted volume types, seccompProfile",
        ),
    ],
)  # fmt: skip
def test_levels(level: str, minor: int, expected: str) -> None:
    assert reasons(evaluate(Standard(level, minor), BAD)) == expected
    if minor == LATEST:
        assert reasons(evaluate(Standard(level, 37), BAD)) == reasons(evaluate(Standard(level, 99), BAD)) == expected


def test_details() -> None:
    pod = Subject.of(None, core.PodSpec(hostPID=True, containers=[core.Container(name="c")]))
    assert details(evaluate(Standard("restricted", LATEST), pod)) == (
        "host namespaces (hostPID=true), "
        'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), '
        'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), '
        'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), '
        'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
        '"Localhost")'
    )
