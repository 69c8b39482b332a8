"""Which plugins a server has, and what they are configured with."""

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from steersman.api.configuration import ConfigurationError
from steersman.apiserver.admission import given, optional, plugins, selection
from steersman.apiserver.admission.framework import Admission
from steersman.apiserver.admission.given import Given
from steersman.apiserver.admission.selection import Plugins, select

# As kube-apiserver 1.37 has them; NodeRestriction is optional there, but every installer switches it on.
DEFAULT = [
    "NamespaceLifecycle", "LimitRanger", "ServiceAccount", "NodeRestriction", "TaintNodesByCondition", "PodSecurity", "Priority",
    "DefaultTolerationSeconds", "DefaultStorageClass", "StorageObjectInUseProtection", "PersistentVolumeClaimResize",
    "RuntimeClass", "CertificateApproval", "CertificateSigning", "ClusterTrustBundleAttest",
    "CertificateSubjectRestriction", "DefaultIngressClass", "PodTopologyLabels", "NodeDeclaredFeatureValidator", "PodResizeValidator",
    "MutatingAdmissionPolicy", "MutatingAdmissionWebhook", "ValidatingAdmissionPolicy", "ValidatingAdmissionWebhook",
    "ResourceQuota",
]  # fmt: skip
OPTIONAL = [
    "AlwaysAdmit", "NamespaceAutoProvision", "NamespaceExists", "LimitPodHardAntiAffinityTopology", "AlwaysPullImages",
    "ImagePolicyWebhook", "PodNodeSelector", "PodTolerationRestriction", "EventRateLimit", "ExtendedResourceToleration",
    "OwnerReferencesPermissionEnforcement", "DenyServiceExternalIPs", "AlwaysDeny",
]  # fmt: skip
ALWAYS = ["CertificateRequests", "StateTimes", "EventVersions", "AdmissionPolicyParams", "ResourceClaimAdminAccess"]


def chosen(**settings: object) -> list[str]:
    found = select(Plugins(**settings))  # type: ignore[arg-type]
    return [a.name for a in sorted(found, key=lambda a: a.order)]


def test_names_and_order() -> None:
    on, off = selection.names()
    assert [n for n in on if n in DEFAULT] == [n for n in DEFAULT if n in on]
    assert set(on) <= set(DEFAULT)
    assert set(off) == set(OPTIONAL)
    assert list(off) == OPTIONAL


def test_modules_are_called_as_their_plugins() -> None:
    for package in (plugins, optional):
        for module in pkgutil.iter_modules(package.__path__):
            found = importlib.import_module(f"{package.__name__}.{module.name}").ADMISSION
            assert isinstance(found, Admission)
            assert found.name.lower() == module.name


