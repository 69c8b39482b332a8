"""Validation of pods and pod templates; the parts are in the modules beside this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import codec, field, names, quantity
from steersman.api.field import Errors, Path
from steersman.api.memo import Memo
from steersman.kinds.core import (
    container_validation,
    environment_validation,
    pod_annotations,
    pod_resources,
    scheduling_validation,
    security_validation,
    volume_validation,
    windows_validation,
)
from steersman.kinds.core.container_validation import RESTART_POLICIES
from steersman.kinds.core.resource_validation import check_limits, check_pod_name, check_requirements
from steersman.kinds.metadata import validate_annotations, validate_labels

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Pod, PodDNSConfig, PodSpec, PodTemplateSpec

DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_MAX_NAMESERVERS, _MAX_SEARCHES, _MAX_SEARCH_LENGTH = 3, 32, 2048
_MAX_HOST_NAME = 64
_MAX_INT32 = 2**31 - 1
_PREEMPTION = ("PreemptLowerPriority", "Never")
_SPEC = Path("spec")
_ANNOTATIONS = Path("metadata", "annotations")
_sound: Memo[bool] = Memo()


def check_pod(pod: Pod) -> Errors:
    """What is wrong with a pod, new or changed. A spec that was good is good again: few pods are without siblings."""
    spec = codec.encode(pod.spec)
    errors = pod_annotations.check(pod.metadata.annotations, pod.spec, _ANNOTATIONS)
    errors += pod_annotations.check_static(pod.metadata.annotations, pod.spec)
    if _sound.get("pod", spec):
        return errors
    errors += _check_pod(pod)
    # The names of claims that are made for the pod's volumes contain the pod's name.
    if not errors and not any(v.ephemeral is not None for v in pod.spec.volumes or ()):
        _sound.put("pod", spec, True)
    return errors


def _check_pod(pod: Pod) -> Errors:
    errors = check_spec(pod.spec, _SPEC, pod_name=pod.metadata.name, of_pod=True)
    errors += _check_tokens(pod.spec)
    errors += field.not_negative(_SPEC.child("terminationGracePeriodSeconds"), pod.spec.terminationGracePeriodSeconds)
    return errors + container_validation.check_images(pod.spec, _SPEC)


def _check_tokens(spec: PodSpec) -> Errors:
    """Tokens are those of a service account, of which there must be one."""
    errors: Errors = []
    if spec.serviceAccountName:
        return errors
    for i, volume in enumerate(spec.volumes or ()):
        for j, source in enumerate((volume.projected.sources if volume.projected else None) or ()):
            if source.serviceAccountToken is not None:
                at = _SPEC.child("volumes").index(i).child("projected", "sources").index(j)
                detail = "must not be specified when serviceAccountName is not set"
                errors.append(field.forbidden(at.child("serviceAccountToken"), detail))
    return errors


def check_new_pod(pod: Pod) -> Errors:
    """What a new pod may not have, beyond what is wrong in any."""
    errors = pod_annotations.check_match(pod.metadata.annotations, pod.spec, _SPEC)
    if pod.spec.ephemeralContainers:
        errors.append(field.forbidden(_SPEC.child("ephemeralContainers"), "cannot be set on create"))
    if pod.spec.nodeName and pod.spec.schedulingGates:
        detail = "cannot be set until all schedulingGates have been cleared"
        errors.append(field.forbidden(_SPEC.child("nodeName"), detail))
    return errors


def check_template(template: PodTemplateSpec, path: Path) -> Errors:
    """What is wrong with a pod template."""
    errors = validate_labels(template.metadata.labels, path.child("labels"))
    errors += validate_annotations(template.metadata.annotations, path.child("annotations"))
    annotations, at = template.metadata.annotations, path.child("spec")
    errors += pod_annotations.check(annotations, template.spec, path.child("annotations"))
    errors += check_spec(template.spec, at)
    errors += pod_annotations.check_match(annotations, template.spec, at)
    if template.spec.ephemeralContainers:
        detail = "ephemeral containers not allowed in pod template"
        errors.append(field.forbidden(at.child("ephemeralContainers"), detail))
    return errors


def check_spec(spec: PodSpec, path: Path, *, pod_name: str = "", of_pod: bool = False) -> Errors:
    """What is wrong with a pod spec, in Kubernetes' order. `of_pod` adds what is asked of pods and not of templates."""
    volumes, errors = volume_validation.check(spec.volumes or [], path.child("volumes"), pod_name=pod_name)
    return [
        *errors,
        *_check_claims(spec, path.child("resourceClaims")),
        *container_validation.check(spec, volumes, path),
        *_check_resources(spec, path.child("resources")),
        *container_validation.check_host_network(spec, path.child("containers"), of_pod=of_pod),
        *field.check_choice(spec.restartPolicy, RESTART_POLICIES, path.child("restartPolicy")),
        *field.check_choice(spec.dnsPolicy, DNS_POLICIES, path.child("dnsPolicy")),
        *validate_labels(spec.nodeSelector, path.child("nodeSelector")),
        *security_validation.check_pod(spec, path),
        *scheduling_validation.check_affinity(spec.affinity, path.child("affinity")),
        *_check_dns(spec.dnsConfig, spec.dnsPolicy, path.child("dnsConfig")),
        *_check_readiness(spec, path.child("readinessGates")),
        *scheduling_validation.check_placement(spec, path),
        *windows_validation.check_host_processes(spec, path),
        *security_validation.check_host_users(spec, path),
        *_check_host_name(spec, path),
        *_check_name(spec, "serviceAccountName", names.dns1123_subdomain, path),
        *_check_name(spec, "nodeName", names.dns1123_subdomain, path),
        *_check_deadline(spec.activeDeadlineSeconds, path.child("activeDeadlineSeconds")),
        *_check_name(spec, "hostname", names.dns1123_label, path),
        *_check_name(spec, "subdomain", names.dns1123_label, path),
        *scheduling_validation.check_tolerations(spec.tolerations or [], path.child("tolerations")),
        *_check_hosts(spec, path),
        *_check_name(spec, "priorityClassName", names.dns1123_subdomain, path),
        *_check_name(spec, "runtimeClassName", names.dns1123_subdomain, path),
        *_check_preemption(spec.preemptionPolicy, path.child("preemptionPolicy")),
        *(check_limits(spec.overhead, path.child("overhead")) if spec.overhead else ()),
        *security_validation.check_os(spec, path),
        *environment_validation.check_files(spec, path),
    ]


