"""Validation of the containers of a pod spec: regular, init and ephemeral."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core import environment_validation, handler_validation, mount_validation, security_validation
from steersman.kinds.core.resource_validation import check_requirements

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Container, ContainerPort, EphemeralContainer, PodSpec, Volume

PROTOCOLS = ("SCTP", "TCP", "UDP")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
RESTART_POLICIES = ("Always", "OnFailure", "Never")
_OWN_RESTART_POLICIES = ("Always", "Never", "OnFailure")
_NO_POLICY = "must specify restartPolicy when restart rules are used"
_MAX_RULES, _MAX_EXIT_CODES = 20, 255
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_NOT_IN_EPHEMERAL = (
    "ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules", "livenessProbe", "readinessProbe",
    "startupProbe", "lifecycle",
)  # fmt: skip


@dataclass(frozen=True)
class PodContext:
    """What of the pod its containers' validation depends on; `volumes` are those with which nothing is wrong."""

    volumes: Mapping[str, Volume]
    claims: Collection[str]
    restart_policy: str
    grace_period: int | None
    host_users: bool

    @classmethod
    def of(cls, spec: PodSpec, volumes: Mapping[str, Volume]) -> PodContext:
        return cls(
            volumes,
            {c.name for c in spec.resourceClaims or () if c.name},
            spec.restartPolicy,
            spec.terminationGracePeriodSeconds,
            spec.hostUsers is not False,
        )


def check(spec: PodSpec, volumes: Mapping[str, Volume], path: Path) -> Errors:
    """What is wrong with all containers; `volumes` are those of the pod that are good."""
    context = PodContext.of(spec, volumes)
    errors = _check_regular(spec.containers, context, path.child("containers"))
    errors += _check_init(spec, context, path.child("initContainers"))
    return errors + _check_ephemeral(spec, context, path.child("ephemeralContainers"))


def check_images(spec: PodSpec, path: Path) -> Errors:
    """What is asked of the images of pods and not of templates."""
    errors = _check_image_spaces(spec.containers, path.child("containers"))
    return errors + _check_image_spaces(spec.initContainers or [], path.child("initContainers"))


def is_sidecar(container: Container | EphemeralContainer) -> bool:
    """Whether an init container goes on running beside the others."""
    return container.restartPolicy == "Always"


def _check_regular(containers: list[Container], context: PodContext, path: Path) -> Errors:
    errors: Errors = [] if containers else [field.required(path)]
    seen: set[str] = set()
    for i, container in enumerate(containers):
        at = path.index(i)
        errors += _check_common(container, context, at)
        if container.name in seen:
            errors.append(field.duplicate(at.child("name"), container.name))
        seen.add(container.name)
        errors += _check_running(container, context, at)
        errors += _check_restart_rules(container, at)
    return errors + _check_host_ports(containers, path)


def _check_init(spec: PodSpec, context: PodContext, path: Path) -> Errors:
    errors: Errors = []
    seen = {c.name for c in spec.containers}
    for i, container in enumerate(spec.initContainers or ()):
        at = path.index(i)
        errors += _check_common(container, context, at)
        errors += _check_init_restart(container, at)
        if container.name in seen:
            errors.append(field.duplicate(at.child("name"), container.name))
        elif container.name:
            seen.add(container.name)
        # Init containers run one after the other: only their own ports can collide.
        errors += _check_host_ports([container], path)
        if is_sidecar(container):
            errors += _check_running(container, context, at)
        else:
            errors += _check_not_running(container, at)
    return errors


def _check_not_running(container: Container, path: Path) -> Errors:
    """What a container that ends before the others begin cannot have."""
    detail = "may not be set for init containers without restartPolicy=Always"
    errors = [
        field.forbidden(path.child(name), detail)
        for name in ("lifecycle", *_PROBES)
        if getattr(container, name) is not None
    ]
    for i, policy in enumerate(container.resizePolicy or ()):
        if policy.restartPolicy == "RestartContainer":
            at = path.child("resizePolicy").index(i).child("restartPolicy")
            detail = "must not be set to 'RestartContainer' for non-sidecar initContainers"
            errors.append(field.invalid(at, policy.restartPolicy, detail))
    return errors


