"""The definitions of older API versions, as changes to those of today: what they call by other names, or say otherwise.

Types that differ from today's in nothing but the version are not here: `kinds.kind.variant` makes them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

Schema = dict[str, Any]
Definitions = dict[str, Schema]

STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
INT32: Schema = {"type": "integer", "format": "int32"}
INT64: Schema = {"type": "integer", "format": "int64"}
LABELS: Schema = {"type": "object", "additionalProperties": STRING}
_API, _META = "io.k8s.api.", "io.k8s.apimachinery.pkg.apis.meta.v1."
_CUSTOM = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions."
QUANTITY: Schema = {"$ref": "#/$defs/io.k8s.apimachinery.pkg.api.resource.Quantity"}
INT_OR_STRING: Schema = {"$ref": "#/$defs/io.k8s.apimachinery.pkg.util.intstr.IntOrString"}
# The group of a top-level type is not part of its definition's name.
_GROUPS = {
    "admissionregistration": "admissionregistration.k8s.io",
    "apiextensions": "apiextensions.k8s.io",
    "authorization": "authorization.k8s.io",
    "certificates": "certificates.k8s.io",
    "discovery": "discovery.k8s.io",
    "flowcontrol": "flowcontrol.apiserver.k8s.io",
    "networking": "networking.k8s.io",
    "node": "node.k8s.io",
    "rbac": "rbac.authorization.k8s.io",
}


def key(name: str) -> str:
    """The full name of `apps.v1.Deployment`."""
    return (_CUSTOM + name.partition(".")[2]) if name.startswith("apiextensions.") else _API + name


def ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{_META + name if '.' not in name else key(name)}"}


def many(item: Schema) -> Schema:
    return {"type": "array", "items": item}


class Older:
    """Collects definitions; `known` are today's."""

    def __init__(self, known: Definitions) -> None:
        self.known = known
        self.made: Definitions = {}

    def derive(
        self,
        new: str,
        base: str,
        *,
        change: dict[str, Schema] | None = None,
        drop: Iterable[str] = (),
        required: list[str] | None = None,
    ) -> None:
        """A definition like another one but for some properties. Top-level types become those of their version."""
        schema = copy.deepcopy(self.known[key(base)])
        properties = schema["properties"]
        for name in drop:
            del properties[name]
        for name, found in (change or {}).items():
            before = {k: v for k, v in properties.get(name, {}).items() if k.startswith("x-kubernetes-")}
            properties[name] = {**before, **found}
        schema["properties"] = dict(sorted(properties.items()))
        if required is not None:
            schema["required"] = required
        elif "required" in schema:
            schema["required"] = [n for n in schema["required"] if n in properties]
        if "x-kubernetes-group-version-kind" in schema:
            group, version, kind = new.split(".")
            name = _GROUPS.get(group, group)
            schema["x-kubernetes-group-version-kind"] = [{"group": name, "version": version, "kind": kind}]
        self.made[key(new)] = schema

    def define(self, name: str, properties: dict[str, Schema], required: Iterable[str] = ()) -> None:
        """A definition of its own."""
        self.made[key(name)] = {"properties": dict(sorted(properties.items())), "required": list(required)}


