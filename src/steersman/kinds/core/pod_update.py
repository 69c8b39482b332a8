"""What may change in a pod: by its owner, by the node that runs it, and through its subresources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core import pod_annotations, pod_status_validation, pod_transitions
from steersman.kinds.core.annotations import MIRROR
from steersman.kinds.core.container_validation import is_sidecar
from steersman.kinds.core.pod_qos import qos_class
from steersman.kinds.core.pod_validation import check_pod

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import (
        Affinity,
        Container,
        NodeAffinity,
        NodeSelectorTerm,
        Pod,
        PodSchedulingGate,
        PodSpec,
        ResourceRequirements,
        Toleration,
    )

_SPEC = Path("spec")
_STATUS = Path("status")
_MAX_INT32 = 2**31 - 1
_CHANGEABLE = ",".join((
    "`spec.containers[*].image`",
    "`spec.initContainers[*].image`",
    "`spec.activeDeadlineSeconds`",
    "`spec.tolerations` (only additions to existing tolerations)",
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
))  # fmt: skip
_ANNOTATIONS = Path("metadata", "annotations")
_KINDS, _RESIZABLE = ("requests", "limits"), ("cpu", "memory")
_ONLY_AMOUNTS = "only cpu and memory resources are mutable"
_VOLUMES = "volumes are immutable on resize when InPlacePodVerticalScalingMemoryBackedVolumes feature gate is disabled"


def check_update(pod: Pod, old: Pod) -> Errors:
    """What a plain update changes that it must not."""
    return _check_annotations(pod, old) + _check_spec(pod.spec, old.spec)


def _check_annotations(pod: Pod, old: Pod) -> Errors:
    return pod_annotations.check_update(pod.metadata.annotations, old.metadata.annotations, _ANNOTATIONS)


def _check_spec(spec: PodSpec, before: PodSpec) -> Errors:
    if len(spec.containers) != len(before.containers):
        return [field.forbidden(_SPEC.child("containers"), "pod updates may not add or remove containers")]
    if len(spec.initContainers or ()) != len(before.initContainers or ()):
        return [field.forbidden(_SPEC.child("initContainers"), "pod updates may not add or remove containers")]
    errors = _check_deadline(spec, before)
    if errors and spec.activeDeadlineSeconds is not None:
        return errors
    errors += _check_tolerations(spec.tolerations or [], before.tolerations or [])
    errors += _check_gates(spec.schedulingGates or [], before.schedulingGates or [])
    if field.same(spec, before):
        return errors
    expected = _with_allowed_changes(spec, before)
    if before.schedulingGates:
        errors += _check_gated(spec, before)
        expected = structs.replace(expected, nodeSelector=spec.nodeSelector, affinity=_gated_affinity(spec, before))
    if not field.same(spec, expected):
        changed = ", ".join(
            n for n in type(spec).__struct_fields__ if not field.same(getattr(spec, n), getattr(expected, n))
        )
        detail = f"pod updates may not change fields other than {_CHANGEABLE}\n(changed: {changed})"
        errors.append(field.forbidden(_SPEC, detail))
    return errors


def _with_allowed_changes(spec: PodSpec, before: PodSpec) -> PodSpec:
    """The old spec with every change of the new one that is permitted in itself or judged on its own."""
    grace = before.terminationGracePeriodSeconds
    if grace is not None and grace < 0 and spec.terminationGracePeriodSeconds == 1:
        grace = 1
    return structs.replace(
        before,
        containers=_with_images(before.containers, spec.containers),
        initContainers=_with_images(before.initContainers, spec.initContainers),
        activeDeadlineSeconds=spec.activeDeadlineSeconds,
        tolerations=spec.tolerations,
        schedulingGates=spec.schedulingGates,
        terminationGracePeriodSeconds=grace,
    )


def _with_images(old: Any, new: Any) -> Any:
    return [structs.replace(o, image=n.image) for o, n in zip(old, new, strict=True)] if old and new else new


def _check_deadline(spec: PodSpec, before: PodSpec) -> Errors:
    at, new, old = _SPEC.child("activeDeadlineSeconds"), spec.activeDeadlineSeconds, before.activeDeadlineSeconds
    if new is None:
        detail = "must not update from a positive integer to nil value"
        return [] if old is None else [field.invalid(at, None, detail)]
    if not 0 <= new <= _MAX_INT32:
        return [field.invalid(at, new, names.range_error(0, _MAX_INT32))]
    if old is not None and old < new:
        return [field.invalid(at, new, "must be less than or equal to previous value")]
    return []


def _check_tolerations(new: list[Toleration], old: list[Toleration]) -> Errors:
    def kept(toleration: Toleration) -> bool:
        return any(structs.replace(toleration, tolerationSeconds=n.tolerationSeconds) == n for n in new)

    if all(kept(t) for t in old):
        return []
    detail = "existing toleration can not be modified except its tolerationSeconds"
    return [field.forbidden(_SPEC.child("tolerations"), detail)]


def _check_gates(new: list[PodSchedulingGate], old: list[PodSchedulingGate]) -> Errors:
    known = {gate.name for gate in old}
    return [
        field.forbidden(
            _SPEC.child("schedulingGates").index(i).child("name"),
            f"only deletion is allowed, but found new scheduling gate '{gate.name}'",
        )
        for i, gate in enumerate(new)
        if gate.name not in known
    ]


def _check_gated(spec: PodSpec, before: PodSpec) -> Errors:
    """A pod that is not yet to be scheduled may narrow where it can run."""
    errors: Errors = []
    for key, value in (before.nodeSelector or {}).items():
        if (spec.nodeSelector or {}).get(key) != value:
            at = _SPEC.child("nodeSelector")
            detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
            errors.append(field.invalid(at, spec.nodeSelector, detail))
            break
    return errors + _check_gated_affinity(_node_affinity(spec.affinity), _node_affinity(before.affinity))


def _check_gated_affinity(new: NodeAffinity | None, old: NodeAffinity | None) -> Errors:
    old_required = old.requiredDuringSchedulingIgnoredDuringExecution if old else None
    if old_required is None:
        return []
    at = _SPEC.child("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    new_required = new.requiredDuringSchedulingIgnoredDuringExecution if new else None
    terms = new_required.nodeSelectorTerms if new_required else []
    if not old_required.nodeSelectorTerms:
        return []
    if len(terms) != len(old_required.nodeSelectorTerms):
        detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        return [field.invalid(at, terms, detail)]
    errors: Errors = []
    for i, (term, before) in enumerate(zip(terms, old_required.nodeSelectorTerms, strict=True)):
        if not _only_adds(term, before):
            errors.append(field.invalid(at.index(i), term, "only additions are allowed (no mutations or deletions)"))
    return errors


def _only_adds(term: NodeSelectorTerm, before: NodeSelectorTerm) -> bool:
    """Whether everything that a term asked for is still asked, first."""
    if _is_empty(before):
        return _is_empty(term)
    return all(
        (getattr(term, name) or [])[: len(kept)] == kept
        for name in ("matchExpressions", "matchFields")
        for kept in [getattr(before, name) or []]
    )


def _is_empty(term: NodeSelectorTerm) -> bool:
    """Whether a term matches no node, so that a requirement more would let it match some."""
    return not term.matchExpressions and not term.matchFields


def _node_affinity(affinity: Affinity | None) -> NodeAffinity | None:
    return affinity.nodeAffinity if affinity is not None else None


def _gated_affinity(spec: PodSpec, before: PodSpec) -> Affinity | None:
    """The old affinity with the new node affinity, which was judged on its own."""
    if before.affinity is None:
        new = spec.affinity
        return new if new is None or (new.podAffinity is None and new.podAntiAffinity is None) else None
    replaced = structs.replace(before.affinity, nodeAffinity=_node_affinity(spec.affinity))
    return None if spec.affinity is None and replaced == type(replaced)() else replaced


def check_status_update(pod: Pod, old: Pod) -> Errors:
    """What a node's report of a pod changes that it must not."""
    errors = _check_annotations(pod, old)
    errors += pod_status_validation.check_conditions(pod.status.conditions or [], _STATUS.child("conditions"))
    if pod.spec.nodeName != old.spec.nodeName:
        errors.append(field.forbidden(_STATUS.child("nodeName"), "may not be changed directly"))
    nominated, at = pod.status.nominatedNodeName, _STATUS.child("nominatedNodeName")
    if nominated and nominated != old.status.nominatedNodeName:
        errors += field.all_invalid(at, nominated, names.dns1123_subdomain(nominated))
        if old.spec.nodeName:
            errors.append(field.forbidden(at, "may not be set on pods that are already bound to a node"))
    errors += pod_status_validation.check_generation(pod.status.observedGeneration, _STATUS)
    errors += field.immutable(_STATUS.child("qosClass"), pod.status.qosClass, old.status.qosClass)
    return errors + pod_transitions.check(pod, old) + pod_status_validation.check(pod, old)


