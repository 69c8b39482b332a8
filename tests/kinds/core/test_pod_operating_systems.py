"""What pods ask of their operating system: options for Windows, and nothing of the system they do not run on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from steersman.kinds.core.pod import KIND

ErrorsOf = Callable[..., list[str]]

POD = "{metadata: {name: web, namespace: default}, spec: {containers: [{name: c, image: nginx}]}}"
C = "spec.containers[0]"
OPTIONS = "spec.securityContext.windowsOptions"
CANNOT = "Forbidden: cannot be set for a windows pod"
LINUX = "Forbidden: windows options cannot be set for a linux pod"


def _container(extra: str, os: str = "null") -> str:
    return f"spec: {{os: {os}, containers: [{{name: c, image: nginx, {extra}}}]}}"


def _options(options: str) -> str:
    return f"spec: {{securityContext: {{windowsOptions: {{{options}}}}}}}"


@pytest.mark.parametrize(
    "change",
    [
        _container("securityContext: {windowsOptions: {runAsUserName: 'CORP\\me'}}", "{name: windows}"),
        _options("gmsaCredentialSpecName: a.b, runAsUserName: 'corp.example\\me'"),
        "spec: {hostNetwork: true, securityContext: {windowsOptions: {hostProcess: true}}}",
    ],
)
def test_good(change: str, errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, POD, change) == []


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        (_container("securityContext: {procMount: Unmasked}"), [f'{C}.securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`']),
        (_options("runAsUserName: 'a\\b\\c'"), [f'{OPTIONS}.runAsUserName: Invalid value: "a\\\\b\\\\c": runAsUserName cannot contain more than one backslash']),
        (_options("runAsUserName: 'a b\\'"), [f'{OPTIONS}.runAsUserName: Invalid value: "a b\\\\": runAsUserName\'s User cannot be empty']),
        (_options("runAsUserName: '. .'"), [f'{OPTIONS}.runAsUserName: Invalid value: ". .": runAsUserName\'s User cannot contain only periods or spaces']),
        (_options("runAsUserName: 'a|b'"), [f'{OPTIONS}.runAsUserName: Invalid value: "a|b": runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]']),
        (_options("hostProcess: true"), ["spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers"]),
        ("spec: {hostNetwork: true, containers: [{name: c, image: x, securityContext: {windowsOptions: {hostProcess: true}}}, {name: d, image: x}]}", ['spec: Invalid value: "": If pod contains any hostProcess containers then all containers must be HostProcess containers']),
        ("spec: {hostNetwork: true, securityContext: {windowsOptions: {hostProcess: true}}, containers: [{name: c, image: x, securityContext: {windowsOptions: {hostProcess: false}}}]}", [f"{C}.securityContext.windowsOptions.hostProcess: Invalid value: false: pod hostProcess value must be identical if both are specified, was true"]),
        ("spec: {os: {name: plan9}}", ['spec.os: Unsupported value: "plan9": supported values: "linux", "windows"']),
        ("spec: {os: {name: ''}}", ["spec.os.name: Required value"]),
        ("spec: {os: {name: windows}, hostPID: true, securityContext: {fsGroup: 1, seLinuxOptions: {level: a}}}", [f"spec.securityContext.seLinuxOptions: {CANNOT}", f"spec.securityContext.fsGroup: {CANNOT}", f"spec.hostPID: {CANNOT}"]),
        ("spec: {os: {name: windows}, hostPID: false, hostUsers: false, shareProcessNamespace: false}", [f"spec.hostUsers: {CANNOT}", f"spec.shareProcessNamespace: {CANNOT}"]),
        ("spec: {os: {name: windows}, resources: {limits: {cpu: 1}}}", ["spec.resources: Forbidden: may not be set for a windows pod"]),
        (_container("securityContext: {privileged: false, runAsUser: 1}", "{name: windows}"), [f"{C}.securityContext.privileged: {CANNOT}", f"{C}.securityContext.runAsUser: {CANNOT}"]),
        (_container("securityContext: {windowsOptions: {}}", "{name: linux}"), [f"{C}.securityContext.windowsOptions: {LINUX}"]),
        ("spec: {os: {name: linux}, securityContext: {windowsOptions: {}}}", [f"{OPTIONS}: {LINUX}"]),
    ],
)  # fmt: skip
def test_bad(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, POD, change) == errors


def test_credentials_have_a_size(errors_of: ErrorsOf) -> None:
    (error,) = errors_of(KIND, POD, _options(f"gmsaCredentialSpec: {'x' * (64 * 1024 + 1)}"))
    assert error.endswith("gmsaCredentialSpec size must be under 64 KiB")
