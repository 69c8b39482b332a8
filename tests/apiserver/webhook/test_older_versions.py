"""Webhooks that know older versions see every object of theirs, in those versions."""

from __future__ import annotations

from tests.apiserver.conftest import Api
from tests.apiserver.webhook.conftest import Hooks, configuration, patching
from tests.apiserver.webhook.test_admission import MUTATING

INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


async def test_an_object_of_today_in_the_version_of_the_webhook(api: Api, hooks: Hooks) -> None:
    answer = patching({"op": "replace", "path": "/spec/backend/servicePort", "value": "web"})
    rule = {"apiGroups": ["extensions"], "apiVersions": ["v1beta1"], "resources": ["ingresses"]}
    await api.post(MUTATING, configuration(hooks.hook("/", answer=answer, rule=rule)))
    backend = {"service": {"name": "a", "port": {"number": 80}}}
    made = await api.post(INGRESSES, {"metadata": {"name": "a"}, "spec": {"defaultBackend": backend}})
    assert made["spec"]["defaultBackend"] == {"service": {"name": "a", "port": {"name": "web"}}}
    asked = hooks.asked[0]
    assert (asked["kind"]["group"], asked["requestKind"]["group"]) == ("extensions", "networking.k8s.io")
    assert asked["object"]["spec"]["backend"] == {"serviceName": "a", "servicePort": 80}


async def test_scales(api: Api, hooks: Hooks) -> None:
    answer = patching({"op": "replace", "path": "/spec/replicas", "value": 2})
    rule = {"apiGroups": ["extensions"], "apiVersions": ["v1beta1"], "resources": ["deployments/scale"]}
    await api.post(MUTATING, configuration(hooks.hook("/", answer=answer, rule={**rule, "operations": ["UPDATE"]})))
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    await api.post(DEPLOYMENTS, {"metadata": {"name": "a"}, "spec": spec})
    scaled = await api.patch(f"{DEPLOYMENTS}/a/scale", {"spec": {"replicas": 5}})
    assert scaled["spec"] == {"replicas": 2}
    asked = hooks.asked[0]
    assert (asked["object"]["apiVersion"], asked["object"]["kind"]) == ("extensions/v1beta1", "Scale")
    assert asked["object"]["status"]["targetSelector"] == "a=b"
