"""Values to CRI messages and back, through the wire format."""

from __future__ import annotations

from typing import Any

from steersman.kubelet.runtime.cri import convert
from steersman.kubelet.runtime.cri.messages import MESSAGES, message
from steersman.kubelet.runtime.types import (
    AuthConfig,
    ContainerConfig,
    ContainerSecurity,
    ContainerState,
    Device,
    DNSConfig,
    LinuxResources,
    Mount,
    MountPropagation,
    NamespaceMode,
    NamespaceOptions,
    PodSandboxConfig,
    PortMapping,
    ProfileType,
    SandboxSecurity,
    SandboxState,
    SecurityProfile,
    SELinuxOptions,
)


def wire(name: str, fields: dict[str, Any]) -> Any:
    made = message(name)(**fields)
    return message(name).FromString(made.SerializeToString())


def test_table_is_complete_and_numbers_are_unique() -> None:
    for name, fields in MESSAGES.items():
        message(name)
        numbers = [field.partition("=")[2].partition(":")[0] for field in fields.split()]
        assert len(set(numbers)) == len(numbers), name


def test_bytes_on_the_wire() -> None:
    fields = {"container_id": "ab", "timeout": 3}
    assert message("StopContainerRequest")(**fields).SerializeToString() == b"\x0a\x02ab\x10\x03"


def test_sandbox_config() -> None:
    config = PodSandboxConfig(
        name="n",
        uid="u",
        namespace="ns",
        attempt=2,
        hostname="h",
        log_directory="/l",
        dns=DNSConfig(servers=["10.0.0.10"], searches=["a.b"], options=["ndots:5"]),
        port_mappings=[PortMapping(container_port=53, host_port=5353, protocol="UDP", host_ip="127.0.0.1")],
        labels={"a": "b"},
        annotations={"c": "d"},
        cgroup_parent="/kubepods",
        sysctls={"net.x": "1"},
        security=SandboxSecurity(
            namespaces=NamespaceOptions(network=NamespaceMode.NODE, pid=NamespaceMode.POD),
            run_as_user=0,
            supplemental_groups=[1, 2],
            seccomp=SecurityProfile(ProfileType.UNCONFINED),
        ),
        overhead=LinuxResources(cpu_shares=2),
    )
    found = wire("PodSandboxConfig", convert.sandbox_fields(config))
    metadata = found.metadata
    assert (metadata.name, metadata.uid, metadata.namespace, metadata.attempt) == ("n", "u", "ns", 2)
    assert (found.hostname, found.log_directory) == ("h", "/l")
    assert (list(found.dns_config.servers), list(found.dns_config.options)) == (["10.0.0.10"], ["ndots:5"])
    port = found.port_mappings[0]
    assert (port.protocol, port.container_port, port.host_port, port.host_ip) == (1, 53, 5353, "127.0.0.1")
    assert (dict(found.labels), dict(found.annotations)) == ({"a": "b"}, {"c": "d"})
    assert found.linux.cgroup_parent == "/kubepods"
    assert dict(found.linux.sysctls) == {"net.x": "1"}
    assert found.linux.overhead.cpu_shares == 2
    assert not found.linux.HasField("resources")
    security = found.linux.security_context
    assert (security.namespace_options.network, security.namespace_options.pid) == (2, 0)
    assert security.HasField("run_as_user")
    assert not security.HasField("run_as_group")
    assert list(security.supplemental_groups) == [1, 2]
    assert security.seccomp.profile_type == 1
    assert not security.HasField("apparmor")


def test_container_config() -> None:
    config = ContainerConfig(
        name="c",
        attempt=1,
        image="sha256:1",
        user_specified_image="nginx",
        command=["a"],
        args=["b"],
        working_dir="/w",
        envs=[("K", "v=ü")],
        mounts=[Mount(container_path="/c", host_path="/h", readonly=True, propagation=MountPropagation.BIDIRECTIONAL)],
        devices=[Device(container_path="/dev/x", host_path="/dev/y")],
        log_path="c/0.log",
        stdin=True,
        stdin_once=True,
        tty=True,
        resources=LinuxResources(
            cpu_quota=-1, memory_limit_in_bytes=1 << 30, hugepage_limits={"2MB": 4}, unified={"memory.high": "1"}
        ),
        security=ContainerSecurity(
            add_capabilities=["NET_ADMIN"],
            drop_capabilities=["ALL"],
            run_as_user=1000,
            run_as_username="ignored",
            no_new_privs=True,
            selinux=SELinuxOptions(level="s0"),
            apparmor=SecurityProfile(ProfileType.LOCALHOST, "p"),
        ),
    )
    found = wire("ContainerConfig", convert.container_fields(config))
    assert (found.metadata.name, found.metadata.attempt) == ("c", 1)
    assert (found.image.image, found.image.user_specified_image) == ("sha256:1", "nginx")
    assert (list(found.command), list(found.args), found.working_dir) == (["a"], ["b"], "/w")
    assert (found.envs[0].key, found.envs[0].value) == ("K", "v=ü".encode())
    mount = found.mounts[0]
    assert (mount.container_path, mount.host_path, mount.readonly, mount.propagation) == ("/c", "/h", True, 2)
    assert found.devices[0].permissions == "rwm"
    assert (found.stdin, found.stdin_once, found.tty) == (True, True, True)
    resources = found.linux.resources
    assert (resources.cpu_quota, resources.memory_limit_in_bytes) == (-1, 1 << 30)
    assert (resources.hugepage_limits[0].page_size, resources.hugepage_limits[0].limit) == ("2MB", 4)
    assert dict(resources.unified) == {"memory.high": "1"}
    security = found.linux.security_context
    assert list(security.capabilities.add_capabilities) == ["NET_ADMIN"]
    assert list(security.capabilities.drop_capabilities) == ["ALL"]
    assert (security.run_as_user.value, security.run_as_username) == (1000, "")
    assert security.no_new_privs
    assert security.selinux_options.level == "s0"
    assert (security.apparmor.profile_type, security.apparmor.localhost_ref) == (2, "p")
    assert "/proc/kcore" in security.masked_paths
    assert "/proc/sys" in security.readonly_paths


