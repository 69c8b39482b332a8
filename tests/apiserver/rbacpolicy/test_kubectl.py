"""Roles and bindings by kubectl: made, bound, reconciled from manifests, refused in Kubernetes' words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from steersman.kinds.types.rbac_v1 import ClusterRole
from steersman.testing import Cluster

Kubectl = Callable[..., Awaitable[str]]
WIDENED = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: default}
rules:
- {verbs: [get, list], apiGroups: [""], resources: [pods, services]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, name: default, namespace: default}
"""


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster(nodes=0, scheduler=False, controllers=("clusterrole-aggregation",), port=True) as found:
        yield found


@pytest.fixture
def kubectl(cluster: Cluster, tmp_path: Path) -> Kubectl:
    assert cluster.served is not None
    environment = {
        "KUBECONFIG": str(cluster.served.kubeconfig),
        "HOME": str(tmp_path),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }

    async def run(*arguments: str, code: int = 0, manifest: str = "") -> str:
        """What it prints; fails unless it exits as expected."""
        if manifest:
            (tmp_path / "manifest.yaml").write_text(manifest)
            arguments += ("-f", str(tmp_path / "manifest.yaml"))
        process = await asyncio.create_subprocess_exec(
            "kubectl", *arguments, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        text = (await process.communicate())[0].decode()
        assert process.returncode == code, text
        return text

    return run


async def test_a_namespace_is_given_to_somebody(cluster: Cluster, kubectl: Kubectl) -> None:
    await cluster.wait(ClusterRole, "admin", lambda r: len(r.rules or ()) > 20, "")
    await kubectl("create", "rolebinding", "joe", "--clusterrole=admin", "--user=joe")
    joe = ("--as=joe", "--as-group=system:authenticated")
    for verb, what, answer in (
        ("create", "deployments.apps", "yes"),
        ("get", "secrets", "yes"),
        ("create", "rolebindings", "yes"),
        ("create", "resourcequotas", "no"),
        ("create", "pods --namespace=kube-system", "no"),
    ):
        assert (await kubectl("auth", "can-i", verb, *what.split(), *joe, code=int(answer == "no"))).strip() == answer
    # What they have they may hand on, and no more.
    await kubectl("create", "rolebinding", "ann", "--clusterrole=edit", "--user=ann", *joe)
    refused = await kubectl("create", "rolebinding", "bob", "--clusterrole=cluster-admin", "--user=bob", *joe, code=1)
    assert (
        'rolebindings.rbac.authorization.k8s.io "bob" is forbidden: user "joe" (groups=["system:authenticated"]) is'
        in refused
    )
    assert '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}' in refused
    refused = await kubectl("create", "role", "r", "--verb=create", "--resource=resourcequotas", *joe, code=1)
    assert refused.endswith('{APIGroups:[""], Resources:["resourcequotas"], Verbs:["create"]}\n')


async def test_a_role_is_widened_from_a_manifest(kubectl: Kubectl) -> None:
    await kubectl("create", "role", "reader", "--verb=get", "--resource=pods")
    await kubectl("create", "rolebinding", "reader", "--role=reader", "--user=joe")
    shown = await kubectl("auth", "reconcile", manifest=WIDENED)
    assert "role.rbac.authorization.k8s.io/reader reconciled" in shown
    assert "rolebinding.rbac.authorization.k8s.io/reader reconciled" in shown

    async def got(what: str) -> Any:
        return json.loads(await kubectl("get", what, "reader", "-o", "json"))

    assert [s["name"] for s in (await got("rolebinding"))["subjects"]] == ["joe", "default"]
    rights = {(r, v) for rule in (await got("role"))["rules"] for r in rule["resources"] for v in rule["verbs"]}
    assert rights == {(r, v) for r in ("pods", "services") for v in ("get", "list")}
    changed = WIDENED.replace("name: reader}\nsubjects", "name: other}\nsubjects")
    refused = await kubectl("apply", "--validate=false", manifest=changed, code=1)
    assert "roleRef: Invalid value" in refused
    # To reconcile is to make the binding anew.
    await kubectl("auth", "reconcile", manifest=changed)
    assert (await got("rolebinding"))["roleRef"]["name"] == "other"


async def test_roles_are_aggregated(cluster: Cluster, kubectl: Kubectl) -> None:
    selector = "--aggregation-rule=rbac.example.com/part=true"
    await kubectl("create", "clusterrole", "sum", selector)
    await kubectl("create", "clusterrole", "part", "--verb=get", "--resource=nodes")
    await kubectl("label", "clusterrole", "part", "rbac.example.com/part=true")
    await cluster.wait(ClusterRole, "sum", lambda r: [x.resources for x in r.rules or ()] == [["nodes"]], "")


async def test_default_roles_are_listed(kubectl: Kubectl) -> None:
    listed = await kubectl("get", "clusterroles", "-l", "kubernetes.io/bootstrapping=rbac-defaults", "-o", "name")
    assert len(listed.splitlines()) == 73
    described = await kubectl("describe", "clusterrole", "system:kube-scheduler")
    assert "leases.coordination.k8s.io" in described
