"""Warnings of pods and pod templates: what is accepted, and not what whoever wrote it will have meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from steersman.api import codec, field, names
from steersman.api.field import Path
from steersman.api.memo import Memo
from steersman.kinds.address_warnings import ip_warnings
from steersman.kinds.core import app_armor, claim_warnings, node_label_warnings, port_warnings, volume_warnings
from steersman.kinds.core.annotations import APP_ARMOR, SECCOMP, SECCOMP_POD

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Pod, PodAffinityTerm, PodSpec, PodTemplateSpec

_HOSTNAME = "which can result in surprising behavior; a DNS label is recommended"
_ENOUGH = 256
"""More of one sort than anybody is shown: the header has no room for them."""
_KINDS = ("initContainers", "containers", "ephemeralContainers")
_IN_BYTES = ("memory", "ephemeral-storage")
_NO_SELECTOR = "a null labelSelector results in matching no pod"
_OLD_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'
_OLD_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
_TOLD_OF = (*_OLD_ANNOTATIONS, SECCOMP_POD, SECCOMP, APP_ARMOR)
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_SPEC, _STATUS, _ANNOTATIONS = Path("spec"), Path("status"), Path("metadata", "annotations")
_known: Memo[tuple[str, ...]] = Memo()


def of_pod(pod: Pod) -> list[str]:
    """The warnings of a new pod. Few pods are without siblings: what was said of a spec is said again."""
    out: list[str] = []
    if wrong := names.dns1123_label(pod.metadata.name):
        out.append(f"metadata.name: this is used in the Pod's hostname, {_HOSTNAME}: [{' '.join(wrong)}]")
    annotations = _told_of(pod.metadata.annotations)
    if annotations:
        return [*out, *_of_spec(pod.spec, _SPEC, annotations, _ANNOTATIONS)]
    spec = codec.encode(pod.spec)
    found = _known.get("pod", spec)
    if found is None:
        found = tuple(_of_spec(pod.spec, _SPEC, {}, _ANNOTATIONS))
        _known.put("pod", spec, found)
    return [*out, *found]


def of_template(template: PodTemplateSpec | None, path: Path) -> list[str]:
    """The warnings of a pod template."""
    if template is None:
        return []
    annotations, at = _told_of(template.metadata.annotations), path.child("metadata", "annotations")
    return list(_of_spec(template.spec, path.child("spec"), annotations, at, template=True))


def of_hostname(name: str) -> list[str]:
    """What is said of the name of a workload that cannot be that of a host."""
    wrong = names.dns1123_label(name)
    return (
        [f"metadata.name: this is used in Pod names and hostnames, {_HOSTNAME}: [{' '.join(wrong)}]"] if wrong else []
    )


def _told_of(annotations: Mapping[str, str] | None) -> Mapping[str, str]:
    if not annotations:
        return {}
    return {key: value for key, value in annotations.items() if key.startswith(_TOLD_OF)}


def _of_spec(
    spec: PodSpec, path: Path, annotations: Mapping[str, str], at: Path, *, template: bool = False
) -> Iterator[str]:
    """The warnings in Kubernetes' order; `annotations` are those that are told of, and `at` is their path."""
    volumes, containers = spec.volumes or [], _containers(spec, path)
    yield from _of_nodes(spec, path)
    yield from (f"{at.key(key)}: {what}" for key, what in _OLD_ANNOTATIONS.items() if key in annotations)
    yield from volume_warnings.deprecated(volumes, path.child("volumes"))
    yield from islice(volume_warnings.overlaps(volumes), _ENOUGH)
    yield from _repeated((a.ip for a in spec.hostAliases or ()), "ip", path.child("hostAliases"))
    secrets = [s.name for s in spec.imagePullSecrets or ()]
    yield from _repeated(secrets, "name", path.child("imagePullSecrets"))
    for i, name in enumerate(secrets):
        if not name:
            yield f'{path.child("imagePullSecrets").index(i).child("name")}: invalid empty name ""'
    yield from claim_warnings.fractions(spec.overhead, _IN_BYTES, path.child("overhead"))
    if SECCOMP_POD in annotations and (spec.securityContext is None or spec.securityContext.seccompProfile is None):
        yield f"{at.key(SECCOMP_POD)}: {_OLD_SECCOMP}"
    for container, where in containers:
        yield from _of_annotations(container, spec, annotations, at, template=template)
        yield from _of_container(container, where)
    yield from islice(port_warnings.overlaps(containers), _ENOUGH)
    yield from port_warnings.names(containers)
    if spec.terminationGracePeriodSeconds is not None and spec.terminationGracePeriodSeconds < 0:
        where = path.child("terminationGracePeriodSeconds")
        yield f"{where}: must be >= 0; negative values are invalid and will be treated as 1"
    yield from _of_pod_affinity(spec, path.child("affinity"))
    yield from _of_addresses(spec, path)


