"""Validation of the security contexts of pods and containers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core import windows_validation
from steersman.kinds.core.provided_volumes import local_descending_path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import (
        AppArmorProfile,
        PodSecurityContext,
        PodSpec,
        SeccompProfile,
        SecurityContext,
        Sysctl,
    )

_PROFILE_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
_SYSCTL_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = rf"({_SYSCTL_SEGMENT}[\./])*{_SYSCTL_SEGMENT}"
_SYSCTL_MAX = 253
_IPC_SYSCTLS = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
_PATH_MAX = 4095
_SHARED = (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC"))
"""What of the host's a pod may share, and how Kubernetes writes it in a message."""


def check_pod(spec: PodSpec, path: Path) -> Errors:
    """What is wrong with the pod's own security context, and with what its containers share."""
    errors: Errors = []
    if spec.securityContext is not None:
        errors += _check_pod_context(spec.securityContext, spec, path.child("securityContext"))
    if spec.shareProcessNamespace and spec.hostPID:
        detail = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.append(field.invalid(path.child("shareProcessNamespace"), True, detail))
    return errors


def _check_pod_context(context: PodSecurityContext, spec: PodSpec, at: Path) -> Errors:
    errors: Errors = []
    for name in ("fsGroup", "runAsUser", "runAsGroup"):
        errors += _check_id(getattr(context, name), at.child(name))
    for i, group in enumerate(context.supplementalGroups or ()):
        errors += _check_id(group, at.child("supplementalGroups").index(i))
    errors += _check_sysctls(context.sysctls or [], spec, at.child("sysctls"))
    errors += _check_policy(context, "fsGroupChangePolicy", ("Always", "OnRootMismatch"), at)
    errors += _check_seccomp(context.seccompProfile, at.child("seccompProfile"))
    errors += windows_validation.check_options(context.windowsOptions, at.child("windowsOptions"))
    errors += check_app_armor(context.appArmorProfile, at.child("appArmorProfile"))
    errors += _check_policy(context, "supplementalGroupsPolicy", ("Merge", "Strict"), at)
    return errors + _check_policy(context, "seLinuxChangePolicy", ("MountOption", "Recursive"), at)


def _check_policy(context: PodSecurityContext, name: str, choices: tuple[str, ...], path: Path) -> Errors:
    value = getattr(context, name)
    return [] if value in ("", None, *choices) else [field.not_supported(path.child(name), value, choices)]


def check_container(context: SecurityContext | None, *, host_users: bool, path: Path) -> Errors:
    """What is wrong with a container's security context; `host_users` says whether its users are the host's."""
    if context is None:
        return []
    errors = _check_id(context.runAsUser, path.child("runAsUser"))
    errors += _check_id(context.runAsGroup, path.child("runAsGroup"))
    if context.procMount and context.procMount not in ("Default", "Unmasked"):
        errors.append(field.not_supported(path.child("procMount"), context.procMount, ("Default", "Unmasked")))
    if context.procMount == "Unmasked" and host_users:
        detail = "`hostUsers` must be false to use `Unmasked`"
        errors.append(field.invalid(path.child("procMount"), context.procMount, detail))
    errors += _check_seccomp(context.seccompProfile, path.child("seccompProfile"))
    if context.allowPrivilegeEscalation is False:
        if context.privileged:
            errors.append(
                field.invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
            )
        added = context.capabilities.add if context.capabilities is not None else None
        if any(capability == "CAP_SYS_ADMIN" for capability in added or ()):
            detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            errors.append(field.invalid(path, context, detail))
    errors += windows_validation.check_options(context.windowsOptions, path.child("windowsOptions"))
    return errors + check_app_armor(context.appArmorProfile, path.child("appArmorProfile"))


def check_os(spec: PodSpec, path: Path) -> Errors:
    """The pod's operating system, and that the pod asks for nothing of the other one."""
    if spec.os is None:
        return []
    if not spec.os.name:
        return [field.required(path.child("os", "name"))]
    if spec.os.name not in ("linux", "windows"):
        return [field.not_supported(path.child("os"), spec.os.name, ("linux", "windows"))]
    if spec.os.name == "windows":
        return windows_validation.check_pod(spec, path)
    return windows_validation.check_linux_pod(spec, path)


def check_host_users(spec: PodSpec, path: Path) -> Errors:
    """Who has users of its own shares nothing with the host, nor has devices, whose owners are the host's users."""
    if spec.hostUsers is not False:
        return []
    at = [path.child(shown) for name, shown in _SHARED if getattr(spec, name)]
    at += [
        path.child(kind).index(i).child("volumeDevices")
        for kind in ("initContainers", "containers", "ephemeralContainers")
        for i, container in enumerate(getattr(spec, kind) or ())
        if container.volumeDevices
    ]
    return [field.forbidden(where, "when `hostUsers` is false") for where in at]


def _check_id(number: int | None, path: Path) -> Errors:
    return [] if number is None else field.all_invalid(path, number, names.user_or_group_id(number))


def _check_sysctls(sysctls: list[Sysctl], spec: PodSpec, path: Path) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, sysctl in enumerate(sysctls):
        name, at = sysctl.name, path.index(i).child("name")
        if not name:
            errors.append(field.required(at))
        elif len(name) > _SYSCTL_MAX or not re.fullmatch(_SYSCTL, name):
            errors.append(
                field.invalid(at, name, f"must have at most {_SYSCTL_MAX} characters and match regex ^{_SYSCTL}$")
            )
        elif name in seen:
            errors.append(field.duplicate(at, name))
        seen.add(name)
        dotted = name.replace("/", ".")
        if spec.hostNetwork and dotted.startswith("net."):
            errors.append(field.invalid(at, name, "may not be specified when 'hostNetwork' is true"))
        if spec.hostIPC and dotted.startswith(_IPC_SYSCTLS):
            errors.append(field.invalid(at, name, "may not be specified when 'hostIPC' is true"))
    return errors


def _check_seccomp(profile: SeccompProfile | None, path: Path) -> Errors:
    if profile is None:
        return []
    errors = _check_profile_type(profile.type, "type is required when seccompProfile is set", path.child("type"))
    at = path.child("localhostProfile")
    if profile.type == "Localhost":
        if profile.localhostProfile is None:
            errors.append(field.required(at, "must be set when seccomp type is Localhost"))
        else:
            errors += local_descending_path(profile.localhostProfile, at)
    elif profile.localhostProfile is not None:
        errors.append(field.invalid(at, profile, "can only be set when seccomp type is Localhost"))
    return errors


def check_app_armor(profile: AppArmorProfile | None, path: Path) -> Errors:
    """What is wrong with a profile of AppArmor; an absent one is fine."""
    if profile is None:
        return []
    errors = _check_profile_type(profile.type, "type is required when appArmorProfile is set", path.child("type"))
    at, local = path.child("localhostProfile"), profile.localhostProfile
    if profile.type != "Localhost":
        if local is not None and not errors:
            errors.append(field.invalid(at, local, "can only be set when AppArmor type is Localhost"))
        return errors
    if not local:
        errors.append(field.required(at, "must be set when AppArmor type is Localhost"))
    elif local != local.strip():
        errors.append(field.invalid(at, local, "must not be padded with whitespace"))
    if local and len(local) > _PATH_MAX:
        errors.append(field.too_long(at, _PATH_MAX))
    return errors


def _check_profile_type(value: str, missing: str, path: Path) -> Errors:
    if not value:
        return [field.required(path, missing)]
    return [] if value in _PROFILE_TYPES else [field.not_supported(path, value, _PROFILE_TYPES)]