def check_ephemeral_containers_update(pod: Pod, old: Pod) -> Errors:
    """What an update through `ephemeralcontainers` may not do: change or remove one that exists."""
    if MIRROR in (old.metadata.annotations or {}):
        return [field.forbidden(Path(""), "static pods do not support ephemeral containers")]
    errors = check_pod(pod) + _check_annotations(pod, old)
    at = _SPEC.child("ephemeralContainers")
    by_name = {c.name: c for c in pod.spec.ephemeralContainers or ()}
    for before in old.spec.ephemeralContainers or ():
        if before.name not in by_name:
            errors.append(field.forbidden(at, f'existing ephemeral containers "{before.name}" may not be removed\n'))
        elif not field.same(by_name[before.name], before):
            errors.append(field.forbidden(at, f'existing ephemeral containers "{before.name}" may not be changed\n'))
    return errors


def check_resize(pod: Pod, old: Pod) -> Errors:
    """What an update through `resize` may not do: anything but change amounts of cpu and memory."""
    if MIRROR in (old.metadata.annotations or {}):
        return [field.forbidden(Path(""), "static pods cannot be resized")]
    if old.spec.os is not None and old.spec.os.name == "windows":
        return [field.forbidden(Path(""), "windows pods cannot be resized")]
    errors = check_pod(pod) + _check_annotations(pod, old)
    if (old.status.qosClass or qos_class(old.spec)) != qos_class(pod.spec):
        detail = "Pod QOS Class may not change as a result of resizing"
        errors.append(field.invalid(_SPEC, pod.status.qosClass, detail))
    if not _node_resizes(old):
        errors.append(field.forbidden(_SPEC, "Pod running on node without support for resize"))
    errors += _check_pod_level(pod.spec.resources, old.spec.resources)
    misplaced = _check_same_containers(pod.spec, old.spec)
    if misplaced:
        return errors + misplaced
    first = list(zip(pod.spec.initContainers or (), old.spec.initContainers or (), strict=True))
    pairs = list(zip(pod.spec.containers, old.spec.containers, strict=True))
    for name, those in (("initContainers", first), ("containers", pairs)):
        for i, (container, before) in enumerate(those):
            at = _SPEC.child(name).index(i).child("resources")
            errors += _check_removed(container.resources, before.resources, at, "resource")
    for container, before in pairs:
        if not _only_amounts_differ(container, before):
            errors.append(field.forbidden(_SPEC, _ONLY_AMOUNTS))
    for i, (container, before) in enumerate(first):
        errors += _check_first(container, before, _SPEC.child("initContainers").index(i))
    if not field.same(pod.spec.volumes, old.spec.volumes):
        errors.append(field.forbidden(_SPEC.child("volumes"), _VOLUMES))
    if not errors and not _only_containers_differ(pod.spec, old.spec):
        errors.append(field.forbidden(_SPEC, _ONLY_AMOUNTS))
    return errors


