"""Runtime values to and from CRI messages: plain functions, no calls.

Going out they make dicts for message constructors; coming in they read message attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steersman.kubelet.runtime.types import (
    AuthConfig,
    Condition,
    Container,
    ContainerConfig,
    ContainerSecurity,
    ContainerState,
    ContainerStats,
    ContainerStatus,
    CpuUsage,
    FilesystemUsage,
    Image,
    LinuxResources,
    MemoryUsage,
    Mount,
    MountPropagation,
    NamespaceMode,
    NamespaceOptions,
    NetworkUsage,
    PodSandbox,
    PodSandboxConfig,
    PodSandboxStats,
    PodSandboxStatus,
    PortMapping,
    RuntimeStatus,
    SandboxSecurity,
    SandboxState,
    SecurityProfile,
    SELinuxOptions,
)

Fields = dict[str, Any]

# What a container must not see of the machine, and what it may only read. The CRI has no default of its own: an
# empty list hides nothing.
MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

_PROTOCOLS = {"TCP": 0, "UDP": 1, "SCTP": 2}


# Going out.


def _namespaces(options: NamespaceOptions) -> Fields:
    return {
        "network": options.network,
        "pid": options.pid,
        "ipc": options.ipc,
        "target_id": options.target_id,
    }


def _profile(profile: SecurityProfile | None) -> Fields | None:
    if profile is None:
        return None
    return {"profile_type": profile.type, "localhost_ref": profile.localhost_ref}


def _selinux(options: SELinuxOptions | None) -> Fields | None:
    if options is None:
        return None
    return {"user": options.user, "role": options.role, "type": options.type, "level": options.level}


def _value(number: int | None) -> Fields | None:
    return None if number is None else {"value": number}


def resources_fields(resources: LinuxResources | None) -> Fields | None:
    """None stays None: the message is then absent."""
    if resources is None:
        return None
    return {
        "cpu_period": resources.cpu_period,
        "cpu_quota": resources.cpu_quota,
        "cpu_shares": resources.cpu_shares,
        "memory_limit_in_bytes": resources.memory_limit_in_bytes,
        "memory_swap_limit_in_bytes": resources.memory_swap_limit_in_bytes,
        "oom_score_adj": resources.oom_score_adj,
        "cpuset_cpus": resources.cpuset_cpus,
        "cpuset_mems": resources.cpuset_mems,
        "hugepage_limits": [{"page_size": k, "limit": v} for k, v in resources.hugepage_limits.items()],
        "unified": dict(resources.unified),
    }


def _port(mapping: PortMapping) -> Fields:
    return {
        "protocol": _PROTOCOLS[mapping.protocol],
        "container_port": mapping.container_port,
        "host_port": mapping.host_port,
        "host_ip": mapping.host_ip,
    }


def _sandbox_security(security: SandboxSecurity) -> Fields:
    return {
        "namespace_options": _namespaces(security.namespaces),
        "selinux_options": _selinux(security.selinux),
        "run_as_user": _value(security.run_as_user),
        "run_as_group": _value(security.run_as_group),
        "readonly_rootfs": security.readonly_rootfs,
        "supplemental_groups": security.supplemental_groups,
        "privileged": security.privileged,
        "seccomp": _profile(security.seccomp),
        "apparmor": _profile(security.apparmor),
    }


def sandbox_fields(config: PodSandboxConfig) -> Fields:
    dns = config.dns
    return {
        "metadata": {
            "name": config.name,
            "uid": config.uid,
            "namespace": config.namespace,
            "attempt": config.attempt,
        },
        "hostname": config.hostname,
        "log_directory": config.log_directory,
        "dns_config": dns and {"servers": dns.servers, "searches": dns.searches, "options": dns.options},
        "port_mappings": [_port(mapping) for mapping in config.port_mappings],
        "labels": dict(config.labels),
        "annotations": dict(config.annotations),
        "linux": {
            "cgroup_parent": config.cgroup_parent,
            "security_context": _sandbox_security(config.security),
            "sysctls": dict(config.sysctls),
            "overhead": resources_fields(config.overhead),
            "resources": resources_fields(config.resources),
        },
    }


def _container_security(security: ContainerSecurity) -> Fields:
    user = security.run_as_user
    return {
        "capabilities": {
            "add_capabilities": security.add_capabilities,
            "drop_capabilities": security.drop_capabilities,
        },
        "privileged": security.privileged,
        "namespace_options": _namespaces(security.namespaces),
        "selinux_options": _selinux(security.selinux),
        "run_as_user": _value(user),
        "run_as_username": security.run_as_username if user is None else "",
        "run_as_group": _value(security.run_as_group),
        "readonly_rootfs": security.readonly_rootfs,
        "supplemental_groups": security.supplemental_groups,
        "no_new_privs": security.no_new_privs,
        "masked_paths": MASKED_PATHS if security.masked_paths is None else security.masked_paths,
        "readonly_paths": READONLY_PATHS if security.readonly_paths is None else security.readonly_paths,
        "seccomp": _profile(security.seccomp),
        "apparmor": _profile(security.apparmor),
    }


def _mount_fields(mount: Mount) -> Fields:
    return {
        "container_path": mount.container_path,
        "host_path": mount.host_path,
        "readonly": mount.readonly,
        "selinux_relabel": mount.selinux_relabel,
        "propagation": mount.propagation,
    }


def container_fields(config: ContainerConfig) -> Fields:
    return {
        "metadata": {"name": config.name, "attempt": config.attempt},
        "image": {"image": config.image, "user_specified_image": config.user_specified_image},
        "command": config.command,
        "args": config.args,
        "working_dir": config.working_dir,
        "envs": [{"key": key, "value": value.encode()} for key, value in config.envs],
        "mounts": [_mount_fields(mount) for mount in config.mounts],
        "devices": [
            {"container_path": d.container_path, "host_path": d.host_path, "permissions": d.permissions}
            for d in config.devices
        ],
        "labels": dict(config.labels),
        "annotations": dict(config.annotations),
        "log_path": config.log_path,
        "stdin": config.stdin,
        "stdin_once": config.stdin_once,
        "tty": config.tty,
        "linux": {
            "resources": resources_fields(config.resources),
            "security_context": _container_security(config.security),
        },
    }


def auth_fields(auth: AuthConfig | None) -> Fields | None:
    if auth is None:
        return None
    return {
        "username": auth.username,
        "password": auth.password,
        "auth": auth.auth,
        "server_address": auth.server_address,
        "identity_token": auth.identity_token,
        "registry_token": auth.registry_token,
    }


def filter_fields(*, state: int | None, labels: Mapping[str, str] | None, **ids: str) -> Fields:
    """A list filter: ids by field name, "" for any."""
    fields: Fields = {name: id for name, id in ids.items() if id}
    if state is not None:
        fields["state"] = {"state": state}
    if labels:
        fields["label_selector"] = dict(labels)
    return fields


# Coming in.


def runtime_status(message: Any) -> RuntimeStatus:
    return RuntimeStatus(
        conditions=[
            Condition(type=c.type, status=c.status, reason=c.reason, message=c.message) for c in message.conditions
        ]
    )


def _sandbox_common(message: Any) -> Fields:
    metadata = message.metadata
    return {
        "id": message.id,
        "name": metadata.name,
        "uid": metadata.uid,
        "namespace": metadata.namespace,
        "attempt": metadata.attempt,
        "state": SandboxState(message.state),
        "created_at": message.created_at,
        "labels": dict(message.labels),
        "annotations": dict(message.annotations),
    }


def sandbox(message: Any) -> PodSandbox:
    return PodSandbox(**_sandbox_common(message))


def sandbox_status(message: Any) -> PodSandboxStatus:
    network = message.network
    ips = (network.ip, *(ip.ip for ip in network.additional_ips)) if network.ip else ()
    mode = NamespaceMode(message.linux.namespaces.options.network)
    return PodSandboxStatus(**_sandbox_common(message), ips=ips, network=mode)


def container(message: Any) -> Container:
    return Container(
        id=message.id,
        pod_sandbox_id=message.pod_sandbox_id,
        name=message.metadata.name,
        attempt=message.metadata.attempt,
        image=message.image.image,
        image_ref=message.image_ref,
        state=ContainerState(message.state),
        created_at=message.created_at,
        labels=dict(message.labels),
        annotations=dict(message.annotations),
    )


def _resources(message: Any) -> LinuxResources:
    return LinuxResources(
        cpu_period=message.cpu_period,
        cpu_quota=message.cpu_quota,
        cpu_shares=message.cpu_shares,
        memory_limit_in_bytes=message.memory_limit_in_bytes,
        memory_swap_limit_in_bytes=message.memory_swap_limit_in_bytes,
        oom_score_adj=message.oom_score_adj,
        cpuset_cpus=message.cpuset_cpus,
        cpuset_mems=message.cpuset_mems,
        hugepage_limits={h.page_size: h.limit for h in message.hugepage_limits},
        unified=dict(message.unified),
    )


def _mount(message: Any) -> Mount:
    return Mount(
        container_path=message.container_path,
        host_path=message.host_path,
        readonly=message.readonly,
        propagation=MountPropagation(message.propagation),
        selinux_relabel=message.selinux_relabel,
    )


def container_status(message: Any) -> ContainerStatus:
    linux = message.resources.linux if message.HasField("resources") else None
    return ContainerStatus(
        id=message.id,
        name=message.metadata.name,
        attempt=message.metadata.attempt,
        state=ContainerState(message.state),
        created_at=message.created_at,
        started_at=message.started_at,
        # Two processes take the times: a short-lived container could end before it began.
        finished_at=message.finished_at and max(message.finished_at, message.started_at),
        exit_code=message.exit_code,
        reason=message.reason,
        message=message.message,
        image=message.image.image,
        image_ref=message.image_ref,
        # Before containerd 2 only the reference is filled in; without a digest it is the id.
        image_id=message.image_id or message.image_ref,
        log_path=message.log_path,
        labels=dict(message.labels),
        annotations=dict(message.annotations),
        mounts=[_mount(m) for m in message.mounts],
        resources=None if linux is None else _resources(linux),
    )


def image(message: Any) -> Image:
    return Image(
        id=message.id,
        repo_tags=tuple(message.repo_tags),
        repo_digests=tuple(message.repo_digests),
        size_bytes=message.size,
        uid=message.uid.value if message.HasField("uid") else None,
        username=message.username,
        pinned=message.pinned,
    )


def filesystem(message: Any) -> FilesystemUsage:
    return FilesystemUsage(
        timestamp=message.timestamp,
        mountpoint=message.fs_id.mountpoint,
        used_bytes=message.used_bytes.value,
        inodes_used=message.inodes_used.value,
    )


def _cpu(message: Any) -> CpuUsage:
    return CpuUsage(
        timestamp=message.timestamp,
        usage_core_nanoseconds=message.usage_core_nano_seconds.value,
        usage_nanocores=message.usage_nano_cores.value,
    )


def _memory(message: Any) -> MemoryUsage:
    return MemoryUsage(
        timestamp=message.timestamp,
        working_set_bytes=message.working_set_bytes.value,
        available_bytes=message.available_bytes.value,
        usage_bytes=message.usage_bytes.value,
        rss_bytes=message.rss_bytes.value,
        page_faults=message.page_faults.value,
        major_page_faults=message.major_page_faults.value,
    )


def container_stats(message: Any) -> ContainerStats:
    attributes = message.attributes
    layer = message.writable_layer if message.HasField("writable_layer") else None
    return ContainerStats(
        id=attributes.id,
        name=attributes.metadata.name,
        attempt=attributes.metadata.attempt,
        labels=dict(attributes.labels),
        annotations=dict(attributes.annotations),
        cpu=_cpu(message.cpu),
        memory=_memory(message.memory),
        writable_layer=None if layer is None else filesystem(layer),
    )


def _interface(message: Any) -> NetworkUsage:
    return NetworkUsage(
        name=message.name,
        rx_bytes=message.rx_bytes.value,
        rx_errors=message.rx_errors.value,
        tx_bytes=message.tx_bytes.value,
        tx_errors=message.tx_errors.value,
    )


def sandbox_stats(message: Any) -> PodSandboxStats:
    metadata, linux = message.attributes.metadata, message.linux
    interfaces = [linux.network.default_interface, *linux.network.interfaces]
    return PodSandboxStats(
        id=message.attributes.id,
        name=metadata.name,
        uid=metadata.uid,
        namespace=metadata.namespace,
        cpu=_cpu(linux.cpu),
        memory=_memory(linux.memory),
        network=[_interface(i) for i in interfaces if i.name],
        process_count=linux.process.process_count.value,
        containers=[container_stats(c) for c in linux.containers],
    )
