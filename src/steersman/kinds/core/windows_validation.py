"""Validation of what concerns Windows: options for its containers, and what pods for it must not ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from steersman.api import field, names
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PodSpec, WindowsSecurityContextOptions

_MAX_SPEC_KIB = 64
_MAX_DOMAIN, _MAX_USER = 256, 104
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_NET_BIOS = re.compile(r'[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}')
_DNS_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DNS = re.compile(rf"{_DNS_LABEL}(?:\.{_DNS_LABEL})*", re.ASCII)
_NOT_IN_USER = re.compile(r'["/\\:;|=,+*?<>@\[\]]')
_LINUX_POD = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls", "runAsUser",
    "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy",
)  # fmt: skip
_LINUX_SHARING = ("hostUsers", "hostPID", "hostIPC", "shareProcessNamespace")
_STATED = ("hostUsers", "shareProcessNamespace")
"""Those that must not even be said not to be so."""
_LINUX_CONTAINER = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged",
    "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
)  # fmt: skip
_KINDS = ("initContainers", "containers", "ephemeralContainers")


def check_options(options: WindowsSecurityContextOptions | None, path: Path) -> Errors:
    """What is wrong with the options in a security context."""
    if options is None:
        return []
    errors: Errors = []
    name = options.gmsaCredentialSpecName
    if name:
        errors += field.all_invalid(path.child("gmsaCredentialSpecName"), name, names.dns1123_subdomain(name))
    if len(options.gmsaCredentialSpec.encode()) > _MAX_SPEC_KIB * 1024:
        detail = f"gmsaCredentialSpec size must be under {_MAX_SPEC_KIB} KiB"
        errors.append(field.invalid(path.child("gmsaCredentialSpec"), options.gmsaCredentialSpec, detail))
    user, at = options.runAsUserName, path.child("runAsUserName")
    return errors + [field.invalid(at, user, f"runAsUserName{problem}") for problem in _user_problems(user)]


def _user_problems(name: str) -> Iterator[str]:
    if not name:
        return
    if _CONTROL.search(name):
        yield " cannot contain control characters"
        return
    if name.count("\\") > 1:
        yield " cannot contain more than one backslash"
        return
    domain, slash, user = name.rpartition("\\")
    if len(domain) >= _MAX_DOMAIN:
        yield f"'s Domain length must be under {_MAX_DOMAIN} characters"
    if slash and not (_NET_BIOS.fullmatch(domain) or _DNS.fullmatch(domain)):
        yield "'s Domain doesn't match the NetBios nor the DNS format"
    if not user:
        yield "'s User cannot be empty"
    elif len(user) > _MAX_USER:
        yield f"'s User length must not be longer than {_MAX_USER} characters"
    if user and not user.strip(". "):
        yield "'s User cannot contain only periods or spaces"
    if _NOT_IN_USER.search(user):
        yield "'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]"


def check_host_processes(spec: PodSpec, path: Path) -> Errors:
    """Containers that are processes of the host: all are or none, and they use the host's network."""
    general = _options(spec)
    whole = general.hostProcess if general is not None else None
    errors: Errors = []
    processes = []
    for container, at in _containers(spec, path):
        options = _options(container)
        own = options.hostProcess if options is not None else None
        if whole is not None and own is not None and whole != own:
            detail = (
                f"pod hostProcess value must be identical if both are specified, was {'true' if whole else 'false'}"
            )
            errors.append(field.invalid(at.child("securityContext", "windowsOptions", "hostProcess"), own, detail))
        processes.append(bool(whole if own is None else own))
    if not any(processes):
        return errors
    if not all(processes):
        detail = "If pod contains any hostProcess containers then all containers must be HostProcess containers"
        errors.append(field.invalid(path, "", detail))
    if not spec.hostNetwork:
        detail = "hostNetwork must be true if pod contains any hostProcess containers"
        errors.append(field.invalid(path.child("hostNetwork"), False, detail))
    return errors


def check_pod(spec: PodSpec, path: Path) -> Errors:
    """What a pod for Windows must not ask for."""
    cannot = "cannot be set for a windows pod"
    errors: Errors = []
    context, at = spec.securityContext, path.child("securityContext")
    if context is not None:
        errors += [
            field.forbidden(at.child(n), cannot) for n in _LINUX_POD if getattr(context, n) not in (None, "", [])
        ]
    asked = (n for n in _LINUX_SHARING if getattr(spec, n) or (getattr(spec, n) is False and n in _STATED))
    errors += [field.forbidden(path.child(n), cannot) for n in asked]
    for container, where in _containers(spec, path):
        context = container.securityContext
        if context is not None:
            at = where.child("securityContext")
            errors += [
                field.forbidden(at.child(n), cannot) for n in _LINUX_CONTAINER if getattr(context, n) not in (None, "")
            ]
    return errors


def check_linux_pod(spec: PodSpec, path: Path) -> Errors:
    """A pod for Linux takes no options for Windows."""
    cannot = "windows options cannot be set for a linux pod"
    errors: Errors = []
    if _options(spec) is not None:
        errors.append(field.forbidden(path.child("securityContext", "windowsOptions"), cannot))
    return errors + [
        field.forbidden(at.child("securityContext", "windowsOptions"), cannot)
        for container, at in _containers(spec, path)
        if _options(container) is not None
    ]


def _options(of: Any) -> Any:
    return of.securityContext.windowsOptions if of.securityContext is not None else None


def _containers(spec: PodSpec, path: Path) -> Iterator[tuple[Any, Path]]:
    for kind in _KINDS:
        for i, container in enumerate(getattr(spec, kind) or ()):
            yield container, path.child(kind).index(i)
