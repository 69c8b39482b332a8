"""The values that cross the runtime boundary: configurations going in, states coming out.

They carry what the CRI carries, flattened. Units are in the field names or beside them; a timestamp is
nanoseconds since the epoch and 0 means "has not happened".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum

from msgspec import Struct, field


class Code(IntEnum):
    """Why a runtime call failed; numbers and names are gRPC's."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class RuntimeCallError(Exception):
    """A runtime call that failed. `code` says how, `message` is the runtime's own sentence."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message

    @property
    def not_found(self) -> bool:
        return self.code is Code.NOT_FOUND

    @property
    def unavailable(self) -> bool:
        """The runtime did not answer at all (down, starting, or too slow): try again."""
        return self.code in (Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED)


class NamespaceMode(IntEnum):
    """Whose Linux namespace a container uses."""

    POD = 0
    CONTAINER = 1
    NODE = 2
    TARGET = 3


class SandboxState(IntEnum):
    READY = 0
    NOT_READY = 1


class ContainerState(IntEnum):
    CREATED = 0
    RUNNING = 1
    EXITED = 2
    UNKNOWN = 3


class MountPropagation(IntEnum):
    PRIVATE = 0
    HOST_TO_CONTAINER = 1
    BIDIRECTIONAL = 2


class ProfileType(IntEnum):
    """Seccomp and AppArmor profiles; `LOCALHOST` needs a reference."""

    RUNTIME_DEFAULT = 0
    UNCONFINED = 1
    LOCALHOST = 2


class SecurityProfile(Struct, frozen=True):
    type: ProfileType = ProfileType.RUNTIME_DEFAULT
    localhost_ref: str = ""


class NamespaceOptions(Struct, frozen=True, kw_only=True):
    network: NamespaceMode = NamespaceMode.POD
    pid: NamespaceMode = NamespaceMode.CONTAINER
    ipc: NamespaceMode = NamespaceMode.POD
    target_id: str = ""


class SELinuxOptions(Struct, frozen=True, kw_only=True):
    user: str = ""
    role: str = ""
    type: str = ""
    level: str = ""


class LinuxResources(Struct, frozen=True, kw_only=True):
    """Cgroup limits; 0 leaves a setting at the runtime's default. Times in microseconds, memory in bytes."""

    cpu_period: int = 0
    cpu_quota: int = 0
    cpu_shares: int = 0
    memory_limit_in_bytes: int = 0
    memory_swap_limit_in_bytes: int = 0
    oom_score_adj: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    hugepage_limits: Mapping[str, int] = field(default_factory=dict)
    unified: Mapping[str, str] = field(default_factory=dict)


class DNSConfig(Struct, frozen=True, kw_only=True):
    """The pod's resolv.conf. Without one the runtime uses the node's."""

    servers: Sequence[str] = ()
    searches: Sequence[str] = ()
    options: Sequence[str] = ()


class PortMapping(Struct, frozen=True, kw_only=True):
    container_port: int
    host_port: int = 0
    protocol: str = "TCP"
    host_ip: str = ""


class SandboxSecurity(Struct, frozen=True, kw_only=True):
    namespaces: NamespaceOptions = NamespaceOptions()
    run_as_user: int | None = None
    run_as_group: int | None = None
    supplemental_groups: Sequence[int] = ()
    readonly_rootfs: bool = False
    privileged: bool = False
    seccomp: SecurityProfile | None = None
    apparmor: SecurityProfile | None = None
    selinux: SELinuxOptions | None = None


class PodSandboxConfig(Struct, frozen=True, kw_only=True):
    """One pod's sandbox. (name, namespace, uid, attempt) identifies it; the runtime refuses a second one.

    `hostname` must be empty when the network namespace is the node's. `log_directory` is absolute; log
    paths of the containers are relative to it. `cgroup_parent` is an absolute cgroup path (cgroupfs driver).
    """

    name: str
    uid: str
    namespace: str
    attempt: int = 0
    hostname: str = ""
    log_directory: str = ""
    dns: DNSConfig | None = None
    port_mappings: Sequence[PortMapping] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    cgroup_parent: str = ""
    sysctls: Mapping[str, str] = field(default_factory=dict)
    security: SandboxSecurity = SandboxSecurity()
    overhead: LinuxResources | None = None
    resources: LinuxResources | None = None


class Mount(Struct, frozen=True, kw_only=True):
    container_path: str
    host_path: str
    readonly: bool = False
    propagation: MountPropagation = MountPropagation.PRIVATE
    selinux_relabel: bool = False


class Device(Struct, frozen=True, kw_only=True):
    container_path: str
    host_path: str
    permissions: str = "rwm"


class ContainerSecurity(Struct, frozen=True, kw_only=True):
    """`run_as_username` counts only when `run_as_user` is None; with neither, the image's user runs. None for
    `masked_paths` or `readonly_paths` means the usual lists, empty means no path."""

    namespaces: NamespaceOptions = NamespaceOptions()
    privileged: bool = False
    add_capabilities: Sequence[str] = ()
    drop_capabilities: Sequence[str] = ()
    run_as_user: int | None = None
    run_as_username: str = ""
    run_as_group: int | None = None
    supplemental_groups: Sequence[int] = ()
    readonly_rootfs: bool = False
    no_new_privs: bool = False
    masked_paths: Sequence[str] | None = None
    readonly_paths: Sequence[str] | None = None
    seccomp: SecurityProfile | None = None
    apparmor: SecurityProfile | None = None
    selinux: SELinuxOptions | None = None


