"""Generates the typed API objects in kinds/types from the definitions that the kubernetes-validate package carries.

Names, types, list types and merge keys are taken over; descriptions are not. What the definitions do not tell (plural
names, scope, and where Go has a pointer) stands in the tables below.
"""

from __future__ import annotations

import argparse
import json
import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import older_types

Schema = dict[str, Any]

TARGET = Path(__file__).resolve().parent.parent / "src" / "steersman" / "kinds" / "types"


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Definitions that are scalars or unions: how they are written, and the names that api.schema gives them.
SCALARS = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "Quantity",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "Time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "MicroTime",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch": "RawExtension",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "RawExtension",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "IntOrString",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": "JSON",
}
UNIONS = {
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "dict[str, Any]",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray": (
        "JSONSchemaProps | list[JSONSchemaProps]"
    ),
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool": "JSONSchemaProps | bool",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": (
        "JSONSchemaProps | list[str]"
    ),
}
SCHEMA_NAMES = ("Bytes", "Int32", "Int64", "IntOrString", "JSON", "MicroTime", "Quantity", "RawExtension", "Time")

# Go has a pointer to a string here, and the empty string is not the same as none.
NULLABLE_STRINGS = words(
    """
    AppArmorProfile.localhostProfile SeccompProfile.localhostProfile
    CSIVolumeSource.fsType LocalVolumeSource.fsType HostPathVolumeSource.type
    ClusterTrustBundleProjection.name ClusterTrustBundleProjection.signerName
    CronJobSpec.timeZone
    CustomResourceDefinitionVersion.deprecationWarning CustomResourceSubresourceScale.labelSelectorPath
    Device.nodeName BasicDevice.nodeName ResourceSliceSpec.nodeName
    DeviceAttribute.string DeviceAttribute.version
    DeviceClassSpec.extendedResourceName DeviceConstraint.matchAttribute DeviceConstraint.distinctAttribute
    DeviceTaintSelector.device DeviceTaintSelector.driver DeviceTaintSelector.pool
    EndpointPort.name EndpointPort.appProtocol ServicePort.appProtocol
    GRPCAction.service
    IngressSpec.ingressClassName
    IngressClassParametersReference.apiGroup IngressClassParametersReference.namespace
    LeaseSpec.holderIdentity
    PersistentVolumeClaimSpec.storageClassName PersistentVolumeClaimSpec.volumeAttributesClassName
    PersistentVolumeClaimStatus.currentVolumeAttributesClassName PersistentVolumeSpec.volumeAttributesClassName
    PodDNSConfigOption.value
    PodResourceClaim.resourceClaimName PodResourceClaim.resourceClaimTemplateName
    PodResourceClaimStatus.resourceClaimName
    PodSpec.hostnameOverride PodSpec.runtimeClassName
    Preconditions.resourceVersion Preconditions.uid
    ServiceReference.path WebhookClientConfig.url
    ServiceSpec.loadBalancerClass
    TypedLocalObjectReference.apiGroup TypedObjectReference.apiGroup TypedObjectReference.namespace
    VolumeAttachmentSource.persistentVolumeName
    """
)
# Defaults of the fields that identify the items of a list; the definitions here leave defaults out.
KEY_DEFAULTS = {"ContainerPort": {"protocol": "TCP"}, "ServicePort": {"protocol": "TCP"}}

# EndpointPort exists twice: the core one names its port by a plain string.
PLAIN_STRINGS = frozenset({"core_v1.EndpointPort.name"})

# Not required, and yet Go writes them always: clients count on it.
ALWAYS = words(
    """
    PodDisruptionBudgetStatus.currentHealthy PodDisruptionBudgetStatus.desiredHealthy
    PodDisruptionBudgetStatus.disruptionsAllowed PodDisruptionBudgetStatus.expectedPods
    StatefulSetStatus.availableReplicas
    """
)