def test_chosen() -> None:
    on, _ = selection.names()
    default = chosen()
    assert [n for n in default if n not in ALWAYS] == list(on)
    assert set(default) - set(on) == set(ALWAYS)
    assert set(chosen(enable=("AlwaysDeny", "Priority"))) - set(default) == {"AlwaysDeny"}
    assert set(default) - set(chosen(disable=("Priority", "PodGroupProtection"))) == {"Priority"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"enable": ("Nope",)}, 'enable-admission-plugins plugin "Nope" is unknown'),
        ({"disable": ("priority",)}, 'disable-admission-plugins plugin "priority" is unknown'),
        ({"disable": ("StateTimes",)}, 'disable-admission-plugins plugin "StateTimes" is unknown'),
        ({"disable": ("framework",)}, 'disable-admission-plugins plugin "framework" is unknown'),
        (
            {"enable": ("Priority",), "disable": ("Priority",)},
            "[Priority] in enable-admission-plugins and disable-admission-plugins overlapped",
        ),
        ({"given": {"Nope": Given({}, "a.yaml: plugins[0]", Path())}}, 'a.yaml: plugins[0]: plugin "Nope" is unknown'),
        (
            {"given": {"Priority": Given({}, "a.yaml: plugins[0]", Path())}},
            'a.yaml: plugins[0]: plugin "Priority" takes no configuration',
        ),
    ],
)
def test_mistakes(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        chosen(**settings)
    assert str(caught.value) == message


def test_what_is_off_is_not_imported() -> None:
    code = (
        "import sys; from steersman.apiserver.admission.selection import select; select();"
        "print([m for m in sys.modules if m.startswith('steersman.apiserver.admission.optional.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def written(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value))
    return path


def configuration(*entries: object) -> dict[str, object]:
    return {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration", "plugins": list(entries)}


def test_configuration_inline_and_by_path(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("podNodeSelectorPluginConfig: {a: x=y}\n")
    found = given.load(
        written(
            tmp_path / "a.json",
            configuration(
                {"name": "ResourceQuota", "configuration": {"kind": "K"}},
                {"name": "PodNodeSelector", "path": "other.yaml"},
            ),
        )
    )
    assert found == {
        "ResourceQuota": Given({"kind": "K"}, f"{tmp_path}/a.json: plugins[0].configuration", tmp_path),
        "PodNodeSelector": Given({"podNodeSelectorPluginConfig": {"a": "x=y"}}, f"{tmp_path}/other.yaml", tmp_path),
    }


def test_files_from_before_there_were_versions(tmp_path: Path) -> None:
    both = {"imagePolicy": {"denyTTL": 3}, "podNodeSelectorPluginConfig": {"a": "x=y"}, "more": 1}
    file = written(tmp_path / "a.json", both)
    assert given.load(file) == {
        "ImagePolicyWebhook": Given({"imagePolicy": {"denyTTL": 3}}, str(file), tmp_path),
        "PodNodeSelector": Given({"podNodeSelectorPluginConfig": {"a": "x=y"}}, str(file), tmp_path),
    }
    file = written(tmp_path / "a.json", {"podNodeSelectorPluginConfig": {"a": "x=y"}})
    found = given.load(file)
    assert found["ImagePolicyWebhook"].value == {}
    # What is not switched on does without.
    selection.select(Plugins(("PodNodeSelector",), (), found))
    with pytest.raises(ConfigurationError, match=r"a\.json: imagePolicy\.kubeConfigFile: Required value"):
        selection.select(Plugins(("ImagePolicyWebhook",), (), found))
    with pytest.raises(ConfigurationError, match="apiVersion: Required value"):
        given.load(written(tmp_path / "a.json", {"plugins": []}))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (configuration({"name": "A", "path": "gone"}), "{dir}/gone: No such file or directory"),
        (configuration({"path": "gone"}), "{file}: plugins[0].name: Required value"),
        (configuration({"name": "A"}), "{file}: plugins[0]: must have either configuration or path"),
        (
            configuration({"name": "A", "configuration": {}}, {"name": "A", "configuration": {}}),
            '{file}: plugins[1].name: Duplicate value: "A"',
        ),
        (configuration({"name": "A", "pth": "x"}), '{file}: unknown field "plugins[0].pth"'),
        ({"kind": "AdmissionConfiguration"}, "{file}: apiVersion: Required value"),
    ],
)
def test_mistakes_of_the_file(tmp_path: Path, value: object, message: str) -> None:
    file = written(tmp_path / "a.json", value)
    with pytest.raises(ConfigurationError) as caught:
        given.load(file)
    assert str(caught.value) == message.format(dir=tmp_path, file=file)


def test_all_are_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "admission.md").read_text()
    default, _, rest = text.partition("## Optional")
    optional_, _, _ = rest.partition("## The configuration file")
    on, off = selection.names()
    for part, named in ((default, on), (optional_, off)):
        shown = [
            name for row in part.splitlines() if row.startswith("| ") for name in row[2:].split(" |")[0].split(", ")
        ]
        assert set(named) <= set(shown)
        assert set(shown) - set(named) <= {"plugin", "NodeRestriction"}
