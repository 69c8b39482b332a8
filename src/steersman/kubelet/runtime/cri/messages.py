"""CRI v1 messages, built at run time from a table of names and field numbers: no generated code.

Only what this project sends or reads is listed; protobuf skips the rest. Enumerations are int32 here, which
is the same on the wire.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "runtime.v1"

# Message -> fields as `name=number[:type]`. Without a type a field is a string; `map` is string to string;
# a leading `*` repeats.
MESSAGES = {
    # Calls.
    "VersionRequest": "version=1",
    "VersionResponse": "version=1 runtime_name=2 runtime_version=3 runtime_api_version=4",
    "StatusRequest": "verbose=1:bool",
    "StatusResponse": "status=1:RuntimeStatus info=2:map",
    "RunPodSandboxRequest": "config=1:PodSandboxConfig runtime_handler=2",
    "RunPodSandboxResponse": "pod_sandbox_id=1",
    "StopPodSandboxRequest": "pod_sandbox_id=1",
    "StopPodSandboxResponse": "",
    "RemovePodSandboxRequest": "pod_sandbox_id=1",
    "RemovePodSandboxResponse": "",
    "PodSandboxStatusRequest": "pod_sandbox_id=1 verbose=2:bool",
    "PodSandboxStatusResponse": "status=1:PodSandboxStatus info=2:map",
    "ListPodSandboxRequest": "filter=1:PodSandboxFilter",
    "ListPodSandboxResponse": "items=1:*PodSandbox",
    "CreateContainerRequest": "pod_sandbox_id=1 config=2:ContainerConfig sandbox_config=3:PodSandboxConfig",
    "CreateContainerResponse": "container_id=1",
    "StartContainerRequest": "container_id=1",
    "StartContainerResponse": "",
    "StopContainerRequest": "container_id=1 timeout=2:int64",
    "StopContainerResponse": "",
    "RemoveContainerRequest": "container_id=1",
    "RemoveContainerResponse": "",
    "ListContainersRequest": "filter=1:ContainerFilter",
    "ListContainersResponse": "containers=1:*Container",
    "ContainerStatusRequest": "container_id=1 verbose=2:bool",
    "ContainerStatusResponse": "status=1:ContainerStatus info=2:map",
    "UpdateContainerResourcesRequest": "container_id=1 linux=2:LinuxContainerResources",
    "UpdateContainerResourcesResponse": "",
    "ReopenContainerLogRequest": "container_id=1",
    "ReopenContainerLogResponse": "",
    "ExecSyncRequest": "container_id=1 cmd=2:*string timeout=3:int64",
    "ExecSyncResponse": "stdout=1:bytes stderr=2:bytes exit_code=3:int32",
    "ExecRequest": "container_id=1 cmd=2:*string tty=3:bool stdin=4:bool stdout=5:bool stderr=6:bool",
    "ExecResponse": "url=1",
    "AttachRequest": "container_id=1 stdin=2:bool tty=3:bool stdout=4:bool stderr=5:bool",
    "AttachResponse": "url=1",
    "PortForwardRequest": "pod_sandbox_id=1 port=2:*int32",
    "PortForwardResponse": "url=1",
    "ContainerStatsRequest": "container_id=1",
    "ContainerStatsResponse": "stats=1:ContainerStats",
    "ListContainerStatsRequest": "filter=1:ContainerStatsFilter",
    "ListContainerStatsResponse": "stats=1:*ContainerStats",
    "PodSandboxStatsRequest": "pod_sandbox_id=1",
    "PodSandboxStatsResponse": "stats=1:PodSandboxStats",
    "ListPodSandboxStatsRequest": "filter=1:PodSandboxStatsFilter",
    "ListPodSandboxStatsResponse": "stats=1:*PodSandboxStats",
    "ListImagesRequest": "filter=1:ImageFilter",
    "ListImagesResponse": "images=1:*Image",
    "ImageStatusRequest": "image=1:ImageSpec verbose=2:bool",
    "ImageStatusResponse": "image=1:Image info=2:map",
    "PullImageRequest": "image=1:ImageSpec auth=2:AuthConfig sandbox_config=3:PodSandboxConfig",
    "PullImageResponse": "image_ref=1",
    "RemoveImageRequest": "image=1:ImageSpec",
    "RemoveImageResponse": "",
    "ImageFsInfoRequest": "",
    "ImageFsInfoResponse": "image_filesystems=1:*FilesystemUsage container_filesystems=2:*FilesystemUsage",
    # Scalars that tell zero from absent.
    "Int64Value": "value=1:int64",
    "UInt64Value": "value=1:uint64",
    # Sandboxes.
    "PodSandboxMetadata": "name=1 uid=2 namespace=3 attempt=4:uint32",
    "PodSandboxConfig": "metadata=1:PodSandboxMetadata hostname=2 log_directory=3 dns_config=4:DNSConfig"
    " port_mappings=5:*PortMapping labels=6:map annotations=7:map linux=8:LinuxPodSandboxConfig",
    "DNSConfig": "servers=1:*string searches=2:*string options=3:*string",
    "PortMapping": "protocol=1:int32 container_port=2:int32 host_port=3:int32 host_ip=4",
    "LinuxPodSandboxConfig": "cgroup_parent=1 security_context=2:LinuxSandboxSecurityContext sysctls=3:map"
    " overhead=4:LinuxContainerResources resources=5:LinuxContainerResources",
    "LinuxSandboxSecurityContext": "namespace_options=1:NamespaceOption selinux_options=2:SELinuxOption"
    " run_as_user=3:Int64Value run_as_group=8:Int64Value readonly_rootfs=4:bool"
    " supplemental_groups=5:*int64 privileged=6:bool seccomp=9:SecurityProfile apparmor=10:SecurityProfile",
    "NamespaceOption": "network=1:int32 pid=2:int32 ipc=3:int32 target_id=4",
    "SELinuxOption": "user=1 role=2 type=3 level=4",
    "SecurityProfile": "profile_type=1:int32 localhost_ref=2",
    "PodSandboxStateValue": "state=1:int32",
    "PodSandboxFilter": "id=1 state=2:PodSandboxStateValue label_selector=3:map",
    "PodSandbox": "id=1 metadata=2:PodSandboxMetadata state=3:int32 created_at=4:int64 labels=5:map annotations=6:map",
    "PodSandboxStatus": "id=1 metadata=2:PodSandboxMetadata state=3:int32 created_at=4:int64"
    " network=5:PodSandboxNetworkStatus linux=6:LinuxPodSandboxStatus labels=7:map annotations=8:map",
    "PodIP": "ip=1",
    "PodSandboxNetworkStatus": "ip=1 additional_ips=2:*PodIP",
    "Namespace": "options=2:NamespaceOption",
    "LinuxPodSandboxStatus": "namespaces=1:Namespace",
    # Containers.
    "ContainerMetadata": "name=1 attempt=2:uint32",
    "ContainerConfig": "metadata=1:ContainerMetadata image=2:ImageSpec command=3:*string args=4:*string"
    " working_dir=5 envs=6:*KeyValue mounts=7:*Mount devices=8:*Device labels=9:map annotations=10:map"
    " log_path=11 stdin=12:bool stdin_once=13:bool tty=14:bool linux=15:LinuxContainerConfig",
    "KeyValue": "key=1 value=2:bytes",
    "Mount": "container_path=1 host_path=2 readonly=3:bool selinux_relabel=4:bool propagation=5:int32",
    "Device": "container_path=1 host_path=2 permissions=3",
    "LinuxContainerConfig": "resources=1:LinuxContainerResources security_context=2:LinuxContainerSecurityContext",
    "LinuxContainerResources": "cpu_period=1:int64 cpu_quota=2:int64 cpu_shares=3:int64"
    " memory_limit_in_bytes=4:int64 oom_score_adj=5:int64 cpuset_cpus=6 cpuset_mems=7"
    " hugepage_limits=8:*HugepageLimit unified=9:map memory_swap_limit_in_bytes=10:int64",
    "HugepageLimit": "page_size=1 limit=2:uint64",
    "Capability": "add_capabilities=1:*string drop_capabilities=2:*string",
    "LinuxContainerSecurityContext": "capabilities=1:Capability privileged=2:bool"
    " namespace_options=3:NamespaceOption selinux_options=4:SELinuxOption run_as_user=5:Int64Value"
    " run_as_group=12:Int64Value run_as_username=6 readonly_rootfs=7:bool supplemental_groups=8:*int64"
    " no_new_privs=11:bool masked_paths=13:*string readonly_paths=14:*string seccomp=15:SecurityProfile"
    " apparmor=16:SecurityProfile",
    "ContainerStateValue": "state=1:int32",
    "ContainerFilter": "id=1 state=2:ContainerStateValue pod_sandbox_id=3 label_selector=4:map",
    "Container": "id=1 pod_sandbox_id=2 metadata=3:ContainerMetadata image=4:ImageSpec image_ref=5"
    " state=6:int32 created_at=7:int64 labels=8:map annotations=9:map image_id=10",
    "ContainerStatus": "id=1 metadata=2:ContainerMetadata state=3:int32 created_at=4:int64 started_at=5:int64"
    " finished_at=6:int64 exit_code=7:int32 image=8:ImageSpec image_ref=9 reason=10 message=11 labels=12:map"
    " annotations=13:map mounts=14:*Mount log_path=15 resources=16:ContainerResources image_id=17",
    "ContainerResources": "linux=1:LinuxContainerResources",
    # The runtime itself.
    "RuntimeStatus": "conditions=1:*RuntimeCondition",
    "RuntimeCondition": "type=1 status=2:bool reason=3 message=4",
    # Images.
    "ImageSpec": "image=1 annotations=2:map user_specified_image=18",
    "ImageFilter": "image=1:ImageSpec",
    "Image": "id=1 repo_tags=2:*string repo_digests=3:*string size=4:uint64 uid=5:Int64Value username=6 pinned=8:bool",
    "AuthConfig": "username=1 password=2 auth=3 server_address=4 identity_token=5 registry_token=6",
    "FilesystemIdentifier": "mountpoint=1",
    "FilesystemUsage": "timestamp=1:int64 fs_id=2:FilesystemIdentifier used_bytes=3:UInt64Value"
    " inodes_used=4:UInt64Value",
    # Usage.
    "ContainerStatsFilter": "id=1 pod_sandbox_id=2 label_selector=3:map",
    "ContainerAttributes": "id=1 metadata=2:ContainerMetadata labels=3:map annotations=4:map",
    "ContainerStats": "attributes=1:ContainerAttributes cpu=2:CpuUsage memory=3:MemoryUsage"
    " writable_layer=4:FilesystemUsage",
    "CpuUsage": "timestamp=1:int64 usage_core_nano_seconds=2:UInt64Value usage_nano_cores=3:UInt64Value",
    "MemoryUsage": "timestamp=1:int64 working_set_bytes=2:UInt64Value available_bytes=3:UInt64Value"
    " usage_bytes=4:UInt64Value rss_bytes=5:UInt64Value page_faults=6:UInt64Value"
    " major_page_faults=7:UInt64Value",
    "PodSandboxStatsFilter": "id=1 label_selector=2:map",
    "PodSandboxAttributes": "id=1 metadata=2:PodSandboxMetadata labels=3:map annotations=4:map",
    "PodSandboxStats": "attributes=1:PodSandboxAttributes linux=2:LinuxPodSandboxStats",
    "LinuxPodSandboxStats": "cpu=1:CpuUsage memory=2:MemoryUsage network=3:NetworkUsage process=4:ProcessUsage"
    " containers=5:*ContainerStats",
    "NetworkUsage": "timestamp=1:int64 default_interface=2:NetworkInterfaceUsage interfaces=3:*NetworkInterfaceUsage",
    "NetworkInterfaceUsage": "name=1 rx_bytes=2:UInt64Value rx_errors=3:UInt64Value tx_bytes=4:UInt64Value"
    " tx_errors=5:UInt64Value",
    "ProcessUsage": "timestamp=1:int64 process_count=2:UInt64Value",
}

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
    "bool": _Field.TYPE_BOOL,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
}


def _add_map(message: descriptor_pb2.DescriptorProto, field: str) -> str:
    """A map is a repeated nested message of key and value, named after its field."""
    entry = "".join(part.capitalize() for part in field.split("_")) + "Entry"
    nested = message.nested_type.add(name=entry)
    nested.options.map_entry = True
    for number, name in enumerate(("key", "value"), start=1):
        nested.field.add(name=name, number=number, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    return entry


def _add_field(message: descriptor_pb2.DescriptorProto, declaration: str) -> None:
    name, _, rest = declaration.partition("=")
    number, _, kind = rest.partition(":")
    repeated = kind.startswith("*") or kind == "map"
    kind = kind.removeprefix("*") or "string"
    label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
    field = message.field.add(name=name, number=int(number), label=label)
    if kind == "map":
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{message.name}.{_add_map(message, name)}"
    elif kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{kind}"


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(name="cri.proto", package=PACKAGE, syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for declaration in fields.split():
            _add_field(message, declaration)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


@cache
def message(name: str) -> Any:
    """The message class of that name. Its constructor takes dicts for the messages inside."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))