def _containers(spec: PodSpec, path: Path) -> port_warnings.Containers:
    return [
        (container, path.child(kind).index(i))
        for kind in _KINDS
        for i, container in enumerate(getattr(spec, kind) or ())
    ]


def _of_nodes(spec: PodSpec, path: Path) -> Iterator[str]:
    """Labels of nodes that are not used any more, and spreading over no pods."""
    known = node_label_warnings.DEPRECATED
    for key in spec.nodeSelector or ():
        if key in known:
            yield f"{path.child('nodeSelector').key(key)}: {known[key]}"
    node = spec.affinity.nodeAffinity if spec.affinity is not None else None
    if node is not None:
        required, at = node.requiredDuringSchedulingIgnoredDuringExecution, path.child("affinity", "nodeAffinity")
        for i, term in enumerate(required.nodeSelectorTerms if required is not None else ()):
            yield from node_label_warnings.of_term(term, at.child(_REQUIRED, "nodeSelectorTerms").index(i))
        for i, preferred in enumerate(node.preferredDuringSchedulingIgnoredDuringExecution or ()):
            where = at.child(_PREFERRED).index(i).child("preference")
            yield from node_label_warnings.of_term(preferred.preference, where, values=True)
    for i, constraint in enumerate(spec.topologySpreadConstraints or ()):
        at, key = path.child("topologySpreadConstraints").index(i), constraint.topologyKey
        if key in known:
            yield f"{at.child('topologyKey')}: {key} is {known[key]}"
        if constraint.labelSelector is None:
            yield f"{at.child('labelSelector')}: {_NO_SELECTOR}"


def _repeated(values: Iterable[str], what: str, path: Path) -> list[str]:
    given = list(values)
    return [f"{path.index(i).child(what)}: duplicate {what} {field.quote(given[i])}" for i in field.repeated(given)]


def _of_annotations(
    container: Any, spec: PodSpec, annotations: Mapping[str, str], at: Path, *, template: bool
) -> Iterator[str]:
    """Annotations of a container that say what a field is there for. Those for AppArmor a pod has fields of by now."""
    context, key = container.securityContext, SECCOMP + container.name
    if key in annotations and (context is None or context.seccompProfile is None):
        yield f"{at.key(key)}: {_OLD_SECCOMP}"
    key = APP_ARMOR + container.name
    if template and key in annotations and app_armor.own(container) is None:
        whole = app_armor.of_pod(spec)
        if whole is None or whole != app_armor.profile(annotations[key]):
            yield f"{at.key(key)}: {app_armor.DEPRECATED}"


def _of_container(container: Any, path: Path) -> Iterator[str]:
    resources = container.resources
    for name in _IN_BYTES if resources is not None else ():
        for kind in ("limits", "requests"):
            yield from claim_warnings.fractions(getattr(resources, kind), (name,), path.child("resources", kind))
    seen: set[str] = set()
    for i, variable in enumerate(container.env or ()):
        name, value = variable.name, variable.value
        # One that goes on with what was there before, X="$(X)…", is meant to be there twice.
        goes_on = variable.valueFrom is None and value != f"$({name})" and f"$({name})" in value
        if name in seen and not goes_on:
            yield (
                f"{path.child('env').index(i)}: hides previous definition of {field.quote(name)}, "
                "which may be dropped when using apply"
            )
        seen.add(name)


def _of_pod_affinity(spec: PodSpec, path: Path) -> Iterator[str]:
    for name in ("podAffinity", "podAntiAffinity"):
        affinity, at = getattr(spec.affinity, name, None), path.child(name)
        if affinity is None:
            continue
        preferred = [w.podAffinityTerm for w in affinity.preferredDuringSchedulingIgnoredDuringExecution or ()]
        required = affinity.requiredDuringSchedulingIgnoredDuringExecution or []
        yield from _of_pod_terms(required, at.child(_REQUIRED), ())
        yield from _of_pod_terms(preferred, at.child(_PREFERRED), ("podAffinityTerm",))


def _of_pod_terms(terms: list[PodAffinityTerm], path: Path, inside: tuple[str, ...]) -> Iterator[str]:
    for i, term in enumerate(terms):
        if term.labelSelector is None:
            yield f"{path.index(i).child(*inside, 'labelSelector')}: {_NO_SELECTOR}"


def _of_addresses(spec: PodSpec, path: Path) -> Iterator[str]:
    for i, server in enumerate((spec.dnsConfig.nameservers if spec.dnsConfig is not None else None) or ()):
        yield from ip_warnings(path.child("dnsConfig", "nameservers").index(i), server)
    for i, alias in enumerate(spec.hostAliases or ()):
        yield from ip_warnings(path.child("hostAliases").index(i).child("ip"), alias.ip)


def of_status(pod: Pod) -> list[str]:
    """The warnings of what is reported of a pod."""
    return [
        warning
        for name in ("podIPs", "hostIPs")
        for i, address in enumerate(getattr(pod.status, name) or ())
        for warning in ip_warnings(_STATUS.child(name).index(i).child("ip"), address.ip)
    ]