def workloads(older: Older) -> None:
    """Deployments that can be asked to roll back, DaemonSets that count templates, and selectors that may be left out."""
    for version in ("apps.v1beta1", "extensions.v1beta1"):
        older.define(f"{version}.RollbackConfig", {"revision": INT64})
        older.derive(
            f"{version}.DeploymentSpec",
            "apps.v1.DeploymentSpec",
            change={"rollbackTo": ref(f"{version}.RollbackConfig")},
            required=["template"],
        )
        older.derive(
            f"{version}.Deployment",
            "apps.v1.Deployment",
            change={"spec": ref(f"{version}.DeploymentSpec")},
            required=[],
        )
    older.derive(
        "extensions.v1beta1.DaemonSetSpec",
        "apps.v1.DaemonSetSpec",
        change={"templateGeneration": INT64},
        required=["template"],
    )
    for kind in ("DaemonSet", "ReplicaSet"):
        spec = ref(f"extensions.v1beta1.{kind}Spec")
        older.derive(f"extensions.v1beta1.{kind}", f"apps.v1.{kind}", change={"spec": spec}, required=[])
    older.derive("extensions.v1beta1.ReplicaSetSpec", "apps.v1.ReplicaSetSpec", required=[])
    older.derive("apps.v1beta1.StatefulSetSpec", "apps.v1.StatefulSetSpec", required=["template", "serviceName"])
    older.derive(
        "apps.v1beta1.StatefulSet", "apps.v1.StatefulSet", change={"spec": ref("apps.v1beta1.StatefulSetSpec")}
    )
    for version in ("apps.v1beta1", "apps.v1beta2", "extensions.v1beta1"):
        older.define(
            f"{version}.ScaleStatus", {"replicas": INT32, "selector": LABELS, "targetSelector": STRING}, ["replicas"]
        )
        older.derive(f"{version}.Scale", "autoscaling.v1.Scale", change={"status": ref(f"{version}.ScaleStatus")})


def jobs(older: Older) -> None:
    """Jobs, and autoscalers of a reference and a percentage, in the group where they began."""
    here = "extensions.v1beta1"
    older.derive(f"{here}.JobSpec", "batch.v1.JobSpec", change={"autoSelector": BOOLEAN})
    older.derive(f"{here}.Job", "batch.v1.Job", change={"spec": ref(f"{here}.JobSpec")})
    kind = "HorizontalPodAutoscaler"
    reference = {"apiVersion": STRING, "kind": STRING, "name": STRING, "subresource": STRING}
    older.define(f"{here}.SubresourceReference", reference)
    older.define(f"{here}.CPUTargetUtilization", {"targetPercentage": INT32}, ["targetPercentage"])
    older.derive(
        f"{here}.{kind}Spec",
        f"autoscaling.v1.{kind}Spec",
        change={
            "cpuUtilization": ref(f"{here}.CPUTargetUtilization"),
            "scaleRef": ref(f"{here}.SubresourceReference"),
        },
        drop=["scaleTargetRef", "targetCPUUtilizationPercentage"],
        required=["scaleRef", "maxReplicas"],
    )
    older.derive(f"{here}.{kind}", f"autoscaling.v1.{kind}", change={"spec": ref(f"{here}.{kind}Spec")})


def ingresses(older: Older) -> None:
    here = "networking.v1beta1"
    older.define(
        f"{here}.IngressBackend",
        {"resource": ref("core.v1.TypedLocalObjectReference"), "serviceName": STRING, "servicePort": INT_OR_STRING},
    )
    older.derive(
        f"{here}.HTTPIngressPath",
        "networking.v1.HTTPIngressPath",
        change={"backend": ref(f"{here}.IngressBackend")},
        required=["backend"],
    )
    paths = many(ref(f"{here}.HTTPIngressPath"))
    older.derive(f"{here}.HTTPIngressRuleValue", "networking.v1.HTTPIngressRuleValue", change={"paths": paths})
    http = ref(f"{here}.HTTPIngressRuleValue")
    older.derive(f"{here}.IngressRule", "networking.v1.IngressRule", change={"http": http})
    older.derive(
        f"{here}.IngressSpec",
        "networking.v1.IngressSpec",
        change={"backend": ref(f"{here}.IngressBackend"), "rules": many(ref(f"{here}.IngressRule"))},
        drop=["defaultBackend"],
    )
    for version in (here, "extensions.v1beta1"):
        older.derive(f"{version}.Ingress", "networking.v1.Ingress", change={"spec": ref(f"{here}.IngressSpec")})


