"""AuthorizationConfiguration: what may be said there, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from steersman.api.configuration import ConfigurationError
from steersman.apiserver.authorizers import configuration
from steersman.apiserver.authorizers.settings import Configured, Webhook


def written(*authorizers: Any, version: str = "v1") -> bytes:
    body = {
        "apiVersion": f"apiserver.config.k8s.io/{version}",
        "kind": "AuthorizationConfiguration",
        "authorizers": list(authorizers),
    }
    return yaml.safe_dump(body).encode()


def hook(file: Path, **changes: Any) -> dict[str, Any]:
    said = {
        "timeout": "3s",
        "subjectAccessReviewVersion": "v1",
        "matchConditionSubjectAccessReviewVersion": "v1",
        "failurePolicy": "Deny",
        "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": str(file)},
        **changes,
    }
    return {"type": "Webhook", "name": "w", "webhook": {key: value for key, value in said.items() if value is not None}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "hook.kubeconfig"
    found.write_text("{}")
    return found


def test_the_chain(file: Path) -> None:
    conditions = [{"expression": "request.user != 'x'"}]
    told = hook(file, authorizedTTL="1m", cacheUnauthorizedRequests=False, matchConditions=conditions)
    for version in ("v1", "v1beta1", "v1alpha1"):
        data = written({"type": "Node", "name": "n"}, told, {"type": "RBAC", "name": "r"}, version=version)
        assert configuration.decode(data, file) == (
            Configured("Node", "n"),
            Configured("Webhook", "w", Webhook(file, "v1", 3.0, 60.0, 0.0, True, ("request.user != 'x'",))),
            Configured("RBAC", "r"),
        )
    plain = configuration.decode(written(hook(file, failurePolicy="NoOpinion")), file)[0].webhook
    assert plain == Webhook(file, "v1", 3.0, 300.0, 30.0, False)


@pytest.mark.parametrize(
    ("authorizers", "problem"),
    [
        ([], "authorizers: Required value: at least one authorization mode must be defined"),
        ([{"name": "x"}], "authorizers[0].type: Required value"),
        (
            [{"type": "Foo", "name": "x"}],
            'authorizers[0].type: Unsupported value: "Foo": supported values: "ABAC", "AlwaysAllow", "AlwaysDeny", "Node", '
            '"RBAC", "Webhook"',
        ),
        ([{"type": "RBAC", "name": "a"}] * 2, 'authorizers[1].type: Duplicate value: "RBAC"'),
        ([{"type": "RBAC"}], "authorizers[0].name: Required value"),
        (
            [{"type": "RBAC", "name": "a"}, {"type": "Node", "name": "a"}],
            'authorizers[1].name: Duplicate value: "a"',
        ),
        ([{"type": "RBAC", "name": "A!"}], 'authorizers[0].name: Invalid value: "A!": authorizer name is invalid: '),
        ([{"type": "Webhook", "name": "a"}], "authorizers[0].webhook: Required value: required when type=Webhook"),
        (
            [{"type": "RBAC", "name": "a", "webhook": {}}],
            'authorizers[0].webhook: Invalid value: "non-null": may only be specified when type=Webhook',
        ),
        ([{"type": "RBAC", "name": "a", "color": "red"}], 'unknown field "authorizers[0].color"'),
    ],
)
def test_mistakes(authorizers: list[Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        configuration.decode(written(*authorizers), Path("a.yaml"))
    assert str(error.value).startswith("a.yaml: ")
    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"timeout": None}, "authorizers[0].timeout: Required value"),
        ({"timeout": "31s"}, 'authorizers[0].timeout: Invalid value: "31s": must be > 0s and <= 30s'),
        ({"timeout": "-1s"}, 'authorizers[0].timeout: Invalid value: "-1s": must be > 0s and <= 30s'),
        ({"timeout": "soon"}, 'authorizers[0].timeout: Invalid value: "soon": time: invalid duration "soon"'),
        ({"authorizedTTL": "-1s"}, 'authorizers[0].authorizedTTL: Invalid value: "-1s": must be > 0s'),
        ({"subjectAccessReviewVersion": None}, "authorizers[0].subjectAccessReviewVersion: Required value"),
        (
            {"subjectAccessReviewVersion": "v2"},
            'authorizers[0].subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1"',
        ),
        (
            {"matchConditions": [{"expression": "true"}], "matchConditionSubjectAccessReviewVersion": None},
            "authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required if match conditions",
        ),
        ({"failurePolicy": None}, "authorizers[0].failurePolicy: Required value"),
        ({"failurePolicy": "Allow"}, 'authorizers[0].failurePolicy: Unsupported value: "Allow"'),
        ({"connectionInfo": None}, "authorizers[0].connectionInfo.type: Required value"),
        ({"connectionInfo": {"type": "InClusterConfig"}}, "authorizers[0].connectionInfo.type: Invalid value"),
        (
            {"connectionInfo": {"type": "KubeConfigFile"}},
            "authorizers[0].connectionInfo.kubeConfigFile: Required value",
        ),
        (
            {"connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": "a"}},
            'authorizers[0].connectionInfo.kubeConfigFile: Invalid value: "a": must be an absolute path',
        ),
        (
            {"connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": "/no/such"}},
            'Invalid value: "/no/such": error loading file: No such file or directory',
        ),
        ({"matchConditions": [{"expression": " "}]}, "authorizers[0].matchConditions[0].expression: Required value"),
        (
            {"matchConditions": [{"expression": "request.user"}]},
            'authorizers[0].matchConditions[0].expression: Invalid value: "request.user": must evaluate to bool but got string',
        ),
        ({"matchConditions": [{"expression": "request.color == 'red'"}]}, "undefined field 'color'"),
        ({"matchConditions": [{"expression": "true"}] * 2}, "matchConditions[1].expression: Duplicate value"),
        (
            {"matchConditions": [{"expression": "true"}] * 65},
            "matchConditions: Too many: 65: must have at most 64 items",
        ),
    ],
)
def test_mistakes_in_webhooks(file: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        configuration.decode(written(hook(file, **changes)), file)
    assert problem in str(error.value)
