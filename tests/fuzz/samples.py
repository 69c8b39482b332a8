"""Good objects, patches and questions, which the mutations start from."""

from __future__ import annotations

from typing import Any

CONTAINER: dict[str, Any] = {
    "name": "c",
    "image": "example/app:v1",
    "command": ["run"],
    "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
    "ports": [{"containerPort": 80, "protocol": "TCP", "name": "http"}],
    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
    "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 5},
    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    "securityContext": {"runAsUser": 1000, "capabilities": {"drop": ["ALL"]}},
}
POD_SPEC: dict[str, Any] = {
    "containers": [CONTAINER],
    "initContainers": [{"name": "i", "image": "example/app:v1", "restartPolicy": "Always"}],
    "volumes": [{"name": "data", "emptyDir": {"sizeLimit": "1Gi"}}, {"name": "cfg", "configMap": {"name": "a"}}],
    "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 3}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]
            }
        }
    },
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "zone",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"a": "b"}},
        }
    ],
    "terminationGracePeriodSeconds": 1,
}
SELECTOR: dict[str, Any] = {
    "matchLabels": {"app": "web"},
    "matchExpressions": [{"key": "x", "operator": "DoesNotExist"}],
}
TEMPLATE: dict[str, Any] = {"metadata": {"labels": {"app": "web"}}, "spec": POD_SPEC}
WORKLOAD: dict[str, Any] = {"replicas": 2, "selector": SELECTOR, "template": TEMPLATE}
JOB_SPEC: dict[str, Any] = {
    "completions": 2,
    "parallelism": 1,
    "completionMode": "Indexed",
    "backoffLimitPerIndex": 1,
    "podFailurePolicy": {"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [1]}}]},
    "template": {"spec": {**POD_SPEC, "restartPolicy": "Never", "initContainers": []}},
}
CRD_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": {"type": "integer", "minimum": 0, "default": 1},
                "names": {
                    "type": "array",
                    "maxItems": 9,
                    "x-kubernetes-list-type": "set",
                    "items": {"type": "string", "maxLength": 9},
                },
                "any": {"x-kubernetes-preserve-unknown-fields": True},
                "port": {"x-kubernetes-int-or-string": True},
            },
            "x-kubernetes-validations": [{"rule": "self.size < 10 || has(self.names)", "message": "too large"}],
        },
        "status": {"type": "object", "properties": {"ready": {"type": "boolean"}}},
    },
}
CRD: dict[str, Any] = {
    "spec": {
        "group": "fuzz.example.com",
        "names": {"plural": "widgets", "kind": "Widget"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": CRD_SCHEMA},
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.n"},
                },
                "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
                "selectableFields": [{"jsonPath": ".spec.size"}],
            }
        ],
    }
}
POLICY: dict[str, Any] = {
    "spec": {
        "matchConstraints": {
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
            ]
        },
        "variables": [{"name": "n", "expression": "object.metadata.name"}],
        "validations": [
            {
                "expression": "variables.n.startsWith('a') && size(object.spec.containers) < 9",
                "messageExpression": "'no ' + variables.n",
            }
        ],
        "matchConditions": [{"name": "m", "expression": "request.userInfo.username != 'x'"}],
    }
}
WEBHOOKS: dict[str, Any] = {
    "webhooks": [
        {
            "name": "w.example.com",
            "clientConfig": {"url": "https://127.0.0.1:1/x"},
            "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}],
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "matchConditions": [{"name": "m", "expression": "object != null"}],
        }
    ]
}