def _check_claims(spec: PodSpec, path: Path) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, claim in enumerate(spec.resourceClaims or ()):
        at = path.index(i)
        if not claim.name:
            errors.append(field.required(at.child("name")))
        elif claim.name in seen:
            errors.append(field.duplicate(at.child("name"), claim.name))
        else:
            errors += field.all_invalid(at.child("name"), claim.name, names.dns1123_label(claim.name))
        seen.add(claim.name)
        shown = field.Internal(
            Name=claim.name,
            ResourceClaimName=claim.resourceClaimName,
            ResourceClaimTemplateName=claim.resourceClaimTemplateName,
        )
        given = [n for n in ("resourceClaimName", "resourceClaimTemplateName") if getattr(claim, n) is not None]
        if not given:
            detail = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            errors.append(field.invalid(at, shown, detail))
        elif len(given) > 1:
            detail = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            errors.append(field.invalid(at, shown, detail))
        for name in given:
            value = getattr(claim, name)
            errors += field.all_invalid(at.child(name), value, names.dns1123_subdomain(value))
    return errors


def _check_resources(spec: PodSpec, path: Path) -> Errors:
    """The whole pod's resources must cover those of its containers."""
    whole = spec.resources
    if whole is None:
        return []
    if spec.os is not None and spec.os.name == "windows":
        return [field.forbidden(path, "may not be set for a windows pod")]
    errors: Errors = []
    if whole.claims is not None:
        errors.append(field.forbidden(path.child("claims"), "claims may not be set for Resources at pod-level"))
    errors += check_requirements(whole, (), path, check_pod_name)
    for kind, mine in (("requests", whole.requests), ("limits", whole.limits)):
        asked = pod_resources.of_containers(spec, kind)
        for name, amount in (mine or {}).items():
            of_all = kind == "requests" or name.startswith("hugepages-")
            if of_all and name in asked and quantity.compare(asked[name], amount) > 0:
                detail = f"must be greater than or equal to aggregate container {kind} of {asked[name]}"
                errors.append(field.invalid(path.child(kind).key(name), amount, detail))
    for i, container in enumerate(spec.containers):
        for name, limit in ((container.resources.limits if container.resources else None) or {}).items():
            bound = (whole.limits or {}).get(name)
            if bound is not None and quantity.compare(limit, bound) > 0:
                at = path.child("containers").index(i).key(name).child("limits")
                errors.append(field.invalid(at, limit, f"must be less than or equal to pod limits of {bound}"))
    return errors


