"""One server for the whole tour, with little memory to spare: what attackers do to it must not make it grow or stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.apiprocess import MEBIBYTE, ApiProcess, api_process

from steersman.pki.certs import Request

POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"
NAMESPACE = "victims"
# A server that has nothing to do has about this much; doubling it by an attack is a success of the attack.
MOST_GROWTH = 2.0
# Of the server's own time: what else the machine does is not the attack's doing.
SLOW_SECONDS = 1.0

EVE = Request("eve", ("eves",))
"""Somebody who is known, and may do nothing but what a test lets her."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiProcess]:
    """The API server under attack: RBAC, audit at Metadata, the log at debug. At the end it is as small and quick as before."""
    directory = tmp_path_factory.mktemp("tour")
    (directory / "policy.yaml").write_text(POLICY)
    settings = {
        "auditPolicyFile": str(directory / "policy.yaml"),
        "auditLogPath": str(directory / "audit.log"),
        "logLevel": "debug",
    }
    with api_process(directory, **settings) as running:
        running.make("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        for name in ("default", "other"):
            running.make(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": name}})
        warm_up(running)
        idle = running.resident()
        running.forget_peak()
        yield running
        check_unharmed(running, idle)


def warm_up(running: ApiProcess) -> None:
    """Let the server load what it needs for anything, custom resources and policies too: that is no growth."""
    group = "warm.example.com"
    schema = {
        "type": "object",
        "x-kubernetes-validations": [{"rule": "true"}],
        "properties": {"a": {"type": "string", "pattern": "a"}},
    }
    definition = {
        "metadata": {"name": f"ups.{group}"},
        "spec": {
            "group": group,
            "names": {"plural": "ups", "kind": "Up", "singular": "up", "listKind": "UpList"},
            "scope": "Cluster",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    running.make(path, definition)
    running.ask(
        "POST",
        f"/apis/{group}/v1/ups",
        {"apiVersion": f"{group}/v1", "kind": "Up", "metadata": {"name": "x"}, "a": "a"},
    )
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": "true"}]}
    policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
    running.make(policies, {"metadata": {"name": "warm"}, "spec": spec})
    applied = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: warm}\n"
    maps = f"/api/v1/namespaces/{NAMESPACE}/configmaps/warm"
    headers = {"Content-Type": "application/apply-patch+yaml"}
    assert running.ask("PATCH", f"{maps}?fieldManager=warm", applied, headers).status == 201
    for made in (maps, f"{policies}/warm", f"{path}/ups.{group}"):
        assert running.ask("DELETE", made).status == 200
    for path in ("/openapi/v2", "/openapi/v3", "/apis", "/api/v1/pods", "/metrics"):
        assert running.ask("GET", path).status == 200


def check_unharmed(running: ApiProcess, idle: int) -> None:
    """After the tour: the same process answers, quickly, and at no moment has grown to twice what it was."""
    assert running.process.poll() is None, running.log()[-4000:]
    began = running.worked()
    assert running.ask("GET", f"/api/v1/namespaces/{NAMESPACE}").status == 200
    assert running.worked() - began < SLOW_SECONDS
    peak = running.peak()
    assert peak < MOST_GROWTH * idle, f"from {idle / MEBIBYTE:.0f} to {peak / MEBIBYTE:.0f} MiB"


class Grants:
    """Gives Eve rights for the length of a test."""

    def __init__(self, server: ApiProcess) -> None:
        self._server = server
        self._made: list[str] = []
        self._count = 0

    def __call__(self, *rules: dict[str, Any], namespace: str = "", to: str = "eve") -> None:
        """A role with these rules, bound to her in the namespace, or in the whole cluster."""
        self._count += 1
        name, kind = f"grant-{self._count}", "Role" if namespace else "ClusterRole"
        where = f"/apis/rbac.authorization.k8s.io/v1{f'/namespaces/{namespace}' if namespace else ''}/"
        subject = {"kind": "User", "name": to, "apiGroup": "rbac.authorization.k8s.io"}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
        self.keep(where + f"{kind.lower()}s", {"metadata": {"name": name}, "rules": list(rules)})
        binding = {"metadata": {"name": name}, "subjects": [subject], "roleRef": reference}
        self.keep(where + f"{kind.lower()}bindings", binding)

    def keep(self, path: str, body: dict[str, Any]) -> Any:
        """Make something that is removed after the test."""
        made = self._server.make(path, body)
        self._made.append(f"{path}/{made['metadata']['name']}")
        return made

    def undo(self) -> None:
        for path in reversed(self._made):
            self._server.ask("DELETE", path)


@pytest.fixture
def grant(server: ApiProcess) -> Iterator[Grants]:
    grants = Grants(server)
    yield grants
    grants.undo()


@pytest.fixture
def audit_log(server: ApiProcess) -> Path:
    return server.directory / "audit.log"
