"""The defaults of pods, as far as a user can see them, and the service class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.core import pod_defaults
from steersman.kinds.core.pod import KIND
from steersman.kinds.core.pod_qos import qos_class

Build = Callable[..., Any]
ErrorsOf = Callable[..., list[str]]

POD = "{metadata: {name: web, namespace: default}, spec: {containers: [{name: c, image: nginx}]}}"


def test_a_bare_pod(create: Build) -> None:
    plain = codec.to_builtins(create(KIND, POD))
    assert plain["metadata"]["generation"] == 1
    assert plain["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert plain["spec"] == {
        "containers": [
            {
                "name": "c",
                "image": "nginx",
                "imagePullPolicy": "Always",
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
            }
        ],
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }


@pytest.mark.parametrize(("given", "kept"), [(-1, 1), (-9223372036854775808, 1), (0, 0), (1, 1), (45, 45)])
def test_a_negative_grace_period_becomes_a_second(given: int, kept: int, create: Build, errors_of: ErrorsOf) -> None:
    change = f"spec: {{terminationGracePeriodSeconds: {given}}}"
    assert create(KIND, POD, change).spec.terminationGracePeriodSeconds == kept
    assert errors_of(KIND, POD, change) == []


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.25", "IfNotPresent"),
        ("localhost:5000/nginx", "Always"),
        ("localhost:5000/nginx:v1", "IfNotPresent"),
        ("nginx@sha256:abc", "IfNotPresent"),
        ("nginx:latest@sha256:abc", "Always"),
        ("", "IfNotPresent"),
    ],
)
def test_pull_policy(image: str, policy: str) -> None:
    assert pod_defaults.pull_policy(image) == policy


CONTAINER = [
    ("ports: [{containerPort: 80}]", "ports", [{"containerPort": 80, "protocol": "TCP"}]),
    (
        "livenessProbe: {httpGet: {port: 80}}",
        "livenessProbe",
        {
            "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
            "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
        },
    ),
    ("resources: {limits: {cpu: 1}}", "resources", {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}),
    (
        "resources: {limits: {cpu: 1}, requests: {cpu: 0.1, memory: 1024Mi}}",
        "resources",
        {"limits": {"cpu": "1"}, "requests": {"cpu": "100m", "memory": "1Gi"}},
    ),
    ("resources: {requests: {cpu: 100u}}", "resources", {"requests": {"cpu": "1m"}}),
    (
        "env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]",
        "env",
        [{"name": "A", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}}],
    ),
    (
        "lifecycle: {preStop: {httpGet: {port: 1}}}",
        "lifecycle",
        {"preStop": {"httpGet": {"port": 1, "path": "/", "scheme": "HTTP"}}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("extra", "name", "want"), CONTAINER)
def test_containers(extra: str, name: str, want: Any, build: Build) -> None:
    pod = build(KIND, POD, f"spec: {{containers: [{{name: c, image: x, {extra}}}]}}")
    assert codec.to_builtins(pod)["spec"]["containers"][0][name] == want


@pytest.mark.parametrize(
    ("source", "want"),
    [
        ("", {"emptyDir": {}}),
        (", hostPath: {path: /a}", {"hostPath": {"path": "/a", "type": ""}}),
        (", secret: {secretName: s}", {"secret": {"secretName": "s", "defaultMode": 420}}),
        (", configMap: {name: c, defaultMode: 256}", {"configMap": {"name": "c", "defaultMode": 256}}),
        (
            ", projected: {sources: [{serviceAccountToken: {path: t}}]}",
            {"projected": {"defaultMode": 420, "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}]}},
        ),
        (
            ", downwardAPI: {items: [{path: p, resourceFieldRef: {containerName: c, resource: limits.cpu}}]}",
            {
                "downwardAPI": {
                    "defaultMode": 420,
                    "items": [{"path": "p", "resourceFieldRef": {"containerName": "c", "divisor": "0", "resource": "limits.cpu"}}],
                }
            },
        ),
        (", image: {reference: a:b}", {"image": {"reference": "a:b", "pullPolicy": "IfNotPresent"}}),
        (", iscsi: {targetPortal: a, iqn: b, lun: 0}", {"iscsi": {"targetPortal": "a", "iqn": "b", "lun": 0, "iscsiInterface": "default"}}),
    ],
)  # fmt: skip
def test_volumes(source: str, want: Any, build: Build) -> None:
    pod = build(KIND, POD, f"spec: {{volumes: [{{name: v{source}}}]}}")
    assert codec.to_builtins(pod)["spec"]["volumes"] == [{"name": "v", **want}]


def test_host_network_fills_in_host_ports(build: Build) -> None:
    pod = build(KIND, POD, "spec: {hostNetwork: true, containers: [{name: c, image: x, ports: [{containerPort: 80}]}]}")
    assert pod.spec.containers[0].ports[0].hostPort == 80


def test_either_name_of_the_service_account_gives_both(build: Build) -> None:
    for change in ("spec: {serviceAccount: a}", "spec: {serviceAccountName: a}"):
        pod = build(KIND, POD, change)
        assert (pod.spec.serviceAccount, pod.spec.serviceAccountName) == ("a", "a")


def test_a_gated_pod_says_so(create: Build) -> None:
    (condition,) = create(KIND, POD, "spec: {schedulingGates: [{name: a}]}").status.conditions
    assert (condition.type, condition.status, condition.reason) == ("PodScheduled", "False", "SchedulingGated")


def test_defaults_are_filled_in_once(create: Build) -> None:
    pod = create(KIND, POD, "spec: {resources: {limits: {cpu: 1}}, volumes: [{name: v}]}")
    before = codec.encode(pod)
    KIND.default(pod)
    assert codec.encode(pod) == before


@pytest.mark.parametrize(
    ("resources", "whole", "want"),
    [
        ("{}", "{}", "BestEffort"),
        ("{requests: {cpu: 0}}", "{}", "BestEffort"),
        ("{requests: {cpu: 1}}", "{}", "Burstable"),
        ("{limits: {cpu: 1}}", "{}", "Burstable"),
        ("{limits: {cpu: 1, memory: 1Gi}}", "{}", "Guaranteed"),
        ("{limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 1000m, memory: 1024Mi}}", "{}", "Guaranteed"),
        ("{limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 1, memory: 1Mi}}", "{}", "Burstable"),
        ("{requests: {example.com/x: 1}, limits: {example.com/x: 1}}", "{}", "BestEffort"),
        ("{}", "{limits: {cpu: 1, memory: 1Gi}}", "Guaranteed"),
    ],
)
def test_qos_class(resources: str, whole: str, want: str, create: Build) -> None:
    change = f"spec: {{containers: [{{name: c, image: x, resources: {resources}}}]}}"
    extra = [] if whole == "{}" else [f"spec: {{resources: {whole}}}"]
    assert qos_class(create(KIND, POD, change, *extra).spec) == want
