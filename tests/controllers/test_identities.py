"""Every controller works as a service account of its own, which has a role, and that role is enough."""

from __future__ import annotations

import logging

import pytest

from steersman import controllers
from steersman.api.clock import FakeClock
from steersman.apiserver.admission.selection import Plugins
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.rbacpolicy import policy
from steersman.controller.discovery import discover
from steersman.kinds.types.apps_v1 import DaemonSet, Deployment, StatefulSet
from steersman.kinds.types.batch_v1 import CronJob, Job
from steersman.kinds.types.core_v1 import Namespace, Pod, ServiceAccount
from steersman.testing import Cluster

# Kubernetes' too makes these tokens as the controller manager itself.
AS_THE_MANAGER = {"serviceaccount-token"}

TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}}
ENDING = {"template": {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}}
CHOSEN = {"selector": {"matchLabels": {"app": "web"}}}
OBJECTS = (
    ("apps/v1", "Deployment", "web", {"replicas": 2, **CHOSEN, "template": TEMPLATE}),
    ("apps/v1", "StatefulSet", "db", {"replicas": 1, "serviceName": "db", **CHOSEN, "template": TEMPLATE}),
    ("apps/v1", "DaemonSet", "agent", {**CHOSEN, "template": TEMPLATE}),
    ("batch/v1", "Job", "once", ENDING),
    ("batch/v1", "CronJob", "nightly", {"schedule": "0 3 * * *", "jobTemplate": {"spec": ENDING}}),
    ("v1", "Service", "web", {"selector": {"app": "web"}, "ports": [{"port": 80}]}),
    ("policy/v1", "PodDisruptionBudget", "web", {"minAvailable": 1, **CHOSEN}),
    ("v1", "ResourceQuota", "q", {"hard": {"pods": "20"}}),
)


@pytest.mark.parametrize("controller", discover(controllers), ids=lambda c: c.name)
def test_every_account_has_a_role_and_a_binding(controller) -> None:
    assert bool(controller.account) == (controller.name not in AS_THE_MANAGER)
    if not controller.account:
        return
    bound = {
        (subject.kind, subject.namespace, subject.name): obj.roleRef.name
        for obj in policy.objects()
        if hasattr(obj, "roleRef")
        for subject in obj.subjects or ()
    }
    assert bound["ServiceAccount", "kube-system", controller.account] == f"system:controller:{controller.account}"


@pytest.mark.parametrize("enabled", [(), ("OwnerReferencesPermissionEnforcement",)])
async def test_nobody_is_refused_anything(caplog: pytest.LogCaptureFixture, enabled: tuple[str, ...]) -> None:
    """All parts at once, each with its own rights, from the first object to the last of its namespace."""
    refused = []
    async with Cluster(nodes=2, clock=FakeClock(), config=ServerConfig(admission=Plugins(enable=enabled))) as cluster:
        answer = cluster.app.handle

        async def handle(request):
            response = await answer(request)
            # Who comes too late to a namespace that is going is told so, too.
            if response.status in (401, 403) and b"because it is being terminated" not in response.body:
                refused.append((request.user, request.method, request.path, response.body))
            return response

        cluster.app.handle = handle
        with caplog.at_level(logging.WARNING):
            await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
            for version, kind, name, spec in OBJECTS:
                manifest = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
                await cluster.create(manifest, namespace="shop")
            await cluster.wait(Deployment, "web", "Available", "shop")
            await cluster.wait(StatefulSet, "db", lambda s: s.status.readyReplicas == 1, "shop")
            await cluster.wait(DaemonSet, "agent", lambda d: d.status.numberReady == 2, "shop")
            await cluster.wait(Job, "once", "Complete", "shop")
            await cluster.wait(CronJob, "nightly", lambda _: True, "shop")
            await cluster.client.delete(Deployment, "web", "shop", propagation="Foreground")
            await cluster.wait_gone(Deployment, "web", "shop")
            await cluster.client.delete(Namespace, "shop")
            await cluster.wait_gone(Namespace, "shop", "")
            assert not (await cluster.client.list(Pod, "shop")).items
            await cluster.wait(ServiceAccount, "default", lambda _: True)
    assert not refused
    assert " cannot " not in caplog.text