class ContainerConfig(Struct, frozen=True, kw_only=True):
    """One container of a sandbox. (name, attempt) identifies it inside the sandbox.

    `image` is what `image_status` gave for the container's image (its id), not the user's reference.
    `log_path` is relative to the sandbox's log directory. `run_to_completion` says that the pod expects
    this container to end by itself (an init container, or restartPolicy other than Always); real runtimes
    ignore it, a simulated one ends the container with exit code 0 after a while.
    """

    name: str
    image: str
    attempt: int = 0
    user_specified_image: str = ""
    command: Sequence[str] = ()
    args: Sequence[str] = ()
    working_dir: str = ""
    envs: Sequence[tuple[str, str]] = ()
    mounts: Sequence[Mount] = ()
    devices: Sequence[Device] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    log_path: str = ""
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    resources: LinuxResources = LinuxResources()
    security: ContainerSecurity = ContainerSecurity()
    run_to_completion: bool = False


class RuntimeVersion(Struct, frozen=True, kw_only=True):
    """`runtime_name` and `runtime_version` make up nodeInfo.containerRuntimeVersion (`name://version`)."""

    runtime_name: str
    runtime_version: str
    runtime_api_version: str


class Condition(Struct, frozen=True, kw_only=True):
    type: str
    status: bool
    reason: str = ""
    message: str = ""


class RuntimeStatus(Struct, frozen=True, kw_only=True):
    """`RuntimeReady` and `NetworkReady` are the conditions every runtime reports."""

    conditions: Sequence[Condition] = ()

    def condition(self, type: str) -> Condition | None:
        return next((c for c in self.conditions if c.type == type), None)


class PodSandbox(Struct, frozen=True, kw_only=True):
    """A sandbox as lists give it (no addresses: ask for its status)."""

    id: str
    name: str
    uid: str
    namespace: str
    attempt: int
    state: SandboxState
    created_at: int
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


class PodSandboxStatus(PodSandbox, frozen=True, kw_only=True):
    """`ips` is empty for a pod in the node's network and for a sandbox that is not ready.
    `network` says whose network namespace it uses."""

    ips: Sequence[str] = ()
    network: NamespaceMode = NamespaceMode.POD


class Container(Struct, frozen=True, kw_only=True):
    """A container as lists give it. `image` is the name it was created from, `image_ref` the image's id."""

    id: str
    pod_sandbox_id: str
    name: str
    attempt: int
    image: str
    image_ref: str
    state: ContainerState
    created_at: int
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


class ContainerStatus(Struct, frozen=True, kw_only=True):
    """`exit_code`, `reason` (Completed, Error, OOMKilled, StartError, …) and `finished_at` count once the
    state is EXITED. `log_path` is absolute, or empty when the container keeps no log."""

    id: str
    name: str
    attempt: int
    state: ContainerState
    created_at: int
    started_at: int = 0
    finished_at: int = 0
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    image: str = ""
    image_ref: str = ""
    image_id: str = ""
    log_path: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[Mount] = ()
    resources: LinuxResources | None = None


class ExecResult(Struct, frozen=True):
    stdout: bytes
    stderr: bytes
    exit_code: int


class AuthConfig(Struct, frozen=True, kw_only=True):
    """Credentials for one registry; the fields of a docker config entry."""

    username: str = ""
    password: str = ""
    auth: str = ""
    server_address: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def __repr__(self) -> str:
        """Without what must not be in a log."""
        return f"AuthConfig(server_address={self.server_address!r}, …)"


class Image(Struct, frozen=True, kw_only=True):
    """`id` is the digest of the image's configuration (`sha256:…`). `uid` or `username` is the image's
    own user (both unset: root)."""

    id: str
    repo_tags: Sequence[str] = ()
    repo_digests: Sequence[str] = ()
    size_bytes: int = 0
    uid: int | None = None
    username: str = ""
    pinned: bool = False


class FilesystemUsage(Struct, frozen=True, kw_only=True):
    timestamp: int
    mountpoint: str
    used_bytes: int
    inodes_used: int


class CpuUsage(Struct, frozen=True, kw_only=True):
    """`usage_core_nanoseconds` is cumulative since the container's start; `usage_nanocores` is a rate, 0
    when the runtime gives none."""

    timestamp: int = 0
    usage_core_nanoseconds: int = 0
    usage_nanocores: int = 0


class MemoryUsage(Struct, frozen=True, kw_only=True):
    timestamp: int = 0
    working_set_bytes: int = 0
    available_bytes: int = 0
    usage_bytes: int = 0
    rss_bytes: int = 0
    page_faults: int = 0
    major_page_faults: int = 0


class ContainerStats(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    attempt: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    cpu: CpuUsage = CpuUsage()
    memory: MemoryUsage = MemoryUsage()
    writable_layer: FilesystemUsage | None = None


class NetworkUsage(Struct, frozen=True, kw_only=True):
    name: str
    rx_bytes: int = 0
    rx_errors: int = 0
    tx_bytes: int = 0
    tx_errors: int = 0


class PodSandboxStats(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    uid: str
    namespace: str
    cpu: CpuUsage = CpuUsage()
    memory: MemoryUsage = MemoryUsage()
    network: Sequence[NetworkUsage] = ()
    process_count: int = 0
    containers: Sequence[ContainerStats] = ()
