"""The controls of the Pod Security Standards, by the names that these give them: pods that pass and pods that do not."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.api import codec
from steersman.apiserver.podsecurity.standards import discover, newest
from steersman.apiserver.podsecurity.subject import Subject
from steersman.kinds.types.core_v1 import Pod

CONTROLS = {control.name: control for control in discover()}


def made(*contexts: dict[str, Any], annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod with a container for each security context: c0, c1, …"""
    containers = [{"name": f"c{i}", "image": "x", "securityContext": context} for i, context in enumerate(contexts)]
    return {
        "metadata": {"name": "p", "annotations": annotations or {}},
        "spec": {"containers": containers or [{"name": "c0", "image": "x"}], **spec},
    }


def of_pod(**context: Any) -> dict[str, Any]:
    return made(securityContext=context)


def with_container(where: str = "containers", **more: Any) -> dict[str, Any]:
    pod = made()
    pod["spec"][where] = [{"name": "c0", "image": "x", **more}]
    return pod


def with_volume(**source: Any) -> dict[str, Any]:
    return made(volumes=[{"name": "v", **source}])


ESCALATES = 'allowPrivilegeEscalation != false (container "c0" must set securityContext.allowPrivilegeEscalation=false)'
NOT_NON_ROOT = 'runAsNonRoot != true (pod or container "c0" must set securityContext.runAsNonRoot=true)'
DROP_ALL = 'unrestricted capabilities (container "c0" must set securityContext.capabilities.drop=["ALL"])'
NO_SECCOMP = (
    'seccompProfile (pod or container "c0" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
    '"Localhost")'
)
WINDOWS = {"os": {"name": "windows"}}
UNMASKED = {"procMount": "Unmasked"}
UNMASKED_TEXT = 'procMount (container "c0" must not set securityContext.procMount to "Unmasked")'
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_OF = "container.seccomp.security.alpha.kubernetes.io/"
HTTP = {"httpGet": {"port": 80, "host": "10.0.0.1"}}
TCP = {"tcpSocket": {"port": 80, "host": "other"}}
OWN = {"httpGet": {"port": 80}}

