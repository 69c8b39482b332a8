"""Security contexts of pod and container as the runtime takes them."""

from __future__ import annotations

from collections.abc import Sequence

from steersman.kinds.types.core_v1 import (
    AppArmorProfile,
    Container,
    Pod,
    PodSecurityContext,
    SeccompProfile,
    SecurityContext,
    SELinuxOptions,
)
from steersman.kubelet.env import ConfigError
from steersman.kubelet.runtime import types as rt

_PROFILES = {
    "RuntimeDefault": rt.ProfileType.RUNTIME_DEFAULT,
    "Unconfined": rt.ProfileType.UNCONFINED,
    "Localhost": rt.ProfileType.LOCALHOST,
}


def namespaces(pod: Pod) -> rt.NamespaceOptions:
    spec = pod.spec
    node, own = rt.NamespaceMode.NODE, rt.NamespaceMode.POD
    return rt.NamespaceOptions(
        network=node if spec.hostNetwork else own,
        ipc=node if spec.hostIPC else own,
        pid=node if spec.hostPID else own if spec.shareProcessNamespace else rt.NamespaceMode.CONTAINER,
    )


def sandbox_security(pod: Pod) -> rt.SandboxSecurity:
    context = pod.spec.securityContext or PodSecurityContext()
    return rt.SandboxSecurity(
        namespaces=namespaces(pod),
        run_as_user=context.runAsUser,
        run_as_group=context.runAsGroup if context.runAsUser is not None else None,
        supplemental_groups=_groups(context),
        privileged=any(_privileged(c) for c in [*pod.spec.containers, *(pod.spec.initContainers or [])]),
        seccomp=_seccomp(context.seccompProfile),
        apparmor=_apparmor(context.appArmorProfile),
        selinux=_selinux(context.seLinuxOptions),
    )


def _privileged(container: Container) -> bool:
    return bool(container.securityContext and container.securityContext.privileged)


def _groups(context: PodSecurityContext) -> Sequence[int]:
    groups = list(context.supplementalGroups or [])
    if context.fsGroup is not None:
        groups.append(context.fsGroup)
    return tuple(groups)


def container_security(pod: Pod, container: Container, image: rt.Image) -> rt.ContainerSecurity:
    """The container's own context over the pod's. Raises ConfigError when runAsNonRoot cannot be kept."""
    outer = pod.spec.securityContext or PodSecurityContext()
    own = container.securityContext or SecurityContext()
    user = own.runAsUser if own.runAsUser is not None else outer.runAsUser
    group = own.runAsGroup if own.runAsGroup is not None else outer.runAsGroup
    _check_non_root(outer, own, user, image, container, pod)
    username = ""
    if user is None:
        user, username = image.uid, image.username
    if group is not None and user is None and not username:
        user = 0
    capabilities = own.capabilities
    privileged = bool(own.privileged)
    return rt.ContainerSecurity(
        namespaces=namespaces(pod),
        privileged=privileged,
        add_capabilities=tuple((capabilities.add if capabilities else None) or ()),
        drop_capabilities=tuple((capabilities.drop if capabilities else None) or ()),
        run_as_user=user,
        run_as_username=username,
        run_as_group=group,
        supplemental_groups=_groups(outer),
        readonly_rootfs=bool(own.readOnlyRootFilesystem),
        no_new_privs=own.allowPrivilegeEscalation is False,
        masked_paths=() if own.procMount == "Unmasked" else None,
        readonly_paths=() if own.procMount == "Unmasked" else None,
        seccomp=_seccomp(own.seccompProfile or outer.seccompProfile),
        apparmor=_apparmor(own.appArmorProfile or outer.appArmorProfile),
        selinux=_selinux(own.seLinuxOptions or outer.seLinuxOptions),
    )


def _check_non_root(
    outer: PodSecurityContext,
    own: SecurityContext,
    user: int | None,
    image: rt.Image,
    container: Container,
    pod: Pod,
) -> None:
    required = own.runAsNonRoot if own.runAsNonRoot is not None else outer.runAsNonRoot
    if not required:
        return
    where = f'(pod: "{pod.metadata.name}_{pod.metadata.namespace}({pod.metadata.uid})", container: {container.name})'
    if user == 0:
        raise ConfigError(f"container's runAsUser breaks non-root policy {where}")
    if user is not None:
        return
    if image.username:
        raise ConfigError(
            f"container has runAsNonRoot and image has non-numeric user ({image.username}), cannot verify user is non-root {where}"
        )
    if not image.uid:
        raise ConfigError(f"container has runAsNonRoot and image will run as root {where}")


def _seccomp(profile: SeccompProfile | None) -> rt.SecurityProfile | None:
    if profile is None:
        return rt.SecurityProfile(rt.ProfileType.UNCONFINED)
    return rt.SecurityProfile(_PROFILES[profile.type], profile.localhostProfile or "")


def _apparmor(profile: AppArmorProfile | None) -> rt.SecurityProfile | None:
    return rt.SecurityProfile(_PROFILES[profile.type], profile.localhostProfile or "") if profile else None


def _selinux(options: SELinuxOptions | None) -> rt.SELinuxOptions | None:
    if options is None:
        return None
    return rt.SELinuxOptions(user=options.user, role=options.role, type=options.type, level=options.level)
