"""The plugin as a client meets it: what is refused, warned of and noted down."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.conftest import CATALOG, Api, pod

from steersman.api.clock import FakeClock
from steersman.api.http import User
from steersman.apiserver.admission.framework import Review
from steersman.apiserver.admission.given import Given
from steersman.apiserver.admission.plugins import podsecurity
from steersman.apiserver.server import App
from steersman.store.backends import memory

PREFIX = "pod-security.kubernetes.io/"
NAMESPACES = "/api/v1/namespaces"
IN = f"{NAMESPACES}/n"
PODS = f"{IN}/pods"
CONFIGURATION = {
    "apiVersion": "pod-security.admission.config.k8s.io/v1",
    "kind": "PodSecurityConfiguration",
    "defaults": {"enforce": "baseline", "enforce-version": "v1.30"},
    "exemptions": {"usernames": ["boss"], "namespaces": ["free"], "runtimeClasses": ["vm"]},
}
HOST = "host namespaces (hostNetwork=true)"


@pytest.fixture
async def reviews(monkeypatch: pytest.MonkeyPatch) -> list[Review]:
    """What the plugin has looked at."""
    seen: list[Review] = []
    validate = podsecurity.validate

    async def noted(configuration: Any, review: Review, environment: Any) -> None:
        seen.append(review)
        await validate(configuration, review, environment)

    monkeypatch.setattr(podsecurity, "validate", noted)
    return seen


async def serving(value: dict[str, Any] | None) -> AsyncIterator[Api]:
    clock = FakeClock(1_800_000_000.0)
    store = memory.BACKEND.open("", clock)
    given = None if value is None else Given(value, "f", Path())
    # Made anew, so that `validate` is the one that notes.
    plugin = podsecurity.configure(
        given if given is not None else Given({**CONFIGURATION, "defaults": {}}, "f", Path())
    )
    app = App(store, clock, catalog=CATALOG, admission=[plugin])
    await app.start()
    yield Api(app, clock)
    await app.close()
    await store.close()


@pytest.fixture
async def plain(reviews: list[Review]) -> AsyncIterator[Api]:
    async for api in serving(None):
        yield api


@pytest.fixture
async def strict(reviews: list[Review]) -> AsyncIterator[Api]:
    """With `baseline` in every namespace."""
    async for api in serving(CONFIGURATION):
        yield api


async def namespace(api: Api, name: str = "n", **labels: str) -> None:
    wanted = {PREFIX + key.replace("_", "-"): value for key, value in labels.items()}
    await api.post(NAMESPACES, {"metadata": {"name": name, "labels": wanted}})


async def warned(api: Api, method: str, path: str, body: Any) -> list[str]:
    headers = {"content-type": "application/merge-patch+json"} if method == "PATCH" else {}
    response = await api.raw(method, path, body, headers)
    assert response.status < 300, response.body
    said = re.findall(r'299 - "((?:[^"\\]|\\.)*)"', response.headers.get("Warning", ""))
    return [text.replace('\\"', '"') for text in said]


async def relabel(api: Api, name: str = "n", **labels: str | None) -> list[str]:
    wanted = {PREFIX + key.replace("_", "-"): value for key, value in labels.items()}
    return await warned(api, "PATCH", f"{NAMESPACES}/{name}", {"metadata": {"labels": wanted}})


async def test_enforced(plain: Api, reviews: list[Review]) -> None:
    await namespace(plain, enforce="baseline", enforce_version="v1.33")
    answer = await plain.post(PODS, pod(hostNetwork=True), code=403)
    assert answer["message"] == f'pods "a" is forbidden: violates PodSecurity "baseline:v1.33": {HOST}'
    assert answer["reason"] == "Forbidden"
    assert answer["details"] == {"name": "a", "kind": "pods"}
    assert reviews[-1].annotations == {f"{PREFIX}enforce-policy": "baseline:v1.33"}
    await plain.post(PODS, pod())
    # Whoever may not run it as it is may not make it so, either.
    await plain.post(f"{PODS}?dryRun=All", pod("b", hostNetwork=True), code=403)


async def test_restricted_as_kubectl_users_know_it(plain: Api) -> None:
    await namespace(plain, enforce="restricted")
    answer = await plain.post(PODS, pod(), code=403)
    assert answer["message"] == (
        'pods "a" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container '
        '"c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set '
        'securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set '
        'securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set '
        'securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
    )


async def test_warned_and_noted(plain: Api, reviews: list[Review]) -> None:
    await namespace(plain, audit="baseline", warn="baseline", warn_version="v1.1")
    assert await warned(plain, "POST", PODS, pod(hostNetwork=True)) == [
        f'would violate PodSecurity "baseline:v1.1": {HOST}'
    ]
    assert reviews[-1].annotations == {
        f"{PREFIX}enforce-policy": "privileged:latest",
        f"{PREFIX}audit-violations": f'would violate PodSecurity "baseline:latest": {HOST}',
    }


async def test_a_namespace_without_labels(plain: Api, reviews: list[Review]) -> None:
    await namespace(plain)
    assert await warned(plain, "POST", PODS, pod(hostNetwork=True)) == []
    assert reviews[-1].annotations == {f"{PREFIX}enforce-policy": "privileged:latest"}


async def test_updates_of_what_matters(plain: Api) -> None:
    await namespace(plain)
    await plain.post(PODS, pod(hostNetwork=True))
    await relabel(plain, enforce="baseline")
    await plain.patch(f"{PODS}/a", {"metadata": {"labels": {"a": "b"}}})
    patch = {"spec": {"containers": [{"name": "c", "image": "y"}]}}
    answer = await plain.patch(f"{PODS}/a", patch, "strategic-merge-patch+json", code=403)
    assert answer["message"] == f'pods "a" is forbidden: violates PodSecurity "baseline:latest": {HOST}'


async def test_ephemeral_containers(plain: Api) -> None:
    await namespace(plain, enforce="baseline")
    await plain.post(PODS, pod())
    debug = {"name": "d", "image": "x", "securityContext": {"privileged": True}}
    path = f"{PODS}/a/ephemeralcontainers"
    body = {"spec": {"ephemeralContainers": [debug]}}
    answer = await plain.patch(path, body, "strategic-merge-patch+json", code=403)
    assert 'privileged (container "d" must not set securityContext.privileged=true)' in answer["message"]
    debug["securityContext"] = {}
    await plain.patch(path, body, "strategic-merge-patch+json")


TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {**pod(hostNetwork=True)["spec"], "restartPolicy": "Always"}}
ONCE = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
SELECTED = {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}


@pytest.mark.parametrize(
    ("version", "plural", "content"),
    [
        ("api/v1", "replicationcontrollers", {"spec": {"selector": {"a": "b"}, "template": TEMPLATE}}),
        ("api/v1", "podtemplates", {"template": TEMPLATE}),
        ("apis/apps/v1", "replicasets", {"spec": SELECTED}),
        ("apis/apps/v1", "deployments", {"spec": SELECTED}),
        ("apis/apps/v1", "daemonsets", {"spec": SELECTED}),
        ("apis/apps/v1", "statefulsets", {"spec": {**SELECTED, "serviceName": "s"}}),
        ("apis/batch/v1", "jobs", {"spec": {"template": ONCE}}),
        ("apis/batch/v1", "cronjobs", {"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": ONCE}}}}),
    ],
)
async def test_workloads(plain: Api, reviews: list[Review], version: str, plural: str, content: dict[str, Any]) -> None:
    """They are let in, as the pods will not be."""
    await namespace(plain, enforce="baseline", audit="baseline")
    body = {"metadata": {"name": "a"}, **content}
    said = f'would violate PodSecurity "baseline:latest": {HOST}'
    path = f"/{version}/namespaces/n/{plural}"
    assert await warned(plain, "POST", path, body) == [said]
    assert reviews[-1].annotations == {f"{PREFIX}audit-violations": said}
    assert await warned(plain, "PATCH", f"{path}/a", {"metadata": {"labels": {"x": "y"}}}) == [said]


async def test_a_template_that_is_not_there(plain: Api) -> None:
    await namespace(plain, warn="baseline")
    body = {"metadata": {"name": "a"}, "spec": {"selector": {"a": "b"}}}
    answer = await plain.post(f"{IN}/replicationcontrollers", body, code=422)
    assert "spec.template" in answer["message"]


async def test_labels_must_be_good(plain: Api) -> None:
    bad = {"metadata": {"name": "n", "labels": {PREFIX + "enforce": "x", PREFIX + "warn-version": "v2.1"}}}
    wrong = (
        f'metadata.labels[{PREFIX}enforce]: Invalid value: "x": must be one of privileged, baseline, restricted',
        f'metadata.labels[{PREFIX}warn-version]: Invalid value: "v2.1": must be "latest" or "v1.x"',
    )
    answer = await plain.post(NAMESPACES, bad, code=422)
    assert answer["message"] == f'Namespace "n" is invalid: [{", ".join(wrong)}]'
    await namespace(plain)
    body = {"metadata": {"labels": {PREFIX + "audit": "y"}}}
    answer = await plain.patch(IN, body, code=422)
    assert answer["message"] == (
        f'Namespace "n" is invalid: metadata.labels[{PREFIX}audit]: Invalid value: "y": must be one of privileged, '
        "baseline, restricted"
    )


async def test_labels_that_were_bad_before(plain: Api, reviews: list[Review]) -> None:
    """As another plugin, or none, may have let them in."""
    await namespace(plain)
    registry = plain.app.registries.find("", "namespaces")
    assert registry is not None
    obj = registry.get("", "n")
    revision = int(obj.metadata.resourceVersion)
    obj.metadata.resourceVersion, obj.metadata.labels = "", {PREFIX + "enforce": "x"}
    await plain.app.store.update(registry.key("", "n"), await registry.dump(obj), revision)
    await plain.patch(IN, {"metadata": {"labels": {"a": "b"}}})
    await plain.patch(IN, {"metadata": {"labels": {PREFIX + "warn": "z"}}}, code=422)
    await plain.post(PODS, pod(), code=403)
    assert reviews[-1].annotations == {
        f"{PREFIX}enforce-policy": "restricted:latest",
        f"{PREFIX}error": f"Failed to parse policy: metadata.labels[{PREFIX}enforce]: Invalid value: "
        '"x": must be one of privileged, baseline, restricted',
    }


async def test_existing_pods(plain: Api) -> None:
    await namespace(plain)
    for name in ("b", "a"):
        await plain.post(PODS, pod(name, hostNetwork=True))
    await plain.post(PODS, pod("good"))
    assert await relabel(plain, warn="baseline") == []
    assert await relabel(plain, enforce="baseline") == [
        'existing pods in namespace "n" violate the new PodSecurity enforce level "baseline:latest"',
        "a (and 1 other pod): host namespaces",
    ]
    assert await relabel(plain, enforce="baseline", a="b") == []
    # The same version and less.
    assert await relabel(plain, enforce="privileged") == []


async def test_defaults_and_exemptions(strict: Api, reviews: list[Review]) -> None:
    await namespace(strict)
    answer = await strict.post(PODS, pod(hostNetwork=True), code=403)
    assert 'violates PodSecurity "baseline:v1.30"' in answer["message"]
    boss = strict.as_(User("boss", ("system:masters",)))
    await boss.post(PODS, pod("b", hostNetwork=True))
    assert reviews[-1].annotations == {f"{PREFIX}exempt": "user"}
    await strict.post(PODS, pod("v", hostNetwork=True, runtimeClassName="vm"))
    assert reviews[-1].annotations == {f"{PREFIX}exempt": "runtimeClass"}
    await namespace(strict, "free")
    await strict.post(f"{NAMESPACES}/free/pods", pod(hostNetwork=True))
    assert reviews[-1].annotations == {f"{PREFIX}exempt": "namespace"}
    said = 'namespace "free" is exempt from Pod Security, and the policy (enforce=restricted:v1.30) will be ignored'
    assert await relabel(strict, "free", enforce="restricted", warn="privileged") == [said]


async def test_metrics(strict: Api) -> None:
    await namespace(strict, warn="restricted", warn_version="v1.99", audit="restricted", audit_version="v1.20")
    await strict.post(PODS, pod())
    await strict.post(PODS, pod("b", hostNetwork=True), code=403)
    await strict.as_(User("boss", ("system:masters",))).post(PODS, pod("c"))
    await strict.post("/apis/apps/v1/namespaces/n/deployments", {"metadata": {"name": "a"}, "spec": SELECTED})
    await strict.post("/apis/batch/v1/namespaces/n/jobs", {"metadata": {"name": "a"}, "spec": {"template": ONCE}})
    await namespace(strict, "free", enforce="privileged")
    await namespace(strict, "open", enforce="privileged", enforce_version="v1.3")
    await strict.post(f"{NAMESPACES}/open/pods", pod())
    response = await strict.raw("GET", "/metrics")
    assert isinstance(response.body, bytes)
    found = [line for line in response.body.decode().splitlines() if "pod_security" in line]
    of_pods = 'request_operation="create",resource="pod",subresource=""'
    of_others = 'request_operation="create",resource="controller",subresource=""'

    def evaluated(decision: str, mode: str, level: str, version: str, about: str, count: int) -> str:
        labels = f'decision="{decision}",mode="{mode}",policy_level="{level}",policy_version="{version}",{about}'
        return f"pod_security_evaluations_total{{{labels}}} {count}"

    assert [line for line in found if not line.startswith("# HELP")] == [
        "# TYPE pod_security_evaluations_total counter",
        evaluated("allow", "enforce", "baseline", "v1.30", of_pods, 1),
        evaluated("allow", "enforce", "privileged", "latest", of_pods, 1),
        evaluated("deny", "audit", "restricted", "v1.20", of_others, 2),
        evaluated("deny", "audit", "restricted", "v1.20", of_pods, 2),
        evaluated("deny", "enforce", "baseline", "v1.30", of_pods, 1),
        evaluated("deny", "warn", "restricted", "future", of_others, 2),
        evaluated("deny", "warn", "restricted", "future", of_pods, 1),
        "# TYPE pod_security_exemptions_total counter",
        f"pod_security_exemptions_total{{{of_pods}}} 1",
    ]