def autoscalers(older: Older) -> None:
    """Metrics whose targets are fields of their own, and that know no behavior."""
    here = "autoscaling.v2beta1"
    about: dict[str, Schema] = {"metricName": STRING, "selector": ref("LabelSelector")}
    target = ref("autoscaling.v2.CrossVersionObjectReference")
    for noun, word in (("Source", "target"), ("Status", "current")):
        value, average = f"{word}Value", f"{word}AverageValue"
        resource: dict[str, Schema] = {"name": STRING, f"{word}AverageUtilization": INT32, average: QUANTITY}
        older.define(f"{here}.ResourceMetric{noun}", resource, ["name"])
        older.define(f"{here}.ContainerResourceMetric{noun}", {**resource, "container": STRING}, ["name", "container"])
        older.define(f"{here}.PodsMetric{noun}", {**about, average: QUANTITY}, ["metricName"])
        found: dict[str, Schema] = {"target": target, value: QUANTITY, "averageValue": QUANTITY}
        older.define(f"{here}.ObjectMetric{noun}", {**about, **found}, ["target", "metricName"])
        external: dict[str, Schema] = {"metricName": STRING, "metricSelector": ref("LabelSelector")}
        older.define(f"{here}.ExternalMetric{noun}", {**external, value: QUANTITY, average: QUANTITY}, ["metricName"])
        name = "MetricSpec" if noun == "Source" else "MetricStatus"
        sections = ("ContainerResource", "External", "Object", "Pods", "Resource")
        change = {s[:1].lower() + s[1:]: ref(f"{here}.{s}Metric{noun}") for s in sections}
        older.derive(f"{here}.{name}", f"autoscaling.v2.{name}", change=change)
    kind = "HorizontalPodAutoscaler"
    metrics = many(ref(f"{here}.MetricSpec"))
    older.derive(f"{here}.{kind}Spec", f"autoscaling.v2.{kind}Spec", change={"metrics": metrics}, drop=["behavior"])
    current = many(ref(f"{here}.MetricStatus"))
    older.derive(f"{here}.{kind}Status", f"autoscaling.v2.{kind}Status", change={"currentMetrics": current})
    parts = {"spec": ref(f"{here}.{kind}Spec"), "status": ref(f"{here}.{kind}Status")}
    older.derive(f"{here}.{kind}", f"autoscaling.v2.{kind}", change=parts)


def custom_resources(older: Older) -> None:
    """Definitions that say once what today each version says."""
    here, today = "apiextensions.v1beta1", "apiextensions.v1"
    older.derive(
        f"{here}.CustomResourceColumnDefinition",
        f"{today}.CustomResourceColumnDefinition",
        change={"JSONPath": STRING},
        drop=["jsonPath"],
        required=["name", "type", "JSONPath"],
    )
    older.define(
        f"{here}.CustomResourceConversion",
        {
            "conversionReviewVersions": many(STRING),
            "strategy": STRING,
            "webhookClientConfig": ref(f"{today}.WebhookClientConfig"),
        },
        ["strategy"],
    )
    columns = many(ref(f"{here}.CustomResourceColumnDefinition"))
    older.derive(
        f"{here}.CustomResourceDefinitionVersion",
        f"{today}.CustomResourceDefinitionVersion",
        change={"additionalPrinterColumns": columns},
    )
    own = older.known[key(f"{today}.CustomResourceDefinitionVersion")]["properties"]
    older.derive(
        f"{here}.CustomResourceDefinitionSpec",
        f"{today}.CustomResourceDefinitionSpec",
        change={
            "additionalPrinterColumns": columns,
            "conversion": ref(f"{here}.CustomResourceConversion"),
            "selectableFields": own["selectableFields"],
            "subresources": own["subresources"],
            "validation": own["schema"],
            "version": STRING,
            "versions": many(ref(f"{here}.CustomResourceDefinitionVersion")),
        },
        required=["group", "names"],
    )
    spec = ref(f"{here}.CustomResourceDefinitionSpec")
    older.derive(f"{here}.CustomResourceDefinition", f"{today}.CustomResourceDefinition", change={"spec": spec})


def webhooks(older: Older) -> None:
    here = "admissionregistration.v1beta1"
    for kind in ("Mutating", "Validating"):
        older.derive(
            f"{here}.{kind}Webhook",
            f"admissionregistration.v1.{kind}Webhook",
            # The version has conditions of its own, for what it has besides.
            change={"matchConditions": many(ref(f"{here}.MatchCondition"))},
            required=["name", "clientConfig"],
        )
        hooks = many(ref(f"{here}.{kind}Webhook"))
        name = f"{kind}WebhookConfiguration"
        older.derive(f"{here}.{name}", f"admissionregistration.v1.{name}", change={"webhooks": hooks})


