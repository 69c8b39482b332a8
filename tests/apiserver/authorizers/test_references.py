"""What pods and volumes refer to, as it is read from stored bytes; and that the graph of it follows every write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steersman.apiserver.authorizers import references
from steersman.apiserver.authorizers.nodegraph import PODS, NodeGraph
from steersman.apiserver.cached import Cached, describe_metadata
from steersman.store.protocol import Event


def encoded(spec: dict[str, Any], **more: Any) -> bytes:
    metadata = {"name": "p", "namespace": "ns", **more.pop("metadata", {})}
    return json.dumps({"metadata": metadata, "spec": spec, **more}, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({}, set()),
        ({"serviceAccountName": "a"}, {("serviceaccounts", "a")}),
        ({"imagePullSecrets": [{"name": "a"}, {}]}, {("secrets", "a")}),
        ({"volumes": [{"name": "v", "secret": {"secretName": "a", "items": []}}]}, {("secrets", "a")}),
        ({"volumes": [{"name": "v", "configMap": {"name": "a"}}]}, {("configmaps", "a")}),
        ({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "a"}}]}, {("persistentvolumeclaims", "a")}),
        (
            {"volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}]},
            {("persistentvolumeclaims", "p-v")},
        ),
        (
            {"volumes": [{"name": "v", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "a"}}}]},
            {("secrets", "a")},
        ),
        ({"volumes": [{"name": "v", "azureFile": {"secretName": "a", "shareName": "s"}}]}, {("secrets", "a")}),
        *(
            ({"volumes": [{"name": "v", kind: {"secretRef": {"name": "a"}}}]}, {("secrets", "a")})
            for kind in ("cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos")
        ),
        (
            {
                "volumes": [
                    {
                        "name": "v",
                        "projected": {
                            "sources": [
                                {"secret": {"name": "a"}},
                                {"configMap": {"name": "b"}},
                                {"serviceAccountToken": {"path": "t"}},
                            ]
                        },
                    }
                ]
            },
            {("secrets", "a"), ("configmaps", "b")},
        ),
        *(
            (
                {
                    containers: [
                        {
                            "name": "c",
                            "env": [
                                {"name": "A", "value": "x"},
                                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "a", "key": "k"}}},
                                {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "b", "key": "k"}}},
                                {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                            ],
                            "envFrom": [{"secretRef": {"name": "c"}}, {"configMapRef": {"name": "d"}}],
                        }
                    ]
                },
                {("secrets", "a"), ("configmaps", "b"), ("secrets", "c"), ("configmaps", "d")},
            )
            for containers in ("containers", "initContainers", "ephemeralContainers")
        ),
        ({"resourceClaims": [{"name": "x", "resourceClaimName": "a"}]}, {("resourceclaims", "a")}),
    ],
)
def test_what_a_pod_refers_to(spec: dict[str, Any], found: set[tuple[str, str]]) -> None:
    expected = {(plural, "ns", name) for plural, name in found}
    assert references.of_pod(encoded(spec)) == references.mentioned(encoded(spec)) == expected
    mirror = {"annotations": {"kubernetes.io/config.mirror": "x"}}
    assert references.of_pod(encoded(spec, metadata=mirror)) == set()
    assert references.mentioned(encoded(spec, metadata=mirror)) == expected


def test_claims_of_the_status() -> None:
    status = {
        "resourceClaimStatuses": [{"name": "x", "resourceClaimName": "a"}, {"name": "y"}],
        "extendedResourceClaimStatus": {"resourceClaimName": "b", "requestMappings": []},
    }
    assert references.of_pod(encoded({}, status=status)) == {
        ("resourceclaims", "ns", "a"),
        ("resourceclaims", "ns", "b"),
    }


def test_volumes() -> None:
    claim = {"namespace": "ns", "name": "c"}
    driver = {
        "driver": "d",
        "controllerPublishSecretRef": {"name": "hidden", "namespace": "x"},
        "nodeStageSecretRef": {"name": "a", "namespace": "x"},
        "nodePublishSecretRef": {"name": "b", "namespace": "y"},
        "nodeExpandSecretRef": {"name": "c", "namespace": "z"},
    }
    csi = encoded({"claimRef": claim, "csi": driver})
    assert references.of_volume(csi) == {("secrets", "x", "a"), ("secrets", "y", "b"), ("secrets", "z", "c")}
    assert references.claim_of(csi) == ("ns", "c")
    assert references.of_volume(encoded({"csi": driver})) == set()
    assert references.of_volume(encoded({"claimRef": claim, "rbd": {"secretRef": {"name": "a"}}})) == {
        ("secrets", "ns", "a")
    }
    azure = {"secretName": "a", "secretNamespace": None, "shareName": "s"}
    assert references.of_volume(encoded({"claimRef": claim, "azureFile": azure})) == {("secrets", "ns", "a")}


@pytest.mark.parametrize(
    ("body", "node"),
    [
        ({"spec": {"nodeName": "a"}}, "a"),
        ({"spec": {}}, ""),
        ({"metadata": {"labels": {"nodeName": "b"}}, "spec": {}}, ""),
        ({"metadata": {"annotations": {"x": '"nodeName":"b"'}}, "spec": {"nodeName": "a"}}, "a"),
        ({"spec": {"volumes": [{"nodeName": "b"}]}, "status": {"nodeName": "c"}}, ""),
    ],
)
def test_where_a_pod_belongs(body: dict[str, Any], node: str) -> None:
    assert references.node_of(json.dumps(body, separators=(",", ":")).encode()) == node


class Store:
    """Pods by name, each with a node and the secrets that it refers to."""

    def __init__(self) -> None:
        self.pods: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.graph = NodeGraph(self)

    def value(self, name: str) -> bytes:
        node, secrets = self.pods[name]
        volumes = [{"name": s, "secret": {"secretName": s}} for s in secrets]
        return encoded({"nodeName": node, "volumes": volumes} if node else {"volumes": volumes})

    def get(self, group: str, plural: str, namespace: str, name: str) -> Cached | None:
        if plural != "pods" or name not in self.pods:
            return None
        return Cached(f"{PODS}ns/{name}", "ns", name, 1, self.value(name), describe_metadata)

    def list(self, group: str, plural: str) -> list[Cached]:
        found = [self.get(group, plural, "ns", name) for name in self.pods]
        return [one for one in found if one is not None]

    def write(self, name: str, pod: tuple[str, tuple[str, ...]] | None) -> None:
        previous = self.value(name) if name in self.pods else None
        if pod is None:
            self.pods.pop(name, None)
            value = b""
        else:
            self.pods[name] = pod
            value = self.value(name)
        if previous is not None or value:
            self.graph.changed([Event(f"{PODS}ns/{name}", 1, value, previous, 0)])


NODES, SECRETS = ("a", "b"), ("s", "t", "u")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_graph_follows_every_write(data: st.DataObject) -> None:
    store = Store()
    for _ in range(data.draw(st.integers(1, 15))):
        name = data.draw(st.sampled_from(("p", "q", "r")))
        known = store.pods.get(name)
        # As the API has it: a pod gets a node once, and keeps it and its references until it is deleted.
        if known is None:
            node = data.draw(st.sampled_from(("", *NODES)))
            store.write(name, (node, tuple(data.draw(st.sets(st.sampled_from(SECRETS))))))
        elif data.draw(st.booleans()):
            store.write(name, None)
        elif not known[0]:
            store.write(name, (data.draw(st.sampled_from(NODES)), known[1]))
        else:
            store.write(name, known)
        if data.draw(st.booleans()):
            for node in (*NODES, "none"):
                for secret in SECRETS:
                    expected = any(n == node and secret in found for n, found in store.pods.values())
                    assert store.graph.refers(node, "secrets", "ns", secret) is expected
    for name in list(store.pods):
        store.write(name, None)
    assert not store.graph._pods
    assert not store.graph._open
    assert not store.graph._unread