def _check_ephemeral(spec: PodSpec, context: PodContext, path: Path) -> Errors:
    errors: Errors = []
    others = {c.name for c in (*spec.containers, *(spec.initContainers or ()))}
    seen = set(others)
    cannot = "cannot be set for an Ephemeral Container"
    for i, container in enumerate(spec.ephemeralContainers or ()):
        at = path.index(i)
        errors += _check_common(container, context, at)
        errors += _check_image_space(container, at)
        if container.name in seen:
            errors.append(field.duplicate(at.child("name"), container.name))
        seen.add(container.name)
        target = container.targetContainerName
        if target and target not in others:
            errors.append(field.not_found(at.child("targetContainerName"), target))
        errors += [field.forbidden(at.child(n), cannot) for n in _NOT_IN_EPHEMERAL if _is_set(container, n)]
        for j, mount in enumerate(container.volumeMounts or ()):
            errors += [
                field.forbidden(at.child("volumeMounts").index(j).child(n), cannot)
                for n in ("subPath", "subPathExpr")
                if getattr(mount, n)
            ]
    return errors


def _is_set(container: EphemeralContainer, name: str) -> bool:
    """Whether a field says something; one for resources is always there."""
    value = getattr(container, name)
    if name != "resources" or value is None:
        return bool(value)
    return bool(value.limits or value.requests or value.claims)


def _check_common(container: Container | EphemeralContainer, context: PodContext, path: Path) -> Errors:
    """What holds for every container."""
    errors: Errors = []
    if not container.name:
        errors.append(field.required(path.child("name")))
    else:
        errors += field.all_invalid(path.child("name"), container.name, names.dns1123_label(container.name))
    if not container.image:
        errors.append(field.required(path.child("image")))
    errors += field.check_choice(
        container.terminationMessagePolicy,
        ("File", "FallbackToLogsOnError"),
        path.child("terminationMessagePolicy"),
    )
    errors += _check_ports(container.ports or [], path.child("ports"))
    errors += environment_validation.check(container, path)
    errors += mount_validation.check(container, context.volumes, path)
    errors += field.check_choice(container.imagePullPolicy, PULL_POLICIES, path.child("imagePullPolicy"))
    errors += check_requirements(container.resources, context.claims, path.child("resources"))
    errors += _check_resize_policy(container, context.restart_policy, path.child("resizePolicy"))
    at = path.child("securityContext")
    return errors + security_validation.check_container(
        container.securityContext, host_users=context.host_users, path=at
    )


def _check_running(container: Container, context: PodContext, path: Path) -> Errors:
    """Hooks and probes, of containers that stay."""
    grace_period, at = context.grace_period, path.child("lifecycle")
    errors = handler_validation.check_lifecycle(container.lifecycle, grace_period, at)
    for name in _PROBES:
        errors += handler_validation.check_probe(name, getattr(container, name), path.child(name))
    return errors


def _check_ports(ports: list[ContainerPort], path: Path) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, port in enumerate(ports):
        at = path.index(i)
        if port.name:
            wrong = field.all_invalid(at.child("name"), port.name, names.port_name(port.name))
            if not wrong and port.name in seen:
                wrong.append(field.duplicate(at.child("name"), port.name))
            seen.add(port.name)
            errors += wrong
        number = port.containerPort
        if not number:
            errors.append(field.required(at.child("containerPort")))
        else:
            errors += field.all_invalid(at.child("containerPort"), number, names.port_number(number))
        if port.hostPort:
            errors += field.all_invalid(at.child("hostPort"), port.hostPort, names.port_number(port.hostPort))
        errors += field.check_choice(port.protocol, PROTOCOLS, at.child("protocol"))
    return errors