BASELINE: list[tuple[str, str, int, dict[str, Any], str]] = [
    # The standard's name of the control, ours, the version, the pod, what is said about it.
    ("HostProcess", "windowsHostProcess", 0, made(), ""),
    ("HostProcess", "windowsHostProcess", 0, of_pod(windowsOptions={"hostProcess": False}), ""),
    (
        "HostProcess", "windowsHostProcess", 0,
        made({"windowsOptions": {"hostProcess": True}}, securityContext={"windowsOptions": {"hostProcess": True}}),
        'hostProcess (pod and container "c0" must not set securityContext.windowsOptions.hostProcess=true)',
    ),
    ("Host Namespaces", "hostNamespaces", 0, made(hostNetwork=False), ""),
    ("Host Namespaces", "hostNamespaces", 0, made(hostNetwork=True), "host namespaces (hostNetwork=true)"),
    (
        "Host Namespaces", "hostNamespaces", 0, made(hostPID=True, hostIPC=True),
        "host namespaces (hostPID=true, hostIPC=true)",
    ),
    ("Privileged Containers", "privileged", 0, made({"privileged": False}), ""),
    (
        "Privileged Containers", "privileged", 0, made({"privileged": True}, {}, {"privileged": True}),
        'privileged (containers "c0", "c2" must not set securityContext.privileged=true)',
    ),
    (
        "Privileged Containers", "privileged", 0, with_container("initContainers", securityContext={"privileged": True}),
        'privileged (container "c0" must not set securityContext.privileged=true)',
    ),
    (
        "Privileged Containers", "privileged", 0,
        with_container("ephemeralContainers", securityContext={"privileged": True}),
        'privileged (container "c0" must not set securityContext.privileged=true)',
    ),
    ("Capabilities", "capabilities_baseline", 0, made({"capabilities": {"add": ["CHOWN", "SYS_CHROOT"]}}), ""),
    (
        "Capabilities", "capabilities_baseline", 0,
        made({"capabilities": {"add": ["NET_RAW", "KILL"]}}, {"capabilities": {"add": ["ALL", "CAP_CHOWN"]}}),
        'non-default capabilities (containers "c0", "c1" must not include "ALL", "CAP_CHOWN", "NET_RAW" in '
        "securityContext.capabilities.add)",
    ),
    ("HostPath Volumes", "hostPathVolumes", 0, with_volume(emptyDir={}), ""),
    (
        "HostPath Volumes", "hostPathVolumes", 0,
        made(volumes=[{"name": "a", "hostPath": {"path": "/a"}}, {"name": "b", "hostPath": {"path": "/b"}}]),
        'hostPath volumes (volumes "a", "b")',
    ),
    ("Host Ports", "hostPorts", 0, with_container(ports=[{"containerPort": 80, "hostPort": 0}]), ""),
    (
        "Host Ports", "hostPorts", 0, with_container(ports=[{"containerPort": 80, "hostPort": 8080}]),
        'hostPort (container "c0" uses hostPort 8080)',
    ),
    (
        "Host Ports", "hostPorts", 0,
        with_container(ports=[{"containerPort": 1, "hostPort": 9}, {"containerPort": 2, "hostPort": 10}]),
        'hostPort (container "c0" uses hostPorts 10, 9)',
    ),
    ("Host Probes / Lifecycle Hooks", "hostProbesAndHostLifecycle", 34, with_container(livenessProbe=OWN), ""),
    *(
        (
            "Host Probes / Lifecycle Hooks", "hostProbesAndHostLifecycle", 34, with_container(**{probe: HTTP}),
            'probe or lifecycle host (container "c0" uses probe or lifecycle host "10.0.0.1")',
        )
        for probe in ("livenessProbe", "readinessProbe", "startupProbe")
    ),
    (
        "Host Probes / Lifecycle Hooks", "hostProbesAndHostLifecycle", 34,
        with_container("initContainers", lifecycle={"postStart": HTTP, "preStop": TCP}),
        'probe or lifecycle host (container "c0" uses probe or lifecycle hosts "10.0.0.1", "other")',
    ),
    ("AppArmor", "appArmorProfile", 0, made({"appArmorProfile": {"type": "Localhost"}}), ""),
    ("AppArmor", "appArmorProfile", 0, of_pod(appArmorProfile={"type": "RuntimeDefault"}), ""),
    ("AppArmor", "appArmorProfile", 0, made(annotations={APPARMOR + "c0": "localhost/x", APPARMOR + "c1": ""}), ""),
    (
        "AppArmor", "appArmorProfile", 0, of_pod(appArmorProfile={"type": "Unconfined"}),
        'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
    ),
    (
        "AppArmor", "appArmorProfile", 0,
        made({"appArmorProfile": {"type": "Unconfined"}}, annotations={APPARMOR + "c0": "unconfined"}),
        'forbidden AppArmor profiles (container "c0" and annotation must not set AppArmor profile type to "Unconfined", '
        f'"{APPARMOR}c0="unconfined"")',
    ),
    ("SELinux", "seLinuxOptions", 0, of_pod(seLinuxOptions={"type": "container_t", "level": "s0"}), ""),
    (
        "SELinux", "seLinuxOptions", 0, of_pod(seLinuxOptions={"type": "container_engine_t"}),
        'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "container_engine_t")',
    ),
    ("SELinux", "seLinuxOptions", 31, of_pod(seLinuxOptions={"type": "container_engine_t"}), ""),
    (
        "SELinux", "seLinuxOptions", 31,
        made({"seLinuxOptions": {"type": "a", "user": "u"}}, securityContext={"seLinuxOptions": {"type": "b", "role": "r"}}),
        'seLinuxOptions (pod and container "c0" set forbidden securityContext.seLinuxOptions: types "a", "b"; '
        "user may not be set; role may not be set)",
    ),
    ("/proc Mount Type", "procMount", 0, made({"procMount": "Default"}), ""),
    ("/proc Mount Type", "procMount", 0, made(UNMASKED, hostUsers=False), UNMASKED_TEXT),
    ("/proc Mount Type", "procMount", 35, made(UNMASKED, hostUsers=False), ""),
    ("/proc Mount Type", "procMount", 35, made(UNMASKED, hostUsers=True), UNMASKED_TEXT),
    ("Seccomp", "seccompProfile_baseline", 0, made(annotations={SECCOMP: "docker/default"}), ""),
    ("Seccomp", "seccompProfile_baseline", 0, made(annotations={SECCOMP_OF + "none": "unconfined"}), ""),
    (
        "Seccomp", "seccompProfile_baseline", 0, made(annotations={SECCOMP: "unconfined", SECCOMP_OF + "c0": 'a"b'}),
        f'seccompProfile (forbidden annotations {SECCOMP_OF}c0="a\\"b", {SECCOMP}="unconfined")',
    ),
    ("Seccomp", "seccompProfile_baseline", 19, of_pod(seccompProfile={"type": "RuntimeDefault"}), ""),
    ("Seccomp", "seccompProfile_baseline", 19, made(annotations={SECCOMP: "unconfined"}), ""),
    (
        "Seccomp", "seccompProfile_baseline", 19,
        made({"seccompProfile": {"type": "Unconfined"}}, securityContext={"seccompProfile": {"type": "Other"}}),
        'seccompProfile (pod and container "c0" must not set securityContext.seccompProfile.type to "Other", "Unconfined")',
    ),
    *(
        row
        for since, before, name in (
            (0, -1, "kernel.shm_rmid_forced"),
            (27, 0, "net.ipv4.ip_local_reserved_ports"),
            (29, 27, "net.ipv4.tcp_keepalive_time"),
            (32, 29, "net.ipv4.tcp_rmem"),
            (37, 32, "net.ipv4.tcp_notsent_lowat"),
        )
        for row in (
            ("Sysctls", "sysctls", since, of_pod(sysctls=[{"name": name, "value": "1"}]), ""),
            ("Sysctls", "sysctls", since, of_pod(sysctls=[{"name": "a", "value": "1"}]), "forbidden sysctls (a)"),
            ("Sysctls", "sysctls", before, of_pod(sysctls=[{"name": name, "value": "1"}]), f"forbidden sysctls ({name})"),
        )
        if row[2] >= 0
    ),
]  # fmt: skip

