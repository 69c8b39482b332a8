"""Pod: containers that run together on one node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from steersman.api.meta import Resource
from steersman.kinds.core import (
    app_armor,
    pod_columns,
    pod_defaults,
    pod_strategy,
    pod_update,
    pod_validation,
    pod_warnings,
)
from steersman.kinds.core.pod_state import is_terminal
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Pod


class _Metadata(Struct):
    labels: dict[str, str] | None = None


class _Spec(Struct):
    nodeName: str = ""
    restartPolicy: str = ""
    schedulerName: str = ""
    serviceAccountName: str = ""
    hostNetwork: bool | None = None


class _Address(Struct):
    ip: str = ""


class _Status(Struct):
    phase: str = ""
    podIP: str = ""
    podIPs: list[_Address] | None = None
    nominatedNodeName: str = ""


class Glimpse(Struct):
    """What selectors ask of a pod; reading no more is five times as fast."""

    metadata: _Metadata = field(default_factory=_Metadata)
    spec: _Spec = field(default_factory=_Spec)
    status: _Status = field(default_factory=_Status)


def _selectable(pod: Pod | Glimpse) -> dict[str, str]:
    return {
        "spec.nodeName": pod.spec.nodeName,
        "spec.restartPolicy": pod.spec.restartPolicy,
        "spec.schedulerName": pod.spec.schedulerName,
        "spec.serviceAccountName": pod.spec.serviceAccountName,
        "spec.hostNetwork": "true" if pod.spec.hostNetwork else "false",
        "status.phase": pod.status.phase,
        "status.podIP": pod.status.podIPs[0].ip if pod.status.podIPs else pod.status.podIP,
        "status.nominatedNodeName": pod.status.nominatedNodeName,
    }


def grace_period(pod: Pod, seconds: int | None) -> int:
    """What was asked for, or what the pod wants; none for a pod that no node runs."""
    if seconds is None:
        wanted = pod.spec.terminationGracePeriodSeconds
        seconds = 30 if wanted is None else wanted
    if not pod.spec.nodeName or is_terminal(pod):
        return 0
    # A negative period is taken as the shortest there is.
    return seconds if seconds >= 0 else 1


KIND: Kind[Pod] = Kind(
    resource=Resource("", "v1", "pods", "Pod", True),
    short_names=("po",),
    categories=("all",),
    subresources=frozenset(
        {
            "attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "proxy", "resize",
            "status",
        }
    ),
    generation=True,
    grace_period=grace_period,
    selectable=_selectable,
    glimpse=Glimpse,
    columns=pod_columns.COLUMNS,
    row=pod_columns.row,
    default=pod_defaults.default_pod,
    on_create=pod_strategy.on_create,
    on_update=pod_strategy.on_update,
    on_status_update=pod_strategy.on_status_update,
    check=pod_validation.check_pod,
    check_new=pod_validation.check_new_pod,
    check_update=pod_update.check_update,
    check_status_update=pod_update.check_status_update,
    check_subresource={
        "ephemeralcontainers": pod_update.check_ephemeral_containers_update,
        "resize": pod_update.check_resize,
    },
    early_warnings=app_armor.warnings,
    warnings=pod_warnings.of_pod,
    # Nobody who changes pods reads warnings, and they are changed often.
    update_warnings=lambda new, old: [],
    status_warnings=pod_warnings.of_status,
)  # fmt: skip
