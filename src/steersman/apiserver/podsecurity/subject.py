"""A pod, or a template of pods, as the controls look at it, and the words in which they name its parts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from steersman.kinds.types.core_v1 import (
    Container,
    EphemeralContainer,
    PodSecurityContext,
    PodSpec,
    SecurityContext,
)

AnyContainer: TypeAlias = Container | EphemeralContainer

_NO_CONTEXT = SecurityContext()
_NO_POD_CONTEXT = PodSecurityContext()


@dataclass(slots=True)
class Subject:
    """What is evaluated. Security contexts that are not there are empty ones; nothing of it is changed."""

    annotations: Mapping[str, str]
    spec: PodSpec
    security: PodSecurityContext
    containers: list[tuple[AnyContainer, SecurityContext]]
    """Init containers, containers and ephemeral containers, in this order."""

    @classmethod
    def of(cls, annotations: Mapping[str, str] | None, spec: PodSpec) -> Subject:
        every: list[AnyContainer] = [
            *(spec.initContainers or ()),
            *spec.containers,
            *(spec.ephemeralContainers or ()),
        ]
        containers = [(c, c.securityContext or _NO_CONTEXT) for c in every]
        return cls(annotations or {}, spec, spec.securityContext or _NO_POD_CONTEXT, containers)

    @property
    def windows(self) -> bool:
        return self.spec.os is not None and self.spec.os.name == "windows"

    @property
    def user_namespace(self) -> bool:
        """Whether the users of the pod are others than those of the host."""
        return self.spec.hostUsers is False

    def names(self, bad: Callable[[SecurityContext], bool]) -> list[str]:
        """The names of the containers with such a security context."""
        return [container.name for container, context in self.containers if bad(context)]


class Violation(NamedTuple):
    """Why a control does not allow a pod: what it is about, and what in this pod."""

    reason: str
    detail: str


def plural(word: str, count: int) -> str:
    return word if count == 1 else word + "s"


def quoted(items: Iterable[str]) -> str:
    return ", ".join(f'"{item}"' for item in items)


def containers(names: Collection[str]) -> str:
    """`container "a"`, `containers "a", "b"`."""
    return f"{plural('container', len(names))} {quoted(names)}"


def setters(pod: bool, names: Collection[str]) -> str:
    """Who has set something: the pod, containers of these names, or both; "" for nobody."""
    found = ["pod"] if pod else []
    if names:
        found.append(containers(names))
    return " and ".join(found)