# Integers of a status that Go points to: none is not zero.
NULLABLE_STATUS_INTS = words(
    """
    DaemonSetStatus.collisionCount StatefulSetStatus.collisionCount
    DeploymentStatus.collisionCount DeploymentStatus.terminatingReplicas ReplicaSetStatus.terminatingReplicas
    HorizontalPodAutoscalerStatus.currentCPUUtilizationPercentage HorizontalPodAutoscalerStatus.observedGeneration
    MetricValueStatus.averageUtilization
    ResourceMetricStatus.currentAverageUtilization ContainerResourceMetricStatus.currentAverageUtilization
    JobStatus.ready JobStatus.terminating
    NodeSwapStatus.capacity
    EvictionStatus.observedGeneration EvictionRequestStatus.observedGeneration
    PartitionTypeStatus.allocatable PartitionTypeStatus.total
    PoolStatus.allocatedDevices PoolStatus.availableDevices PoolStatus.resourceSliceCount PoolStatus.totalDevices
    PoolStatus.unavailableDevices
    ResourcePoolStatusRequestStatus.poolCount
    ShareableSummaryStatus.fullyAvailableDevices ShareableSummaryStatus.partiallyAvailableDevices
    """
)

# Objects that are part of their parent: never None, unless the next table says that Go has a pointer.
VALUE_FIELDS = frozenset({"metadata", "spec", "status", "template", "jobTemplate"})
# Required by the schema and yet a pointer in Go, so that validation can tell that it is missing.
POINTERS = words(
    """
    ReplicationControllerSpec.template ResourcePoolStatusRequest.status CustomResourceSubresources.status
    DaemonSetSpec.selector DeploymentSpec.selector ReplicaSetSpec.selector StatefulSetSpec.selector
    NodeAllocatableMappedResources.quantity CapacityRequestPolicyRange.min ShareableCapacityStatus.available
    ShareableCapacityStatus.consumed ShareableCapacityStatus.total
    ScaleIOPersistentVolumeSource.secretRef ScaleIOVolumeSource.secretRef
    IPAddressSpec.parentRef CompositePodGroupSpec.workloadRef
    MutatingWebhook.sideEffects ValidatingWebhook.sideEffects
    EvictionResponder.priority TargetResponder.priority HTTPIngressPath.pathType
    """
)

CLUSTER_SCOPED = words(
    """
    APIService CSIDriver CSINode CertificateSigningRequest ClusterRole ClusterRoleBinding ClusterTrustBundle
    ComponentStatus CustomResourceDefinition DeviceClass DeviceTaintRule FlowSchema IPAddress IngressClass
    MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration Namespace Node
    PersistentVolume PriorityClass PriorityLevelConfiguration ResourcePoolStatusRequest ResourceSlice RuntimeClass
    SelfSubjectAccessReview SelfSubjectReview SelfSubjectRulesReview ServiceCIDR StorageClass StorageVersion
    StorageVersionMigration SubjectAccessReview TokenReview ValidatingAdmissionPolicy
    ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration VolumeAttachment VolumeAttributesClass
    """
)
PLURALS = {"Endpoints": "endpoints"}
# Options and answers of requests: they have a kind, and no path of their own.
NOT_RESOURCES = frozenset({"DeleteOptions", "WatchEvent", "Status", "APIGroup", "APIVersions"})


@dataclass(frozen=True)
class Definition:
    """One definition: `key` in the source, and where it goes."""

    key: str
    module: str
    name: str
    schema: Schema

    @property
    def properties(self) -> dict[str, Schema]:
        return self.schema.get("properties") or {}

    @property
    def required(self) -> frozenset[str]:
        return frozenset(self.schema.get("required") or ())

    @property
    def gvk(self) -> tuple[str, str, str] | None:
        """(group, version, kind) of a top-level type."""
        found = self.schema.get("x-kubernetes-group-version-kind")
        if not found:
            return None
        return found[0]["group"], found[0]["version"], found[0]["kind"]

    @property
    def is_list(self) -> bool:
        return self.gvk is not None and self.name.endswith("List") and "items" in self.properties

    @property
    def base(self) -> str:
        """The class that it derives from: generic code takes `Object` and `ListObject`."""
        if self.gvk is None or self.name in NOT_RESOURCES or "metadata" not in self.properties:
            return "ApiType"
        return "ListObject" if self.is_list else "Object"


@dataclass
class Module:
    """A module to write: its types, and the names that they take from other modules."""

    name: str
    types: list[Definition] = field(default_factory=list)
    imports: dict[str, set[str]] = field(default_factory=dict)

    def use(self, module: str, name: str) -> None:
        if module != self.name:
            self.imports.setdefault(module, set()).add(name)


