"""What whoever changes a namespace's policy is told."""

from __future__ import annotations

import pytest

from steersman.api.clock import FakeClock
from steersman.apiserver.podsecurity.namespaces import MAX_PODS, concerns_pods, exempt_warning, existing_pods
from steersman.apiserver.podsecurity.policy import Configuration, Policy, Standard
from steersman.kinds.types import core_v1 as core
from steersman.kinds.types.meta_v1 import ObjectMeta, OwnerReference

BASELINE = Standard("baseline")
HEAD = 'existing pods in namespace "n" violate the new PodSecurity enforce level "baseline:latest"'
ENFORCE = "pod-security.kubernetes.io/enforce"


def pod(name: str, owner: str = "", runtime: str | None = None, *, good: bool = False) -> core.Pod:
    owners = [OwnerReference(uid=owner, controller=True)] if owner else None
    return core.Pod(
        metadata=ObjectMeta(name=name, ownerReferences=owners),
        spec=core.PodSpec(hostNetwork=not good, runtimeClassName=runtime, containers=[core.Container(name="c")]),
    )


async def told(pods: list[core.Pod], clock: FakeClock | None = None) -> list[str]:
    return await existing_pods("n", iter(pods), len(pods), BASELINE, frozenset({"vm"}), clock or FakeClock())


async def test_nothing_wrong() -> None:
    assert await told([]) == []
    assert await told([pod("a", good=True), pod("b", runtime="vm")]) == []


async def test_pods_are_grouped_by_what_is_wrong() -> None:
    privileged = pod("z", good=True)
    privileged.spec.containers[0].securityContext = core.SecurityContext(privileged=True)
    found = await told([pod("c"), pod("b"), privileged, pod("d"), pod("a", good=True), pod("e", runtime="vm")])
    assert found == [HEAD, "b (and 2 other pods): host namespaces", "z: privileged"]
    assert await told([pod("b"), pod("a")]) == [HEAD, "a (and 1 other pod): host namespaces"]


async def test_so_many_and_no_more_and_one_of_each_controller_first() -> None:
    pods = [pod(f"a{i}", "owner", good=True) for i in range(MAX_PODS)] + [pod("z", "other")] + [pod("v", runtime="vm")]
    assert await told(pods) == [
        f"new PodSecurity enforce level only checked against the first {MAX_PODS} of {MAX_PODS + 1} existing pods",
        HEAD,
        "z: host namespaces",
    ]


class Hurrying(FakeClock):
    """Every look at it takes 0.4 seconds."""

    looks = 0

    def monotonic(self) -> float:
        self.looks += 1
        return self.looks * 0.4


async def test_so_long_and_no_longer() -> None:
    assert await told([pod(f"p{i}") for i in range(5)], Hurrying()) == [
        "new PodSecurity enforce level only checked against the first 2 of 5 existing pods",
        HEAD,
        "p0 (and 1 other pod): host namespaces",
    ]


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (Standard("baseline"), Standard(), True),
        (Standard("baseline"), Standard("baseline"), False),
        (Standard("baseline"), Standard("restricted"), False),
        (Standard("baseline", 1), Standard("restricted"), True),
        (Standard("baseline", 2), Standard("baseline", 1), True),
        (Standard("privileged", 1), Standard("baseline"), False),
    ],
)
def test_what_concerns_pods(new: Standard, old: Standard, expected: bool) -> None:
    assert concerns_pods(Policy(enforce=new), Policy(enforce=old)) is expected


def test_exempt_namespaces() -> None:
    ignored = 'namespace "n" is exempt from Pod Security, and the policy (enforce=baseline:latest) will be ignored'
    policy = Policy(enforce=BASELINE, warn=BASELINE)
    assert exempt_warning("n", policy, {ENFORCE: "baseline"}, Configuration()) == ignored
    assert exempt_warning("n", policy, {ENFORCE: "baseline"}, Configuration(defaults=policy)) == ""
    assert exempt_warning("n", Policy(enforce=Standard(version=1)), {ENFORCE: "privileged"}, Configuration()) == ""
