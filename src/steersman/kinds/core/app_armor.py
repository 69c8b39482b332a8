"""AppArmor profiles of containers that annotations name, as they were before there was a field for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from steersman.api.field import Path
from steersman.kinds.core import security_validation
from steersman.kinds.core.annotations import APP_ARMOR

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import AppArmorProfile, Pod, PodSpec

DEPRECATED = 'deprecated since v1.30; use the "appArmorProfile" field instead'
_LOCALHOST = "localhost/"
_NOWHERE, _ANNOTATIONS = Path(), Path("metadata", "annotations")


def profile(text: str) -> AppArmorProfile | None:
    """The field for what an annotation says; None for what says nothing that is understood."""
    from steersman.kinds.types.core_v1 import AppArmorProfile

    if text == "unconfined":
        return AppArmorProfile(type="Unconfined")
    if text == "runtime/default":
        return AppArmorProfile(type="RuntimeDefault")
    name = text.removeprefix(_LOCALHOST)
    if text.startswith(_LOCALHOST) and name:
        return AppArmorProfile(type="Localhost", localhostProfile=name)
    return None


def of_pod(spec: PodSpec) -> AppArmorProfile | None:
    """The profile of the whole pod."""
    return spec.securityContext.appArmorProfile if spec.securityContext is not None else None


def own(container: Any) -> AppArmorProfile | None:
    """A container's own profile."""
    found: AppArmorProfile | None = (
        container.securityContext.appArmorProfile if container.securityContext is not None else None
    )
    return found


def adopt(pod: Pod) -> None:
    """Containers of a new pod get the profiles of its annotations, where they have none and the pod's is another."""
    if not pod.metadata.annotations:
        return
    from steersman.kinds.types.core_v1 import SecurityContext

    for container, _, wanted in _named(pod):
        if wanted is not None and wanted != of_pod(pod.spec):
            if container.securityContext is None:
                container.securityContext = SecurityContext()
            container.securityContext.appArmorProfile = wanted


def warnings(pod: Pod) -> list[str]:
    """What is said of the annotations before `adopt` makes fields of them."""
    if not pod.metadata.annotations:
        return []
    return [
        f"{_ANNOTATIONS.key(key)}: {DEPRECATED}"
        for _, key, wanted in _named(pod)
        if wanted is None or wanted != of_pod(pod.spec)
    ]


def _named(pod: Pod) -> Iterator[tuple[Any, str, AppArmorProfile | None]]:
    """The containers that have an annotation and no field: with its key, and the profile if it is a valid one."""
    annotations: Mapping[str, str] | None = pod.metadata.annotations
    spec = pod.spec
    if not annotations or (spec.os is not None and spec.os.name == "windows"):
        return
    if not any(key.startswith(APP_ARMOR) for key in annotations):
        return
    for container in (*(spec.initContainers or ()), *spec.containers, *(spec.ephemeralContainers or ())):
        key = APP_ARMOR + container.name
        if key in annotations and own(container) is None:
            wanted = profile(annotations[key])
            yield container, key, None if security_validation.check_app_armor(wanted, _NOWHERE) else wanted