def reviews(older: Older) -> None:
    here, today = "authorization.v1beta1", "authorization.v1"
    older.derive(
        f"{here}.SubjectAccessReviewSpec",
        f"{today}.SubjectAccessReviewSpec",
        change={"group": many(STRING)},
        drop=["groups"],
    )
    spec = ref(f"{here}.SubjectAccessReviewSpec")
    for kind in ("SubjectAccessReview", "LocalSubjectAccessReview"):
        older.derive(f"{here}.{kind}", f"{today}.{kind}", change={"spec": spec})


def slices(older: Older) -> None:
    older.derive(
        "discovery.v1beta1.Endpoint",
        "discovery.v1.Endpoint",
        change={"topology": LABELS},
        drop=["deprecatedTopology", "zone"],
    )
    endpoints = many(ref("discovery.v1beta1.Endpoint"))
    older.derive("discovery.v1beta1.EndpointSlice", "discovery.v1.EndpointSlice", change={"endpoints": endpoints})


def certificates(older: Older) -> None:
    kind = "CertificateSigningRequest"
    older.derive(f"certificates.v1beta1.{kind}Spec", f"certificates.v1.{kind}Spec", required=["request"])
    spec = ref(f"certificates.v1beta1.{kind}Spec")
    older.derive(f"certificates.v1beta1.{kind}", f"certificates.v1.{kind}", change={"spec": spec}, required=[])


def flow_control(older: Older) -> None:
    kind = "PriorityLevelConfiguration"
    for version in ("v1beta1", "v1beta2"):
        here = f"flowcontrol.{version}"
        older.derive(
            f"{here}.Limited{kind}",
            f"flowcontrol.v1.Limited{kind}",
            change={"assuredConcurrencyShares": INT32},
            drop=["nominalConcurrencyShares"],
        )
        limited = ref(f"{here}.Limited{kind}")
        older.derive(f"{here}.{kind}Spec", f"flowcontrol.v1.{kind}Spec", change={"limited": limited})
        older.derive(f"{here}.{kind}", f"flowcontrol.v1.{kind}", change={"spec": ref(f"{here}.{kind}Spec")})


def bindings(older: Older) -> None:
    here = "rbac.v1alpha1"
    older.derive(f"{here}.Subject", "rbac.v1.Subject", change={"apiVersion": STRING}, drop=["apiGroup"])
    # The fields are today's, and their numbers in protobuf are not.
    older.derive(f"{here}.PolicyRule", "rbac.v1.PolicyRule")
    for kind in ("Role", "ClusterRole"):
        older.derive(f"{here}.{kind}", f"rbac.v1.{kind}", change={"rules": many(ref(f"{here}.PolicyRule"))})
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        older.derive(f"{here}.{kind}", f"rbac.v1.{kind}", change={"subjects": many(ref(f"{here}.Subject"))})


def runtime_classes(older: Older) -> None:
    here = "node.v1alpha1"
    today = older.known[key("node.v1.RuntimeClass")]["properties"]
    older.define(
        f"{here}.RuntimeClassSpec",
        {"overhead": today["overhead"], "runtimeHandler": STRING, "scheduling": today["scheduling"]},
        ["runtimeHandler"],
    )
    older.derive(
        f"{here}.RuntimeClass",
        "node.v1.RuntimeClass",
        change={"spec": ref(f"{here}.RuntimeClassSpec")},
        drop=["handler", "overhead", "scheduling"],
        required=["spec"],
    )


_ALL: tuple[Callable[[Older], None], ...] = (
    workloads, jobs, ingresses, autoscalers, custom_resources, webhooks, reviews, slices, certificates, flow_control, bindings,
    runtime_classes,
)  # fmt: skip


def definitions(known: Definitions) -> Definitions:
    """The definitions of older versions, made of today's."""
    older = Older(known)
    for make in _ALL:
        make(older)
    return older.made
