"""What the user who changes a namespace's policy is told: which pods of it would not be let in now, and that it may not matter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from steersman.api.clock import Clock
from steersman.apiserver.podsecurity.policy import PREFIX, PRIVILEGED, Configuration, Policy, Standard, rank
from steersman.apiserver.podsecurity.standards import evaluate, reasons
from steersman.apiserver.podsecurity.subject import Subject
from steersman.kinds.types.core_v1 import Pod

MAX_PODS = 3000
SECONDS = 1.0
"""How many pods are evaluated for one request, and for how long."""
_TURN = 0.005
"""Seconds after which others have a turn."""


def concerns_pods(new: Policy, old: Policy) -> bool:
    """Whether pods that were let in by the old policy might not be by the new one."""
    if new.enforce == old.enforce or new.enforce.level == PRIVILEGED:
        return False
    return new.enforce.version != old.enforce.version or rank(new.enforce.level) > rank(old.enforce.level)


def exempt_warning(name: str, policy: Policy, labels: Mapping[str, str], configuration: Configuration) -> str:
    """What is said about the labels of a namespace that is exempt; "" when they say nothing."""
    if policy.privileged or policy.equivalent(configuration.defaults):
        return ""
    modes = (("enforce", policy.enforce), ("audit", policy.audit), ("warn", policy.warn))
    said = ", ".join(
        f"{mode}={standard}"
        for mode, standard in modes
        if standard.level != PRIVILEGED and (PREFIX + mode in labels or f"{PREFIX}{mode}-version" in labels)
    )
    return f'namespace "{name}" is exempt from Pod Security, and the policy ({said}) will be ignored'


@dataclass(slots=True)
class _Findings:
    """The names of pods by what is wrong with them."""

    by_reason: dict[str, list[str]] = field(default_factory=dict)

    def look(self, pod: Pod, standard: Standard) -> None:
        if wrong := reasons(evaluate(standard, Subject.of(pod.metadata.annotations, pod.spec))):
            self.by_reason.setdefault(wrong, []).append(pod.metadata.name)

    def texts(self) -> list[str]:
        return sorted(f"{_named(names)}: {reason}" for reason, names in self.by_reason.items())


def _named(names: list[str]) -> str:
    others = len(names) - 1
    if not others:
        return names[0]
    return f"{min(names)} (and {others} other {'pod' if others == 1 else 'pods'})"


@dataclass(slots=True)
class _Order:
    """Pods in the order in which they are evaluated: of those with the same controller, one before all others."""

    exempt: frozenset[str]
    left_out: int = 0
    """How many pods were of exempt runtime classes."""

    def of(self, pods: Iterable[Pod]) -> Iterator[Pod | None]:
        """None stands for a pod that is not to be evaluated now."""
        controllers: set[str] = set()
        later: list[Pod] = []
        for pod in pods:
            uid = next((owner.uid for owner in pod.metadata.ownerReferences or () if owner.controller), "")
            if pod.spec.runtimeClassName and pod.spec.runtimeClassName in self.exempt:
                self.left_out += 1
                yield None
            elif uid in controllers:
                if len(later) < MAX_PODS:
                    later.append(pod)
                yield None
            else:
                if uid:
                    controllers.add(uid)
                yield pod
        yield from later


async def existing_pods(
    namespace: str, pods: Iterable[Pod], total: int, standard: Standard, exempt: frozenset[str], clock: Clock
) -> list[str]:
    """Warnings about the pods that are there, `total` of them; those of the runtime classes in `exempt` do not count.

    `pods` are only taken as far as they are looked at, which others have turns in between.
    """
    started = turn = clock.monotonic()
    findings, order, checked = _Findings(), _Order(exempt), 0
    for pod in order.of(pods):
        if pod is not None:
            if checked == MAX_PODS:
                break
            findings.look(pod, standard)
            checked += 1
        now = clock.monotonic()
        if now - started > SECONDS:
            break
        if now - turn > _TURN:
            await clock.sleep(0)
            turn = clock.monotonic()
    return _warnings(namespace, findings.texts(), checked, total - order.left_out, standard)


def _warnings(namespace: str, found: list[str], checked: int, total: int, standard: Standard) -> list[str]:
    out = []
    if checked < total:
        out.append(f"new PodSecurity enforce level only checked against the first {checked} of {total} existing pods")
    if found:
        out.append(f'existing pods in namespace "{namespace}" violate the new PodSecurity enforce level "{standard}"')
    return out + found