def _node_resizes(pod: Pod) -> bool:
    """Whether the pod's node says what its containers have; before one runs nothing is known."""
    running = (s for s in pod.status.containerStatuses or () if s.state is not None and s.state.running is not None)
    status = next(running, None)
    return status is None or status.resources is not None


def _check_pod_level(resources: ResourceRequirements | None, before: ResourceRequirements | None) -> Errors:
    if not any(_amounts(one, kind) for one in (resources, before) for kind in _KINDS):
        return []
    at = _SPEC.child("resources")
    if resources is None:
        return [field.forbidden(at, "pod-level resources cannot be removed")]
    errors = _check_removed(resources, before, at, "pod-level resource")
    if not field.same(_former(resources, before), _former(before, before)):
        errors.append(field.forbidden(_SPEC, f"{_ONLY_AMOUNTS} at pod-level"))
    return errors


def _check_same_containers(spec: PodSpec, before: PodSpec) -> Errors:
    errors: Errors = []
    for name in ("containers", "initContainers"):
        at = _SPEC.child(name)
        new, old = ([c.name for c in getattr(one, name) or ()] for one in (spec, before))
        if len(new) != len(old):
            errors.append(field.forbidden(at, f"{name} may not be added or removed on resize"))
            continue
        for i, (one, other) in enumerate(zip(new, old, strict=True)):
            if one != other:
                detail = f"{name} may not be renamed or reordered on resize"
                errors.append(field.forbidden(at.index(i).child("name"), detail))
    return errors


def _check_removed(
    resources: ResourceRequirements | None, before: ResourceRequirements | None, path: Path, what: str
) -> Errors:
    return [
        field.forbidden(path.child(kind), f"{what} {kind} cannot be removed")
        for kind in _KINDS
        if _amounts(before, kind).keys() - _amounts(resources, kind).keys()
    ]


def _check_first(container: Container, before: Container, path: Path) -> Errors:
    """A sidecar or a container of initialization."""
    errors: Errors = []
    if not _only_amounts_differ(container, before):
        detail = "only cpu and memory resources for init or sidecar containers are mutable"
        errors.append(field.forbidden(path, detail))
    if not is_sidecar(container) and not field.same(container, before):
        detail = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
        restarting = [p for p in container.resizePolicy or () if p.restartPolicy == "RestartContainer"]
        errors += [field.forbidden(path, detail) for _ in restarting]
    return errors


def _amounts(resources: ResourceRequirements | None, kind: str) -> dict[str, Any]:
    return (getattr(resources, kind) if resources is not None else None) or {}


def _former(resources: ResourceRequirements | None, before: ResourceRequirements | None) -> list[Any]:
    """Resources with the cpu and memory that there were before."""
    amounts = [
        {n: a for n, a in _amounts(resources, kind).items() if n not in _RESIZABLE}
        | {n: a for n, a in _amounts(before, kind).items() if n in _RESIZABLE}
        for kind in _KINDS
    ]
    return [amounts, (resources.claims if resources is not None else None) or []]


def _only_amounts_differ(container: Container, before: Container) -> bool:
    rest, old = structs.replace(container, resources=None), structs.replace(before, resources=None)
    return field.same(rest, old) and field.same(
        _former(container.resources, before.resources), _former(before.resources, before.resources)
    )


def _only_containers_differ(spec: PodSpec, before: PodSpec) -> bool:
    rest = structs.replace(
        before, containers=spec.containers, initContainers=spec.initContainers, resources=spec.resources
    )
    return field.same(rest, spec)
