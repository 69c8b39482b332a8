"""What clients write into pods and templates although Kubernetes has it switched off is not there any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.api import codec, yaml
from steersman.api.patch import merge_patch
from steersman.kinds.apps import deployment
from steersman.kinds.core import pod

Build = Callable[..., Any]

POD = "{metadata: {name: web, namespace: default}, spec: {containers: [{name: c, image: nginx}]}}"


def _container(extra: str) -> str:
    return f"spec: {{containers: [{{name: c, image: nginx, {extra}}}]}}"


def _volume(source: str) -> str:
    return f"spec: {{volumes: [{{name: v, {source}}}]}}"


def _template(change: str) -> dict[str, Any]:
    """A template of what is written, before anything is taken away."""
    plain: dict[str, Any] = merge_patch(yaml.load(POD), yaml.load(change))
    return {"metadata": {"annotations": plain["metadata"].get("annotations")}, "spec": plain["spec"]}


CASES = [
    ("spec: {schedulingGroup: {podGroupName: g}}", "{}"),
    ("spec: {evictionResponders: [{name: a.b/c, priority: 1}]}", "{}"),
    (_volume("emptyDir: {mode: 511}"), _volume("emptyDir: {}")),
    (_volume("secret: {secretName: s, defaultUser: 1, items: [{key: k, path: p, user: 1}]}"), _volume("secret: {secretName: s, items: [{key: k, path: p}]}")),
    (_volume("configMap: {name: m, defaultUser: 1}"), _volume("configMap: {name: m}")),
    (_volume("downwardAPI: {defaultUser: 1, items: [{path: p, user: 1, fieldRef: {fieldPath: metadata.name}}]}"), _volume("downwardAPI: {items: [{path: p, fieldRef: {fieldPath: metadata.name}}]}")),
    (_volume("projected: {defaultUser: 1, sources: [{serviceAccountToken: {path: p, user: 1}}]}"), _volume("projected: {sources: [{serviceAccountToken: {path: p}}]}")),
    (_volume("projected: {sources: [{secret: {name: s, items: [{key: k, path: p, user: 1}]}}]}"), _volume("projected: {sources: [{secret: {name: s, items: [{key: k, path: p}]}}]}")),
    (_container("volumeMounts: [{name: v, mountPath: /v, bindMountOptions: [noexec]}]"), _container("volumeMounts: [{name: v, mountPath: /v}]")),
    (_container("livenessProbe: {grpc: {port: 1, mode: TLS}}"), _container("livenessProbe: {grpc: {port: 1}}")),
    (_container("readinessProbe: {httpGet: {port: 1, protocol: HTTP2}}"), _container("readinessProbe: {httpGet: {port: 1}}")),
    (_container("lifecycle: {preStop: {httpGet: {port: 1, protocol: HTTP2}}}"), _container("lifecycle: {preStop: {httpGet: {port: 1}}}")),
    (_container("lifecycle: {stopSignal: SIGTERM}"), "{}"),
    (_container("lifecycle: {stopSignal: SIGTERM, preStop: {sleep: {seconds: 1}}}"), _container("lifecycle: {preStop: {sleep: {seconds: 1}}}")),
    ("metadata: {annotations: {pod.beta.kubernetes.io/init-containers: x, a: b}}", "metadata: {annotations: {a: b}}"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "kept"), CASES)
def test_pods_and_templates(written: str, kept: str, build: Build) -> None:
    assert codec.to_builtins(build(pod.KIND, POD, written)) == codec.to_builtins(build(pod.KIND, POD, kept))
    one, other = (build(deployment.KIND, {"spec": {"template": _template(change)}}) for change in (written, kept))
    assert codec.to_builtins(one) == codec.to_builtins(other)
