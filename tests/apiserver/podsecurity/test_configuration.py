"""The file of kind PodSecurityConfiguration."""

from __future__ import annotations

from pathlib import Path

import pytest

from steersman.api.configuration import ConfigurationError
from steersman.apiserver.admission import given, selection
from steersman.apiserver.admission.selection import Plugins
from steersman.apiserver.podsecurity.configuration import decode
from steersman.apiserver.podsecurity.policy import Configuration, Policy, Standard

HEAD = "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\n"


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_empty(version: str) -> None:
    assert decode(HEAD.replace("/v1\n", f"/{version}\n").encode(), "f") == Configuration()


def test_everything() -> None:
    text = """
defaults: {enforce: baseline, enforce-version: v1.30, audit: restricted, audit-version: "", warn: ""}
exemptions: {usernames: [u], namespaces: [kube-system, n], runtimeClasses: [r.example.com]}
"""
    assert decode((HEAD + text).encode(), "f") == Configuration(
        Policy(Standard("baseline", 30), Standard("restricted"), Standard()),
        frozenset({"u"}),
        frozenset({"kube-system", "n"}),
        frozenset({"r.example.com"}),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("defaults: {enforce: x}", 'f: defaults.enforce: Invalid value: "x": must be one of privileged, baseline, restricted'),
        ("defaults: {warn-version: '1.1'}", 'f: defaults.warn-version: Invalid value: "1.1": must be "latest" or "v1.x"'),
        ("defaults: {audited: baseline}", "audited"),
        ("defaults: {enforce_version: latest}", "enforce_version"),
        ("exemptions: {usernames: ['']}", 'f: exemptions.usernames[0]: Invalid value: "": username must not be empty'),
        ("exemptions: {namespaces: [a, a]}", 'f: exemptions.namespaces[1]: Duplicate value: "a"'),
        ("exemptions: {runtimeClasses: [A]}", 'f: exemptions.runtimeClasses[0]: Invalid value: "A": a lowercase RFC 1123'),
        ("exemptions: {namespaces: a}", "f: "),
    ],
)  # fmt: skip
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        decode((HEAD + text).encode(), "f")
    assert message in str(caught.value)


def test_another_kind() -> None:
    with pytest.raises(ConfigurationError, match="PodSecurityConfiguration of"):
        decode(b"apiVersion: v1\nkind: Pod\n", "f")


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ("{apiVersion: pod-security.admission.config.k8s.io/v1, kind: PodSecurityConfiguration}", ""),
        (
            "{apiVersion: pod-security.admission.config.k8s.io/v1, kind: PodSecurityConfiguration, defaults: {warn: x}}",
            'plugins[0].configuration: defaults.warn: Invalid value: "x"',
        ),
    ],
)
def test_within_the_configuration_of_all_plugins(tmp_path: Path, configuration: str, message: str) -> None:
    path = tmp_path / "admission.yaml"
    path.write_text(
        "{apiVersion: apiserver.config.k8s.io/v1, kind: AdmissionConfiguration, "
        f"plugins: [{{name: PodSecurity, configuration: {configuration}}}]}}"
    )
    plugins = Plugins(given=given.load(path))
    if message:
        with pytest.raises(ConfigurationError) as caught:
            selection.select(plugins)
        assert str(caught.value).startswith(f"{path}: {message}")
    else:
        assert any(plugin.name == "PodSecurity" for plugin in selection.select(plugins))