def test_no_masked_paths() -> None:
    config = ContainerConfig(name="c", image="i", security=ContainerSecurity(masked_paths=(), readonly_paths=()))
    security = wire("ContainerConfig", convert.container_fields(config)).linux.security_context
    assert list(security.masked_paths) == []
    assert list(security.readonly_paths) == []


def test_auth() -> None:
    assert convert.auth_fields(None) is None
    found = wire("AuthConfig", convert.auth_fields(AuthConfig(username="u", registry_token="t")) or {})
    assert (found.username, found.password, found.registry_token) == ("u", "", "t")


def test_filters() -> None:
    fields = convert.filter_fields(id="x", pod_sandbox_id="", state=ContainerState.CREATED, labels={"a": "b"})
    found = wire("ContainerFilter", fields)
    assert (found.id, found.pod_sandbox_id, found.HasField("state")) == ("x", "", True)
    assert dict(found.label_selector) == {"a": "b"}
    assert not wire("ContainerFilter", convert.filter_fields(state=None, labels=None)).HasField("state")


def test_sandbox_status() -> None:
    fields = {
        "id": "s",
        "metadata": {"name": "n", "uid": "u", "namespace": "ns", "attempt": 1},
        "state": 1,
        "created_at": 5,
        "network": {"ip": "10.0.0.1", "additional_ips": [{"ip": "fd00::1"}]},
        "linux": {"namespaces": {"options": {"network": 2}}},
        "labels": {"a": "b"},
    }
    found = convert.sandbox_status(wire("PodSandboxStatus", fields))
    assert (found.id, found.name, found.uid, found.namespace, found.attempt) == ("s", "n", "u", "ns", 1)
    assert (found.state, found.created_at) == (SandboxState.NOT_READY, 5)
    assert found.ips == ("10.0.0.1", "fd00::1")
    assert found.network is NamespaceMode.NODE
    assert found.labels == {"a": "b"}


def test_container_status() -> None:
    fields = {
        "id": "c",
        "metadata": {"name": "n", "attempt": 3},
        "state": 2,
        "created_at": 1,
        "started_at": 2,
        "finished_at": 3,
        "exit_code": 137,
        "image": {"image": "nginx"},
        "image_ref": "sha256:1",
        "reason": "OOMKilled",
        "log_path": "/l",
        "mounts": [{"container_path": "/c", "host_path": "/h", "propagation": 1}],
        "resources": {"linux": {"cpu_shares": 7}},
    }
    found = convert.container_status(wire("ContainerStatus", fields))
    assert (found.name, found.attempt, found.state) == ("n", 3, ContainerState.EXITED)
    assert (found.created_at, found.started_at, found.finished_at) == (1, 2, 3)
    assert (found.exit_code, found.reason) == (137, "OOMKilled")
    assert (found.image, found.image_ref, found.image_id) == ("nginx", "sha256:1", "sha256:1")
    assert found.mounts[0].propagation is MountPropagation.HOST_TO_CONTAINER
    assert found.resources == LinuxResources(cpu_shares=7)
    assert convert.container_status(wire("ContainerStatus", {})).resources is None


def test_image_user() -> None:
    assert convert.image(wire("Image", {"id": "i", "uid": {"value": 0}})).uid == 0
    assert convert.image(wire("Image", {"id": "i", "username": "www"})).uid is None


def test_stats() -> None:
    container = {
        "attributes": {"id": "c", "metadata": {"name": "n"}},
        "cpu": {"timestamp": 1, "usage_core_nano_seconds": {"value": 9}},
        "memory": {"working_set_bytes": {"value": 8}},
        "writable_layer": {"fs_id": {"mountpoint": "/m"}, "used_bytes": {"value": 7}},
    }
    found = convert.container_stats(wire("ContainerStats", container))
    assert (found.cpu.usage_core_nanoseconds, found.memory.working_set_bytes) == (9, 8)
    assert found.writable_layer is not None
    assert (found.writable_layer.mountpoint, found.writable_layer.used_bytes) == ("/m", 7)
    pod = {
        "attributes": {"id": "s", "metadata": {"name": "n", "uid": "u", "namespace": "ns"}},
        "linux": {
            "network": {"default_interface": {"name": "eth0", "rx_bytes": {"value": 5}}},
            "process": {"process_count": {"value": 2}},
            "containers": [container],
        },
    }
    stats = convert.sandbox_stats(wire("PodSandboxStats", pod))
    assert (stats.id, stats.name, stats.process_count) == ("s", "n", 2)
    assert [(n.name, n.rx_bytes) for n in stats.network] == [("eth0", 5)]
    assert stats.containers == [found]