def _check_dns(config: PodDNSConfig | None, policy: str, path: Path) -> Errors:
    if policy == "None" and config is None:
        return [field.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
    if config is None:
        return []
    servers, searches = config.nameservers or [], config.searches or []
    if policy == "None" and not servers:
        detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        return [field.required(path.child("nameservers"), detail)]
    errors: Errors = []
    if len(servers) > _MAX_NAMESERVERS:
        detail = f"must not have more than {_MAX_NAMESERVERS} nameservers"
        errors.append(field.invalid(path.child("nameservers"), servers, detail))
    for i, server in enumerate(servers):
        errors += field.all_invalid(path.child("nameservers").index(i), server, names.ip(server))
    if len(searches) > _MAX_SEARCHES:
        detail = f"must not have more than {_MAX_SEARCHES} search paths"
        errors.append(field.invalid(path.child("searches"), searches, detail))
    if len(" ".join(searches)) > _MAX_SEARCH_LENGTH:
        detail = f"must not have more than {_MAX_SEARCH_LENGTH} characters (including spaces) in the search list"
        errors.append(field.invalid(path.child("searches"), searches, detail))
    for i, search in enumerate(searches):
        if search != ".":
            name = search.removesuffix(".")
            # Search domains may have underscores, which names may not.
            errors += field.all_invalid(
                path.child("searches").index(i), name, names.dns1123_subdomain(name.replace("_", "a"))
            )
    for i, option in enumerate(config.options or ()):
        if not option.name:
            errors.append(field.required(path.child("options").index(i), "must not be empty"))
    return errors


def _check_name(spec: PodSpec, name: str, rule: names.Check, path: Path) -> Errors:
    """A reference to another object by name, or one of the pod's own names."""
    value = getattr(spec, name)
    return field.all_invalid(path.child(name), value, rule(value)) if value else []


def _check_host_name(spec: PodSpec, path: Path) -> Errors:
    """A host's name instead of the one that follows from the pod's."""
    name, at = spec.hostnameOverride, path.child("hostnameOverride")
    if name is None:
        return []
    errors: Errors = [
        field.forbidden(at, f"may not be specified when {other} is true")
        for other in ("setHostnameAsFQDN", "hostNetwork")
        if getattr(spec, other)
    ]
    if len(name) > _MAX_HOST_NAME:
        errors.append(field.too_long(at, _MAX_HOST_NAME))
    return errors + field.all_invalid(at, name, names.dns1123_subdomain(name))


def _check_hosts(spec: PodSpec, path: Path) -> Errors:
    errors: Errors = []
    for i, alias in enumerate(spec.hostAliases or ()):
        at = path.child("hostAliases").index(i)
        errors += field.all_invalid(at.child("ip"), alias.ip, names.ip(alias.ip))
        for j, hostname in enumerate(alias.hostnames or ()):
            errors += field.all_invalid(at.child("hostnames").index(j), hostname, names.dns1123_subdomain(hostname))
    return errors


def _check_deadline(seconds: int | None, path: Path) -> Errors:
    if seconds is None or 1 <= seconds <= _MAX_INT32:
        return []
    return [field.invalid(path, seconds, names.range_error(1, _MAX_INT32))]


def _check_preemption(policy: str, path: Path) -> Errors:
    return [] if policy in ("", *_PREEMPTION) else [field.not_supported(path, policy, _PREEMPTION)]


def _check_readiness(spec: PodSpec, path: Path) -> Errors:
    return [
        error
        for i, gate in enumerate(spec.readinessGates or ())
        for error in field.all_invalid(
            path.index(i).child("conditionType"), gate.conditionType, names.qualified_name(gate.conditionType)
        )
    ]