def source() -> tuple[str, dict[str, Schema]]:
    """The newest Kubernetes version that the package holds, and its definitions."""
    spec = find_spec("kubernetes_validate")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("kubernetes-validate is not installed: pip install 'steersman[explain]'")
    root = Path(spec.submodule_search_locations[0]) / "kubernetes-json-schema"
    versions = {
        tuple(int(n) for n in m.groups()): p
        for p in root.iterdir()
        if (m := re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)-local", p.name))
    }
    newest = max(versions)
    data = json.loads((versions[newest] / "_definitions.json").read_text())
    return ".".join(map(str, newest)), data["$defs"]


def locate(key: str) -> tuple[str, str]:
    """The module and class of a definition: io.k8s.api.apps.v1.Deployment is apps_v1.Deployment."""
    parts = key.split(".")
    if parts[-2] == "version":
        return "meta_v1", "Version" + parts[-1]
    return f"{parts[-3]}_{parts[-2]}", parts[-1]


def collect(definitions: dict[str, Schema]) -> dict[str, Definition]:
    out = {}
    for key, schema in definitions.items():
        if key in SCALARS or key in UNIONS:
            continue
        out[key] = Definition(key, *locate(key), schema)
    return out


def schema_type(schema: Schema) -> str:
    kind = schema.get("type")
    return str(kind[0] if isinstance(kind, list) else kind)


def reference(schema: Schema) -> str:
    return str(schema["$ref"]).removeprefix("#/$defs/") if "$ref" in schema else ""


def annotation(schema: Schema, module: Module, builtin: dict[str, str]) -> str:
    """The Python type of a schema; `builtin` gives the spelling of built-in types in this class."""
    if ref := reference(schema):
        return ref_annotation(ref, module, builtin)
    kind = schema_type(schema)
    if kind == "array":
        return f"{builtin['list']}[{annotation(schema['items'], module, builtin)}]"
    if kind == "object":
        values = schema.get("additionalProperties")
        inner = annotation(values, module, builtin) if values else "Any"
        return f"{builtin['dict']}[{builtin['str']}, {inner}]"
    if kind == "string":
        return "Bytes" if schema.get("format") == "byte" else builtin["str"]
    if kind == "integer":
        return "Int32" if schema.get("format") == "int32" else "Int64"
    return builtin[{"boolean": "bool", "number": "float"}[kind]]


def ref_annotation(ref: str, module: Module, builtin: dict[str, str]) -> str:
    if ref in SCALARS:
        return SCALARS[ref]
    if ref in UNIONS:
        return re.sub(r"\b(list|bool|str|dict)\b", lambda m: builtin[m[1]], UNIONS[ref])
    target, name = locate(ref)
    module.use(target, name)
    return name


def attribute(name: str) -> str:
    """The Python name of a field: the wire name, where it can be one."""
    name = name.lstrip("$").replace("-", "_") + ("_" if name.startswith("$") else "")
    return name + "_" if keyword.iskeyword(name) else name


def list_info(schema: Schema) -> str:
    """The field's ListInfo as an expression, or nothing."""
    kind = schema.get("x-kubernetes-list-type") or schema.get("x-kubernetes-map-type") or ""
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
    strategy = schema.get("x-kubernetes-patch-strategy") or ""
    merge_key = schema.get("x-kubernetes-patch-merge-key") or ""
    if not (kind or keys or strategy or merge_key):
        return ""
    arguments: list[Any] = [kind, keys, strategy, merge_key]
    while not arguments[-1]:
        arguments.pop()
    return f"ListInfo({', '.join(map(quoted, arguments))})"