def _check_host_ports(containers: Iterable[Container], path: Path) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, container in enumerate(containers):
        for j, port in enumerate(container.ports or ()):
            if not port.hostPort:
                continue
            key = f"{port.protocol}/{port.hostIP}/{port.hostPort}"
            if key in seen:
                errors.append(field.duplicate(path.index(i).child("ports").index(j).child("hostPort"), key))
            seen.add(key)
    return errors


def check_host_network(spec: PodSpec, path: Path, *, of_pod: bool) -> Errors:
    """On the host's network a container's port is the host's; templates may leave that to be filled in."""
    if not spec.hostNetwork:
        return []
    detail = "must match `containerPort` when `hostNetwork` is true"
    return [
        field.invalid(path.index(i).child("ports").index(j).child("hostPort"), port.hostPort or 0, detail)
        for i, container in enumerate(spec.containers)
        for j, port in enumerate(container.ports or ())
        if (of_pod or port.hostPort) and (port.hostPort or 0) != port.containerPort
    ]


def _check_image_spaces(containers: list[Container], path: Path) -> Errors:
    return [e for i, c in enumerate(containers) for e in _check_image_space(c, path.index(i))]


def _check_image_space(container: Container | EphemeralContainer, path: Path) -> Errors:
    if container.image == container.image.strip():
        return []
    return [field.invalid(path.child("image"), container.image, "must not have leading or trailing whitespace")]


def _check_init_restart(container: Container, path: Path) -> Errors:
    """Rules without a policy are not looked at in init containers."""
    if container.restartPolicy or not container.restartPolicyRules:
        return _check_restart_rules(container, path)
    return [field.required(path.child("restartPolicy"), _NO_POLICY)]


def _check_restart_rules(container: Container, path: Path) -> Errors:
    errors: Errors = []
    policy, rules = container.restartPolicy, container.restartPolicyRules or []
    if policy and policy not in _OWN_RESTART_POLICIES:
        errors.append(field.not_supported(path.child("restartPolicy"), policy, _OWN_RESTART_POLICIES))
    if rules and not policy:
        errors.append(field.required(path.child("restartPolicy"), _NO_POLICY))
    if len(rules) > _MAX_RULES:
        errors.append(field.too_many(path.child("restartPolicyRules"), len(rules), _MAX_RULES))
    for i, rule in enumerate(rules):
        at = path.child("restartPolicyRules").index(i)
        if rule.action not in ("Restart", "RestartAllContainers"):
            errors.append(field.not_supported(at.child("action"), rule.action, ("Restart", "RestartAllContainers")))
        if rule.exitCodes is None:
            errors.append(field.required(at.child("exitCodes"), "must be specified"))
        else:
            operator = rule.exitCodes.operator
            if operator not in ("In", "NotIn"):
                errors.append(field.not_supported(at.child("exitCodes", "operator"), operator, ("In", "NotIn")))
            given = len(rule.exitCodes.values or ())
            if given > _MAX_EXIT_CODES:
                errors.append(field.too_many(at.child("exitCodes", "values"), given, _MAX_EXIT_CODES))
    return errors


def _check_resize_policy(container: Container | EphemeralContainer, restart_policy: str, path: Path) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, policy in enumerate(container.resizePolicy or ()):
        if policy.resourceName in seen:
            errors.append(field.duplicate(path.index(i), policy.resourceName))
        seen.add(policy.resourceName)
        errors += field.check_choice(policy.resourceName, ("cpu", "memory"), path)
        errors += field.check_choice(policy.restartPolicy, ("NotRequired", "RestartContainer"), path)
        if restart_policy == "Never" and policy.restartPolicy != "NotRequired":
            detail = "must be 'NotRequired' when pod `restartPolicy` is 'Never'"
            errors.append(field.invalid(path, policy.restartPolicy, detail))
    return errors
