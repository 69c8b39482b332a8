"""`eviction`: a deletion that asks the pod's disruption budget first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.api import codec, labels
from steersman.api.codec import DecodeError
from steersman.api.errors import BadRequest, InternalError, TooManyRequests
from steersman.api.http import Response
from steersman.api.meta import format_time
from steersman.apiserver import encoding, podlocation, respond
from steersman.apiserver.admission import parts
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.deletion import check_preconditions
from steersman.apiserver.params import DeleteOptions, Preconditions, WriteOptions, delete_options
from steersman.apiserver.registry import Write
from steersman.apiserver.requestinfo import Query
from steersman.apiserver.subresources.framework import Subresource
from steersman.kinds.core.pod_state import DISRUPTION_TARGET, has_condition, is_active, is_ready, is_terminal
from steersman.kinds.types.core_v1 import Pod, PodCondition
from steersman.kinds.types.policy_v1 import Eviction, PodDisruptionBudget

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
_MAX_DISRUPTED = 2000


async def _create(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    accepted, info = ctx.accept(), ctx.info
    options = await _options(app, ctx, endpoint)
    pod = podlocation.pod(app, info.namespace, info.name)
    # Whoever means another pod, or another state of it, must spend no budget.
    check_preconditions(Pod.__resource__, pod.metadata, options.preconditions)
    if not _is_free(pod):
        budget = _budget(app, pod)
        if budget is not None and not options.dry_run:
            await _spend(app, ctx, budget, pod)
    if not options.dry_run and _must_be_told(pod):
        told = await _tell(app, ctx, pod, options.preconditions)
        if options.preconditions is not None and options.preconditions.resourceVersion is not None:
            # The state that the client means, and what we have added to it.
            options.preconditions.resourceVersion = told
    write = Write(ctx.user, options.dry_run, admitted=True, annotations=ctx.annotations)
    await endpoint.registry.delete(info.namespace, info.name, options, write, ctx.warnings)
    return respond.value(201, _SUCCESS, accepted, ctx.warnings)


async def _options(app: App, ctx: Context, endpoint: Endpoint) -> DeleteOptions:
    try:
        eviction, _ = ctx.decode(Eviction)
    except DecodeError as error:
        raise encoding.undecoded(ctx, Eviction.__resource__, error) from error
    encoding.check_kind(eviction, Eviction.__resource__, "policy/v1beta1")
    name = eviction.metadata.name
    if name and name != ctx.info.name:
        raise BadRequest("name in URL does not match name in Eviction object")
    given = WriteOptions.parse(ctx.query, "CreateOptions")
    eviction = await parts.request(app, ctx, endpoint, eviction, given, dry_run=given.dry_run)
    plain = codec.to_builtins(eviction.deleteOptions) if eviction.deleteOptions is not None else None
    options = delete_options(plain, Query(""))
    if ctx.query.get("dryRun"):
        options.dryRun = ["All"]
    return options


def _is_free(pod: Pod) -> bool:
    """Whether the pod's end disrupts nothing: it has ended, never began, or goes already."""
    return is_terminal(pod) or pod.status.phase == "Pending" or bool(pod.metadata.deletionTimestamp)


def _budget(app: App, pod: Pod) -> PodDisruptionBudget | None:
    """The one budget that covers the pod."""
    found = [
        b
        for b in app.registries.list(PodDisruptionBudget, pod.metadata.namespace)
        if b.spec.selector is not None and labels.from_object(b.spec.selector).matches(pod.metadata.labels)
    ]
    if len(found) > 1:
        raise InternalError(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
    return found[0] if found else None


async def _spend(app: App, ctx: Context, budget: PodDisruptionBudget, pod: Pod) -> None:
    """Take one disruption from the budget. Raises TooManyRequests when there is none."""
    now = format_time(app.clock.now())

    async def change(old: Any) -> Any:
        new = codec.clone(old)
        if _unhealthy_and_allowed(old, pod):
            # It is not one of the healthy pods that the budget is about.
            return new
        _check(old)
        new.status.disruptionsAllowed -= 1
        new.status.disruptedPods = {**(new.status.disruptedPods or {}), pod.metadata.name: now}
        return new

    meta = budget.metadata
    registry = app.registries.of(PodDisruptionBudget)
    await registry.update(
        meta.namespace, meta.name, change, Write(ctx.user, subresource="status", admitted=True), ctx.warnings
    )


def _must_be_told(pod: Pod) -> bool:
    """Whether the pod is to end by this eviction, and whoever counts its end must know why."""
    return not has_condition(pod, DISRUPTION_TARGET) and is_active(pod)


async def _tell(app: App, ctx: Context, pod: Pod, wanted: Preconditions | None) -> str:
    """Say on the pod that it is evicted; the resourceVersion that this makes. Raises Conflict."""
    condition = PodCondition(
        type=DISRUPTION_TARGET,
        status="True",
        reason="EvictionByEvictionAPI",
        message="Eviction API: evicting",
        lastTransitionTime=format_time(app.clock.now()),
    )

    async def change(old: Any) -> Any:
        check_preconditions(Pod.__resource__, old.metadata, wanted)
        new = codec.clone(old)
        new.metadata.uid = pod.metadata.uid
        new.status.conditions = [*(c for c in old.status.conditions or () if c.type != DISRUPTION_TARGET), condition]
        return new

    meta = pod.metadata
    outcome = await app.registries.of(Pod).update(
        meta.namespace, meta.name, change, Write(ctx.user, subresource="status", admitted=True), ctx.warnings
    )
    return str(outcome.obj.metadata.resourceVersion)


def _unhealthy_and_allowed(budget: PodDisruptionBudget, pod: Pod) -> bool:
    if is_ready(pod):
        return False
    if budget.spec.unhealthyPodEvictionPolicy == "AlwaysAllow":
        return True
    return budget.status.currentHealthy >= budget.status.desiredHealthy and budget.status.desiredHealthy > 0


def _check(budget: PodDisruptionBudget) -> None:
    name, status = budget.metadata.name, budget.status
    if (status.observedGeneration or 0) < (budget.metadata.generation or 0):
        raise _refused(f"The disruption budget {name} is still being processed by the server.", retry=10)
    if len(status.disruptedPods or {}) > _MAX_DISRUPTED:
        raise _refused("DisruptedPods map too big - too many evictions not confirmed by PDB controller")
    if status.disruptionsAllowed <= 0:
        failed = next((c.message for c in status.conditions or () if c.reason == "SyncFailed"), "")
        if failed:
            raise _refused(
                f"The disruption budget {name} does not allow evicting pods currently because it failed sync: {failed}"
            )
        raise _refused(
            f"The disruption budget {name} needs {status.desiredHealthy} healthy pods and has "
            f"{status.currentHealthy} currently"
        )


def _refused(why: str, retry: int = 0) -> TooManyRequests:
    details: dict[str, Any] = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    if retry:
        details["retryAfterSeconds"] = retry
    return TooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", details=details)


SUBRESOURCES = (Subresource("eviction", {"create": _create}, "pods"),)