def quoted(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(map(quoted, value)) + ("," if len(value) == 1 else "") + ")"
    return json.dumps(value)


@dataclass
class FieldWriter:
    """Decides the type and default of one field."""

    owner: Definition
    module: Module
    builtin: dict[str, str]

    def line(self, name: str, schema: Schema) -> str:
        kind, default, options = self.shape(name, schema)
        python = attribute(name)
        if python != name:
            options = [*options, f'name="{name}"']
        if options:
            arguments = [default] if "=" in default else ([f"default={default}"] if default else [])
            default = f"_field({', '.join(arguments + options)})"
        elif "=" in default:
            default = f"_field({default})"
        return f"    {python}: {kind} = {default}"

    def shape(self, name: str, schema: Schema) -> tuple[str, str, list[str]]:
        """(annotation, default or default_factory=…, further options)"""
        kind = annotation(schema, self.module, self.builtin)
        required = name in self.owner.required
        where = f"{self.owner.name}.{name}"
        if self.owner.gvk and name in ("kind", "apiVersion"):
            return kind, f'default_factory=lambda: "{self.identity()[name]}"', []
        optional: tuple[str, str, list[str]] = (f"{kind} | None", "None", [])
        if where in POINTERS:
            return optional
        if kind in ("Time", "MicroTime"):
            return kind, '""', []
        if kind in ("JSON", "RawExtension"):
            return kind, "None", []
        if required or where in ALWAYS:
            return kind, self.required_default(kind, schema), []
        if kind in (self.builtin["str"], "Bytes"):
            nullable = where in NULLABLE_STRINGS and f"{self.owner.module}.{where}" not in PLAIN_STRINGS
            return optional if nullable else (kind, '""', [])
        if kind in ("Int32", "Int64") and self.owner.name.endswith("Status") and where not in NULLABLE_STATUS_INTS:
            return kind, "0", []
        if name in VALUE_FIELDS and "$ref" in schema:
            return kind, f"default_factory={kind}", []
        return optional

    def identity(self) -> dict[str, str]:
        gvk = self.owner.gvk
        assert gvk is not None
        group, version, kind = gvk
        return {"kind": kind, "apiVersion": f"{group}/{version}" if group else version}

    def required_default(self, kind: str, schema: Schema) -> str:
        """Required values are written even when they are empty, so their defaults are factories."""
        if kind == "Quantity":
            return 'default_factory=lambda: "0"'
        if kind == "IntOrString":
            return f"default_factory={self.builtin['int']}"
        if "$ref" in schema and kind not in SCHEMA_NAMES:
            return f"default_factory={kind}"
        outer = schema_type(schema)
        if outer == "array":
            return "default_factory=lambda: []"
        if outer == "object":
            return "default_factory=lambda: {}"
        factory = {"string": "str", "integer": "int", "boolean": "bool", "number": "float"}[outer]
        return f"default_factory={self.builtin[factory]}"


def value_references(definition: Definition) -> Iterator[str]:
    """The definitions that must exist before this class: its default factories are their classes."""
    for name, schema in definition.properties.items():
        ref = reference(schema)
        if not ref or ref in SCALARS or ref in UNIONS or f"{definition.name}.{name}" in POINTERS:
            continue
        if name in VALUE_FIELDS or name in definition.required:
            yield ref


def ordered(types: Iterable[Definition], known: dict[str, Definition]) -> list[Definition]:
    """Alphabetical, but each class after those that its defaults need."""
    pending = sorted(types, key=lambda d: d.name)
    here = {d.key for d in pending}
    done: dict[str, Definition] = {}

    def visit(definition: Definition) -> None:
        if definition.key in done:
            return
        for ref in value_references(definition):
            if ref in here:
                visit(known[ref])
        done[definition.key] = definition

    for definition in pending:
        visit(definition)
    return list(done.values())


def class_text(definition: Definition, module: Module) -> str:
    names = {attribute(p) for p in definition.properties}
    builtin = {n: f"builtins.{n}" if n in names else n for n in ("str", "int", "bool", "float", "list", "dict")}
    base = definition.base
    if base == "ApiType":
        module.use("steersman.api.schema", base)
    else:
        module.use("meta_v1", base)
    lines = [f"class {definition.name}({base}, kw_only=True):"]
    if base == "Object":
        module.use("steersman.api.meta", "Resource")
        lines.append(f"    __resource__ = {resource_text(definition)}")
    merge = {n: i for n, s in definition.properties.items() if (i := list_info(s))}
    if merge:
        module.use("steersman.api.schema", "ListInfo")
        lines.append("    __merge__ = {")
        lines += [f'        "{name}": {info},' for name, info in merge.items()]
        lines.append("    }")
    if definition.schema.get("x-kubernetes-map-type") == "atomic":
        lines.append("    __atomic__ = True")
    if definition.name in KEY_DEFAULTS:
        lines.append(f"    __key_defaults__ = {json.dumps(KEY_DEFAULTS[definition.name])}")
    required = sorted(definition.required)
    if required:
        lines.append(f"    __required__ = frozenset({{{', '.join(map(repr, required))}}})".replace("'", '"'))
    writer = FieldWriter(definition, module, builtin)
    lines += [writer.line(name, definition.properties[name]) for name in field_order(definition)]
    return "\n".join(lines if len(lines) > 1 else [*lines, '    """Has no fields."""'])


def field_order(definition: Definition) -> list[str]:
    first = ("kind", "apiVersion", "metadata") if definition.gvk else ()
    return [*(n for n in first if n in definition.properties), *(n for n in definition.properties if n not in first)]


def resource_text(definition: Definition) -> str:
    assert definition.gvk is not None
    group, version, kind = definition.gvk
    return f'Resource("{group}", "{version}", "{plural(kind)}", "{kind}", {kind not in CLUSTER_SCOPED})'


def plural(kind: str) -> str:
    lower = kind.lower()
    if kind in PLURALS:
        return PLURALS[kind]
    if lower.endswith(("s", "x", "ch", "sh")):
        return lower + "es"
    if lower.endswith("y") and lower[-2] not in "aeiou":
        return lower[:-1] + "ies"
    return lower + "s"


BASES = '''class Object(ApiType, kw_only=True):
    """Base of every object that has a resource: what generic code may rely on."""

    __resource__: ClassVar[Resource]
    kind: str = ""
    apiVersion: str = ""
    metadata: ObjectMeta = _field(default_factory=ObjectMeta)


class ListObject(ApiType, kw_only=True):
    """Base of every list of objects."""

    kind: str = ""
    apiVersion: str = ""
    metadata: ListMeta = _field(default_factory=ListMeta)
    items: list[Any] = _field(default_factory=lambda: [])
'''


def module_text(module: Module, version: str, known: dict[str, Definition]) -> str:
    blocks = [class_text(definition, module) for definition in ordered(module.types, known)]
    if module.name == "meta_v1":
        module.use("steersman.api.meta", "Resource")
        # The bases need ObjectMeta and ListMeta, and nothing in this module derives from them.
        blocks.append(BASES.rstrip("\n"))
    body = "\n\n\n".join(blocks) + "\n"
    return header(module, body, version) + "\n\n" + body


def header(module: Module, body: str, version: str) -> str:
    def used(name: str) -> bool:
        return re.search(rf"\b{name}\b", body) is not None

    for name in (*SCHEMA_NAMES, "ApiType"):
        if used(name):
            module.use("steersman.api.schema", name)
    title = module.name.replace("_", "/")
    lines = [
        f'"""The types of {title}, Kubernetes {version}. Generated by scripts/generate_types.py: do not edit."""',
        "",
        "from __future__ import annotations",
        "",
    ]
    typing = [n for n in ("Any", "ClassVar") if used(n)]
    if used("builtins"):
        lines.append("import builtins")
    if typing:
        lines.append(f"from typing import {', '.join(typing)}")
    lines += ["", "from msgspec import field as _field", ""]
    for target in sorted(module.imports, key=lambda m: m if "." in m else f"steersman.kinds.types.{m}"):
        names = ", ".join(sorted(module.imports[target]))
        path = target if "." in target else f"steersman.kinds.types.{target}"
        lines.append(f"from {path} import {names}")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"


PACKAGE = '''"""Typed API objects, one module per group version, made for Kubernetes {version}. Generated: see scripts/generate_types.py."""
'''


def generate() -> dict[str, str]:
    """File name to text, for every file of the package."""
    version, definitions = source()
    known = collect({**definitions, **older_types.definitions(definitions)})
    modules: dict[str, Module] = {}
    for definition in known.values():
        modules.setdefault(definition.module, Module(definition.module)).types.append(definition)
    files = {f"{m.name}.py": module_text(m, version, known) for m in modules.values()}
    files["__init__.py"] = PACKAGE.format(version=version)
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=Path, default=TARGET, help="directory to write to")
    target: Path = parser.parse_args().target
    target.mkdir(parents=True, exist_ok=True)
    files = generate()
    for stale in {p.name for p in target.glob("*.py")} - set(files):
        (target / stale).unlink()
    for name, text in files.items():
        (target / name).write_text(text)
    print(f"{len(files)} files in {target}")


if __name__ == "__main__":
    main()