RESTRICTED: list[tuple[str, str, int, dict[str, Any], str]] = [
    ("Volume Types", "restrictedVolumes", 0, with_volume(ephemeral={}), ""),
    ("Volume Types", "restrictedVolumes", 0, with_volume(image={"reference": "x"}), ""),
    (
        "Volume Types", "restrictedVolumes", 0, with_volume(nfs={"server": "s", "path": "/"}),
        'restricted volume types (volume "v" uses restricted volume type "nfs")',
    ),
    (
        "Volume Types", "restrictedVolumes", 0,
        made(volumes=[{"name": "a"}, {"name": "b", "hostPath": {"path": "/"}}, {"name": "c", "emptyDir": {}}]),
        'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "unknown")',
    ),
    ("Privilege Escalation", "allowPrivilegeEscalation", 8, made({"allowPrivilegeEscalation": False}), ""),
    ("Privilege Escalation", "allowPrivilegeEscalation", 8, made({}, **WINDOWS), ESCALATES),
    ("Privilege Escalation", "allowPrivilegeEscalation", 25, made({}, **WINDOWS), ""),
    ("Privilege Escalation", "allowPrivilegeEscalation", 25, made({"allowPrivilegeEscalation": True}), ESCALATES),
    ("Running as Non-root", "runAsNonRoot", 0, of_pod(runAsNonRoot=True), ""),
    ("Running as Non-root", "runAsNonRoot", 0, made({"runAsNonRoot": True}), ""),
    ("Running as Non-root", "runAsNonRoot", 0, made(hostUsers=False), NOT_NON_ROOT),
    (
        "Running as Non-root", "runAsNonRoot", 0,
        made({"runAsNonRoot": False}, {}, securityContext={"runAsNonRoot": False}),
        'runAsNonRoot != true (pod and container "c0" must not set securityContext.runAsNonRoot=false)',
    ),
    ("Running as Non-root", "runAsNonRoot", 35, made(hostUsers=False), ""),
    ("Running as Non-root", "runAsNonRoot", 35, made({"runAsNonRoot": True}, {}), NOT_NON_ROOT.replace("c0", "c1")),
    ("Running as Non-root user", "runAsUser", 23, of_pod(runAsUser=1000), ""),
    (
        "Running as Non-root user", "runAsUser", 23, made({"runAsUser": 0}, hostUsers=False),
        'runAsUser=0 (container "c0" must not set runAsUser=0)',
    ),
    ("Running as Non-root user", "runAsUser", 35, made({"runAsUser": 0}, hostUsers=False), ""),
    ("Running as Non-root user", "runAsUser", 35, of_pod(runAsUser=0), "runAsUser=0 (pod must not set runAsUser=0)"),
    ("Seccomp", "seccompProfile_restricted", 19, of_pod(seccompProfile={"type": "Localhost"}), ""),
    ("Seccomp", "seccompProfile_restricted", 19, made({"seccompProfile": {"type": "RuntimeDefault"}}), ""),
    ("Seccomp", "seccompProfile_restricted", 19, made(**WINDOWS), NO_SECCOMP),
    ("Seccomp", "seccompProfile_restricted", 25, made(**WINDOWS), ""),
    ("Seccomp", "seccompProfile_restricted", 25, made(), NO_SECCOMP),
    (
        "Seccomp", "seccompProfile_restricted", 25, of_pod(seccompProfile={"type": "Unconfined"}),
        'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ),
    (
        "Capabilities", "capabilities_restricted", 22,
        made({"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}), "",
    ),
    ("Capabilities", "capabilities_restricted", 22, made(**WINDOWS), DROP_ALL),
    ("Capabilities", "capabilities_restricted", 25, made(**WINDOWS), ""),
    ("Capabilities", "capabilities_restricted", 25, made({"capabilities": {"drop": ["NET_RAW"]}}), DROP_ALL),
    (
        "Capabilities", "capabilities_restricted", 25, made({}, {"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}),
        f'{DROP_ALL[:-1]}; container "c1" must not include "CHOWN" in securityContext.capabilities.add)',
    ),
    ("/proc Mount Type", "procMount_restricted", 35, made({"procMount": "Default"}, hostUsers=False), ""),
    ("/proc Mount Type", "procMount_restricted", 35, made(UNMASKED, hostUsers=False), UNMASKED_TEXT),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "minor", "pod", "expected"),
    [
        pytest.param(*row[1:], id=f"{row[0]} v1.{row[2]} {'fails' if row[4] else 'passes'}")
        for row in BASELINE + RESTRICTED
    ],
)
def test_control(name: str, minor: int, pod: dict[str, Any], expected: str) -> None:
    decoded, problems = codec.from_builtins(Pod, pod)
    assert not problems
    check = CONTROLS[name].at(minor)
    assert check is not None
    found = check(Subject.of(decoded.metadata.annotations, decoded.spec))
    assert ("" if found is None else f"{found.reason} ({found.detail})") == expected


@pytest.mark.parametrize("rows", [BASELINE, RESTRICTED], ids=["baseline", "restricted"])
def test_every_version_of_every_control_has_a_pod_that_passes_and_one_that_fails(
    rows: list[tuple[str, str, int, dict[str, Any], str]],
) -> None:
    level = "baseline" if rows is BASELINE else "restricted"
    steps = {(c.name, minor) for c in discover() if c.level == level for minor in c.versions}
    assert {(name, minor) for _, name, minor, _, said in rows if said} >= steps
    assert {(name, minor) for _, name, minor, _, said in rows if not said} >= steps
    assert {(name, minor) for _, name, minor, _, _ in rows} == steps


def test_versions() -> None:
    """When what was asked changed."""
    assert newest() == 37
    assert {control.name: (control.level, *control.versions) for control in discover()} == {
        "appArmorProfile": ("baseline", 0),
        "capabilities_baseline": ("baseline", 0),
        "hostNamespaces": ("baseline", 0),
        "hostPathVolumes": ("baseline", 0),
        "hostPorts": ("baseline", 0),
        "hostProbesAndHostLifecycle": ("baseline", 34),
        "privileged": ("baseline", 0),
        "procMount": ("baseline", 0, 35),
        "seLinuxOptions": ("baseline", 0, 31),
        "seccompProfile_baseline": ("baseline", 0, 19),
        "sysctls": ("baseline", 0, 27, 29, 32, 37),
        "windowsHostProcess": ("baseline", 0),
        "allowPrivilegeEscalation": ("restricted", 8, 25),
        "capabilities_restricted": ("restricted", 22, 25),
        "procMount_restricted": ("restricted", 35),
        "restrictedVolumes": ("restricted", 0),
        "runAsNonRoot": ("restricted", 0, 35),
        "runAsUser": ("restricted", 23, 35),
        "seccompProfile_restricted": ("restricted", 19, 25),
    }