OBJECTS: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    ("", "pods"): ("v1", {"spec": POD_SPEC}),
    ("", "services"): ("v1", {"spec": {"selector": {"a": "b"}, "ports": [{"port": 80, "targetPort": "http", "nodePort": 30080}], "type": "NodePort"}}),
    ("", "configmaps"): ("v1", {"data": {"a": "b"}, "binaryData": {"c": "aGk="}}),
    ("", "secrets"): ("v1", {"type": "Opaque", "data": {"a": "aGk="}, "stringData": {"b": "c"}}),
    ("", "namespaces"): ("v1", {"spec": {"finalizers": ["kubernetes"]}}),
    ("", "nodes"): ("v1", {"spec": {"podCIDR": "10.0.0.0/24", "taints": [{"key": "a", "effect": "NoSchedule"}]}, "status": {"capacity": {"cpu": "4"}}}),
    ("", "persistentvolumes"): ("v1", {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}}),
    ("", "persistentvolumeclaims"): ("v1", {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
    ("", "events"): ("v1", {"involvedObject": {"kind": "Pod", "name": "a", "namespace": "default"}, "reason": "R", "message": "m", "type": "Normal"}),
    ("", "resourcequotas"): ("v1", {"spec": {"hard": {"pods": "1000000", "requests.cpu": "10000000"}}}),
    ("", "limitranges"): ("v1", {"spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}, "max": {"cpu": "8"}}]}}),
    ("", "replicationcontrollers"): ("v1", {"spec": {"replicas": 1, "selector": {"app": "web"}, "template": TEMPLATE}}),
    ("apps", "deployments"): ("apps/v1", {"spec": {**WORKLOAD, "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}}}}),
    ("apps", "statefulsets"): ("apps/v1", {"spec": {**WORKLOAD, "serviceName": "a"}}),
    ("apps", "daemonsets"): ("apps/v1", {"spec": {"selector": SELECTOR, "template": TEMPLATE}}),
    ("batch", "jobs"): ("batch/v1", {"spec": JOB_SPEC}),
    ("batch", "cronjobs"): ("batch/v1", {"spec": {"schedule": "*/5 * * * *", "timeZone": "Europe/Berlin", "jobTemplate": {"spec": JOB_SPEC}}}),
    ("networking.k8s.io", "ingresses"): ("networking.k8s.io/v1", {"spec": {"rules": [{"host": "a.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "a", "port": {"number": 80}}}}]}}]}}),
    ("networking.k8s.io", "networkpolicies"): ("networking.k8s.io/v1", {"spec": {"podSelector": SELECTOR, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}], "ports": [{"port": 80, "endPort": 90}]}]}}),
    ("autoscaling", "horizontalpodautoscalers"): ("autoscaling/v2", {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "a", "apiVersion": "apps/v1"}, "maxReplicas": 3, "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]}}),
    ("policy", "poddisruptionbudgets"): ("policy/v1", {"spec": {"minAvailable": "50%", "selector": SELECTOR}}),
    ("rbac.authorization.k8s.io", "clusterroles"): ("rbac.authorization.k8s.io/v1", {"rules": [{"apiGroups": ["*"], "resources": ["pods"], "verbs": ["get"]}]}),
    ("rbac.authorization.k8s.io", "rolebindings"): ("rbac.authorization.k8s.io/v1", {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "a"}, "subjects": [{"kind": "User", "name": "u", "apiGroup": "rbac.authorization.k8s.io"}]}),
    ("discovery.k8s.io", "endpointslices"): ("discovery.k8s.io/v1", {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}], "ports": [{"name": "http", "port": 80}]}),
    ("coordination.k8s.io", "leases"): ("coordination.k8s.io/v1", {"spec": {"holderIdentity": "a", "leaseDurationSeconds": 3, "renewTime": "2026-01-01T00:00:00.000000Z"}}),
    ("scheduling.k8s.io", "priorityclasses"): ("scheduling.k8s.io/v1", {"value": 3, "description": "d"}),
    ("storage.k8s.io", "storageclasses"): ("storage.k8s.io/v1", {"provisioner": "example.com/x", "parameters": {"a": "b"}}),
    ("flowcontrol.apiserver.k8s.io", "flowschemas"): ("flowcontrol.apiserver.k8s.io/v1", {"spec": {"priorityLevelConfiguration": {"name": "catch-all"}, "matchingPrecedence": 9000, "rules": [{"subjects": [{"kind": "User", "user": {"name": "u"}}], "resourceRules": [{"verbs": ["get"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}]}]}}),
    ("certificates.k8s.io", "certificatesigningrequests"): ("certificates.k8s.io/v1", {"spec": {"request": "LS0tLS1CRUdJTg==", "signerName": "example.com/x", "usages": ["client auth"]}}),
    ("apiextensions.k8s.io", "customresourcedefinitions"): ("apiextensions.k8s.io/v1", CRD),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"): ("admissionregistration.k8s.io/v1", POLICY),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"): ("admissionregistration.k8s.io/v1", WEBHOOKS),
    ("fuzz.example.com", "widgets"): ("fuzz.example.com/v1", {"spec": {"size": 3, "names": ["a"], "any": {"x": [1]}, "port": "http"}, "status": {"ready": True}}),
}  # fmt: skip
"""By group and plural: the version, and all but the metadata."""

CLUSTER_WIDE = frozenset({
    "namespaces", "nodes", "persistentvolumes", "clusterroles", "priorityclasses", "storageclasses", "flowschemas",
    "certificatesigningrequests", "customresourcedefinitions", "validatingadmissionpolicies", "validatingwebhookconfigurations",
})  # fmt: skip
NEVER_STORED = frozenset({
    "customresourcedefinitions", "validatingadmissionpolicies", "validatingwebhookconfigurations", "flowschemas", "resourcequotas",
    "limitranges", "priorityclasses", "storageclasses",
})  # fmt: skip
"""Tried with dryRun only: what they say would change the answers to everything else."""

METADATA: dict[str, Any] = {
    "labels": {"app": "web", "tier": "front"},
    "annotations": {"note": "n"},
    "finalizers": ["example.com/f"],
    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "o", "uid": "u-1", "controller": True}],
}
JSON_PATCH: list[dict[str, Any]] = [
    {"op": "test", "path": "/metadata/name", "value": "a"},
    {"op": "add", "path": "/metadata/labels/x~1y", "value": "z"},
    {"op": "replace", "path": "/spec", "value": {}},
    {"op": "copy", "from": "/metadata/labels", "path": "/metadata/annotations"},
    {"op": "move", "from": "/metadata/labels/app", "path": "/metadata/labels/ppa"},
    {"op": "remove", "path": "/spec/containers/0"},
]
QUERIES = (
    "", "limit=2", "limit=2&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhXHUwMDAwIn0",
    "labelSelector=app in (web,x),!y,z!=1", "labelSelector=a%3Db", "fieldSelector=metadata.name=a,metadata.namespace!=b",
    "fieldSelector=spec.nodeName=n", "resourceVersion=1&resourceVersionMatch=Exact&limit=3", "resourceVersion=0",
    "resourceVersionMatch=NotOlderThan&resourceVersion=2", "watch=1&resourceVersion=1", "watch=true&allowWatchBookmarks=1",
    "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true", "timeoutSeconds=1", "pretty=1",
    "dryRun=All", "fieldManager=me", "fieldManager=me&force=true", "fieldValidation=Strict", "fieldValidation=Warn",
    "propagationPolicy=Foreground", "gracePeriodSeconds=0", "orphanDependents=true", "includeObject=Metadata",
)  # fmt: skip
ACCEPTS = (
    "", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "*/*",
    "application/json;as=Table;g=meta.k8s.io;v=v1", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;q=0.5", "text/html",
    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
)  # fmt: skip
PATHS = (
    "/api", "/apis", "/apis/apps", "/apis/apps/v1", "/version", "/healthz", "/readyz/ping", "/openapi/v2", "/openapi/v3",
    "/openapi/v3/apis/apps/v1", "/metrics", "/.well-known/openid-configuration", "/openid/v1/jwks", "/apis/x/y/z", "/api/v1/watch/pods",
    "/api/v1/namespaces/default/pods/a/log", "/api/v1/namespaces/default/pods/a/eviction", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "/api/v1/namespaces/default/serviceaccounts/default/token", "/apis/authentication.k8s.io/v1/tokenreviews",
)  # fmt: skip
SUBRESOURCES = (
    "status",
    "scale",
    "finalize",
    "binding",
    "eviction",
    "ephemeralcontainers",
    "resize",
    "approval",
    "nothing",
)
