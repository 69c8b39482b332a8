"""What is decided about one pod, again and again."""

from __future__ import annotations

import pytest

from steersman.api.field import FieldError, Path, invalid
from steersman.apiserver.podsecurity.decision import decide, is_significant
from steersman.apiserver.podsecurity.policy import Policy, Standard
from steersman.kinds.types import core_v1 as core

BASELINE = Standard("baseline")
APPARMOR = "container.apparmor.security.beta.kubernetes.io/c"


def spec(image: str = "x", **more: object) -> core.PodSpec:
    return core.PodSpec(containers=[core.Container(name="c", image=image)], **more)


def test_what_is_remembered_is_apart() -> None:
    """The same spec under other policies, of other objects, with other annotations, with a mistake in the labels."""
    enforced, warned = Policy(enforce=BASELINE), Policy(warn=BASELINE)
    bad = spec(hostPID=True)
    wrong: list[FieldError] = [invalid(Path("a"), "b", "c")]
    for _ in range(2):
        assert decide(enforced, [], None, bad, enforce=True).refused
        assert not decide(enforced, [], None, bad, enforce=False).refused
        assert decide(warned, [], None, bad, enforce=True).warning
        assert not decide(enforced, [], {}, spec(), enforce=True).refused
        assert not decide(enforced, [], {APPARMOR: "runtime/default", "a": "b"}, spec(), enforce=True).refused
        assert decide(enforced, [], {APPARMOR: "unconfined"}, spec(), enforce=True).refused
        assert "pod-security.kubernetes.io/error" in decide(enforced, wrong, None, bad, enforce=True).annotations


def test_one_evaluation_for_all_modes() -> None:
    restricted = Standard("restricted")
    found = decide(Policy(BASELINE, restricted, restricted), [], None, spec(), enforce=True)
    assert not found.refused
    assert found.warning == found.annotations["pod-security.kubernetes.io/audit-violations"]
    # Who is refused hears nothing else.
    found = decide(Policy(restricted, restricted, restricted), [], None, spec(), enforce=True)
    assert found.refused.startswith('violates PodSecurity "restricted:latest"')
    assert not found.warning


def debugged(image: str, name: str = "d") -> core.PodSpec:
    return spec(ephemeralContainers=[core.EphemeralContainer(name=name, image=image)])


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (spec(), spec(), False),
        (spec(priority=3), spec(), False),
        (spec("y"), spec(), True),
        (spec(initContainers=[core.Container(name="i")]), spec(), True),
        (
            spec(initContainers=[core.Container(name="i", image="a")]),
            spec(initContainers=[core.Container(name="i", image="b")]),
            True,
        ),
        (core.PodSpec(containers=[]), spec(), True),
        (debugged("x"), spec(), True),
        (debugged("x"), debugged("x"), False),
        (debugged("x"), debugged("y"), True),
        (debugged("x"), debugged("x", "e"), True),
    ],
)
def test_significant_updates(new: core.PodSpec, old: core.PodSpec, expected: bool) -> None:
    assert is_significant(new, old) is expected
