"""Validation of what devices are offered, claimed and tainted: paths and messages as users know them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.resource import (
    deviceclass,
    devicetaintrule,
    resourceclaim,
    resourceclaimtemplate,
    resourceslice,
)

ErrorsOf = Callable[..., list[str]]

META = "metadata: {name: a, namespace: default}"
CLAIM = f"{{{META}, spec: {{devices: {{requests: [{{name: r, exactly: {{deviceClassName: c}}}}]}}}}}}"
TEMPLATE = f"{{{META}, spec: {{spec: {{devices: {{requests: [{{name: r, exactly: {{deviceClassName: c}}}}]}}}}}}}}"
SLICE = "{metadata: {name: a}, spec: {driver: d.example.com, nodeName: n, pool: {name: p, generation: 1, resourceSliceCount: 1}, devices: [{name: dev}]}}"
CLASS = "{metadata: {name: a}}"
TAINTS = "{metadata: {name: a}, spec: {taint: {key: example.com/broken, effect: NoSchedule}}}"

LABEL = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
IDENTIFIER = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')"
REFERENCE = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
R = "spec.devices.requests[0]"
D = "spec.devices[0]"


def _devices(text: str) -> str:
    return f"spec: {{devices: {{requests: [{{name: r, exactly: {{deviceClassName: c}}}}], {text}}}}}"


def _request(text: str) -> str:
    return f"spec: {{devices: {{requests: [{{name: r, {text}}}]}}}}"


def _exactly(text: str) -> str:
    return _request(f"exactly: {{deviceClassName: c, {text}}}")


def _device(text: str) -> str:
    return f"spec: {{devices: [{{name: dev, {text}}}]}}"


def _capacity(policy: str) -> str:
    return _device(f"allowMultipleAllocations: true, capacity: {{mem: {{value: 10, requestPolicy: {policy}}}}}")


POLICY = f"{D}.capacity[mem].requestPolicy"

CASES: list[tuple[Any, str, str, list[str]]] = [
    (resourceclaim.KIND, CLAIM, "{}", []),
    (resourceclaim.KIND, CLAIM, "spec: null", []),
    (resourceclaim.KIND, CLAIM, "spec: {devices: {requests: [{name: r}]}}", [f"{R}: Required value: exactly one of `exactly` or `firstAvailable` is required"]),
    (resourceclaim.KIND, CLAIM, _request("exactly: {deviceClassName: c}, firstAvailable: [{name: s, deviceClassName: c}]"), [f"{R}: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set"]),
    (resourceclaim.KIND, CLAIM, "spec: {devices: {requests: [{name: R, exactly: {}}]}}", [f'{R}.name: Invalid value: "R": {LABEL}', f"{R}.exactly.deviceClassName: Required value"]),
    (resourceclaim.KIND, CLAIM, "spec: {devices: {requests: [{name: r, exactly: {deviceClassName: c}}, {name: r, exactly: {deviceClassName: c}}]}}", ['spec.devices.requests[1]: Duplicate value: "r"']),
    (resourceclaim.KIND, CLAIM, f"spec: {{devices: {{requests: [{', '.join('{name: r}' for _ in range(33))}]}}}}", ["spec.devices.requests: Too many: 33: must have at most 32 items"]),
    (resourceclaim.KIND, CLAIM, _exactly("allocationMode: Some"), [f'{R}.exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"']),
    (resourceclaim.KIND, CLAIM, _exactly("allocationMode: All, count: 2"), [f"{R}.exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'"]),
    (resourceclaim.KIND, CLAIM, _exactly("count: -1"), [f"{R}.exactly.count: Invalid value: -1: must be greater than zero"]),
    (resourceclaim.KIND, CLAIM, _exactly("selectors: [{}]"), [f"{R}.exactly.selectors[0].cel: Required value"]),
    (resourceclaim.KIND, CLAIM, _exactly("selectors: [{cel: {expression: 'device.attributes[\"a.b\"].c == 1 && device.capacity[\"a.b\"].mem.compareTo(quantity(\"1Gi\")) > 0'}}]"), []),
    (resourceclaim.KIND, CLAIM, _exactly("selectors: [{cel: {expression: device.driver}}]"), [f'{R}.exactly.selectors[0].cel.expression: Invalid value: "device.driver": must evaluate to bool or the unknown type, not string']),
    (resourceclaim.KIND, CLAIM, _exactly("tolerations: [{operator: Exists, value: x, effect: y}]"), [f'{R}.exactly.tolerations[0].value: Invalid value: "x": must be empty for operator `Exists`', f'{R}.exactly.tolerations[0].effect: Unsupported value: "y": supported values: "NoExecute", "NoSchedule", "None"']),
    (resourceclaim.KIND, CLAIM, _devices("constraints: [{}]"), ['spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set']),
    (resourceclaim.KIND, CLAIM, _devices("constraints: [{requests: [x], matchAttribute: a}]"), [f'spec.devices.constraints[0].requests[0]: Invalid value: "x": {REFERENCE}', 'spec.devices.constraints[0].matchAttribute: Invalid value: "a": a fully qualified name must be a domain and a name separated by a slash']),
    (resourceclaim.KIND, CLAIM, _devices("config: [{requests: [r/s/t], opaque: {driver: d, parameters: [1]}}]"), [f'spec.devices.config[0].requests[0]: Invalid value: "r/s/t": {REFERENCE}', 'spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object']),
    (resourceclaim.KIND, CLAIM, _devices("config: [{}]"), ["spec.devices.config[0].opaque: Required value"]),
    (resourceclaim.KIND, CLAIM, _devices(f"config: [{{opaque: {{driver: d, parameters: {{a: {'x' * 10240}}}}}}}]"), ["spec.devices.config[0].opaque.parameters: Too long: may not be more than 10240 bytes"]),
    (resourceclaimtemplate.KIND, TEMPLATE, "{}", []),
    (resourceclaimtemplate.KIND, TEMPLATE, "spec: {metadata: {name: x}, spec: {devices: {requests: [{name: r, exactly: {}}]}}}", ["spec.metadata.name: Forbidden: cannot be set", "spec.spec.devices.requests[0].exactly.deviceClassName: Required value"]),
    (deviceclass.KIND, CLASS, "spec: {selectors: [{cel: {expression: 'device.driver == \"x\"'}}]}", []),
    (deviceclass.KIND, CLASS, "spec: {config: [{}], extendedResourceName: cpu}", ["spec.config[0].opaque: Required value", 'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name']),
    (devicetaintrule.KIND, TAINTS, "{}", []),
    (devicetaintrule.KIND, TAINTS, "spec: {taint: {effect: x}, deviceSelector: {pool: ''}}", ["spec.deviceSelector.pool: Required value", 'spec.taint.effect: Unsupported value: "x": supported values: "NoExecute", "NoSchedule", "None"']),
    (resourceslice.KIND, SLICE, "{}", []),
    (resourceslice.KIND, SLICE, "spec: {nodeName: null}", ["spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"]),
    (resourceslice.KIND, SLICE, "spec: {allNodes: true}", ['spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set']),
    (resourceslice.KIND, SLICE, "spec: {nodeName: '', allNodes: false}", ['spec.nodeName: Invalid value: "": must be either unset or set to a non-empty string', "spec.allNodes: Invalid value: false: must be either unset or set to true", "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"]),
    (resourceslice.KIND, SLICE, "spec: {pool: {resourceSliceCount: 0, generation: -1}}", ["spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero", "spec.pool.generation: Invalid value: -1: must be greater than or equal to zero"]),
    (resourceslice.KIND, SLICE, "spec: {sharedCounters: []}", ['spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed']),
    (resourceslice.KIND, SLICE, "spec: {devices: null, sharedCounters: [{name: c, counters: {}}]}", ["spec.sharedCounters[0].counters: Required value"]),
    (resourceslice.KIND, SLICE, "spec: {devices: [{name: dev}, {name: dev}]}", ['spec.devices[1]: Duplicate value: "dev"']),
    (resourceslice.KIND, SLICE, _device("attributes: {a-b: {int: 1}}"), [f'{D}.attributes: Invalid value: "a-b": {IDENTIFIER}']),
    (resourceslice.KIND, SLICE, _device("attributes: {/a: {int: 1}, a/b/c: {int: 1}}"), [f'{D}.attributes: Invalid value: "": the domain must not be empty', f'{D}.attributes: Invalid value: "a/b/c": must not contain more than one slash']),
    (resourceslice.KIND, SLICE, _device("attributes: {a: {}, b: {int: 1, string: x}}"), [f'{D}.attributes[a]: Invalid value: "": exactly one value must be specified', f'{D}.attributes[b]: Invalid value: {{"int":1,"string":"x"}}: exactly one value must be specified']),
    (resourceslice.KIND, SLICE, _device(f"attributes: {{a: {{version: x}}, b: {{string: {'x' * 65}}}, c: {{ints: []}}}}"), [f'{D}.attributes[a].version: Invalid value: "x": must be a string compatible with semver.org spec 2.0.0', f"{D}.attributes[b].string: Too long: may not be more than 64 bytes", f"{D}.attributes[c].ints: Invalid value: []: must not be empty if specified"]),
    (resourceslice.KIND, SLICE, _device(f"attributes: {{{', '.join(f'a{i}: {{int: 1}}' for i in range(33))}}}"), [f"{D}: Invalid value: 33: the total number of attributes and capacities must not exceed 32"]),
    (resourceslice.KIND, SLICE, _device("nodeName: n"), [f"{D}: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec"]),
    (resourceslice.KIND, SLICE, "spec: {nodeName: null, perDeviceNodeSelection: true, devices: [{name: dev}]}", [f"{D}: Required value: exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec"]),
    (resourceslice.KIND, SLICE, _device("taints: [{key: '', effect: ''}]"), [f"{D}.taints[0].key: Invalid value: \"\": name part must be non-empty", f"{D}.taints[0].key: Invalid value: \"\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')", f"{D}.taints[0].effect: Required value"]),
    (resourceslice.KIND, SLICE, _device("bindingConditions: [a], bindingFailureConditions: [a, b, b]"), [f'{D}.bindingFailureConditions[2]: Duplicate value: "b"', f'{D}.bindingFailureConditions[0]: Invalid value: "a": bindingFailureConditions must not overlap with bindingConditions']),
    (resourceslice.KIND, SLICE, _device("bindingConditions: [a]"), [f"{D}.bindingFailureConditions: Invalid value: []: bindingFailureConditions are required to use bindingConditions"]),
    (resourceslice.KIND, SLICE, _device("capacity: {mem: {value: 1, requestPolicy: {default: 1}}}"), [f"{POLICY}: Forbidden: allowMultipleAllocations must be true"]),
    (resourceslice.KIND, SLICE, _capacity("{default: 1, validValues: [1, 2]}"), []),
    (resourceslice.KIND, SLICE, _capacity("{validValues: [1]}"), [f"{POLICY}.default: Required value: required when validValues is defined"]),
    (resourceslice.KIND, SLICE, _capacity("{default: 3, validValues: [2, 1, 1, 20]}"), [f'{POLICY}.validValues[1]: Invalid value: "1": values must be sorted in ascending order', f'{POLICY}.validValues[2]: Duplicate value: "1"', f'{POLICY}.validValues[3]: Invalid value: "20": option is larger than capacity value: 10', f'{POLICY}.validValues: Invalid value: "3": default value is not valid according to the requestPolicy']),
    (resourceslice.KIND, SLICE, _capacity("{default: 2, validRange: {min: 1, max: 9, step: 2}}"), [f'{POLICY}.validRange.step: Invalid value: "2": value is not a multiple of a given step (2) from (1)']),
    (resourceslice.KIND, SLICE, _capacity("{default: 1, validRange: {min: 2, max: 11, step: 9}}"), [f'{POLICY}.validRange.default: Invalid value: "1": default is less than min: 2', f'{POLICY}.validRange.max: Invalid value: "11": max is larger than capacity value: 10', f'{POLICY}.validRange.step: Invalid value: "9": one step 11 is larger than capacity value: 10', f'{POLICY}.validRange.step: Invalid value: "1": value is not a multiple of a given step (9) from (2)']),
    (resourceslice.KIND, SLICE, _device("nodeAllocatableResources: {gpu: {mapping: {capacityKey: x}}, cpu: {}}"), [f'{D}.nodeAllocatableResources[gpu]: Invalid value: "gpu": must be a node allocatable resource name', f'{D}.nodeAllocatableResources[gpu].mapping.capacityKey: Not found: "x"', f"{D}.nodeAllocatableResources[gpu].mapping.capacityMultiplier: Required value: capacityMultiplier is required when capacityKey is set", f"{D}.nodeAllocatableResources[cpu]: Required value: at least one of mapping or overhead must be set"]),
    (resourceslice.KIND, SLICE, "spec: {partitionTypeAttribute: d.example.com/kind}", ['spec.partitionTypeAttribute: Invalid value: "d.example.com/kind": may only be set on a slice which declares devices that consume counters']),
    (resourceslice.KIND, SLICE, "spec: {partitionTypeAttribute: d.example.com/kind, devices: [{name: dev, consumesCounters: [{counterSet: c, counters: {m: {value: 1}}}]}]}", [f"{D}.attributes[d.example.com/kind]: Required value: device consumes counters and `partitionTypeAttribute` names this attribute, so it must be set"]),
    (resourceslice.KIND, SLICE, "spec: {skipNodeOperations: [NodePrepareResources]}", ['spec.skipNodeOperations: Invalid value: ["NodePrepareResources"]: NodePrepareResources cannot be skipped unless NodeUnprepareResources is also skipped']),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "base", "change", "errors"), CASES, ids=[f"{c[0].name}-{i}" for i, c in enumerate(CASES)]
)
def test_validation(kind: Any, base: str, change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(kind, base, change) == errors


def test_an_expression_that_does_not_compile(errors_of: ErrorsOf) -> None:
    (error,) = errors_of(resourceclaim.KIND, CLAIM, _exactly("selectors: [{cel: {expression: device.nothing}}]"))
    assert error.startswith(
        f'{R}.exactly.selectors[0].cel.expression: Invalid value: "device.nothing": compilation failed: ERROR: '
    )


@pytest.mark.parametrize(
    ("kind", "base", "change", "errors"),
    [
        (resourceclaim.KIND, CLAIM, "metadata: {labels: {a: b}}", []),
        (resourceclaim.KIND, CLAIM, "spec: {devices: null}", ["spec: Invalid value: {}: field is immutable"]),
        (resourceclaimtemplate.KIND, TEMPLATE, "spec: {spec: {devices: null}}", ['spec: Invalid value: {"metadata":{},"spec":{}}: field is immutable']),
        (resourceslice.KIND, SLICE, "spec: {pool: {generation: 2}, devices: []}", []),
        (resourceslice.KIND, SLICE, "spec: {pool: {name: q}, driver: e, nodeName: m}", ['spec.pool.name: Invalid value: "q": field is immutable', 'spec.driver: Invalid value: "e": field is immutable', 'spec.nodeName: Invalid value: "m": field is immutable']),
    ],
)  # fmt: skip
def test_update(kind: Any, base: str, change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(kind, base, change) == errors


RESULT = "{request: r, driver: d, pool: p, device: dev}"
ALLOCATED = f"{{allocation: {{devices: {{results: [{RESULT}]}}}}}}"
POD = "{resource: pods, name: p, uid: u}"


@pytest.mark.parametrize(
    ("before", "after", "errors"),
    [
        ("{}", ALLOCATED, []),
        (ALLOCATED, f"{{reservedFor: [{POD}]}}", []),
        (ALLOCATED, "{allocation: null}", []),
        (ALLOCATED, "{allocation: {devices: {results: []}}}", ['status.allocation: Invalid value: {"devices":{"results":[]}}: field is immutable']),
        ("{}", f"{{reservedFor: [{POD}]}}", ["status.reservedFor: Forbidden: may not be specified when `allocated` is not set"]),
        (ALLOCATED, f"{{reservedFor: [{POD}, {POD}]}}", ['status.reservedFor[1]: Duplicate value: "u"']),
        ("{}", "{allocation: {devices: {results: [{request: x, driver: d, pool: p, device: dev}]}}}", [f'status.allocation.devices.results[0].request: Invalid value: "x": {REFERENCE}']),
        (ALLOCATED, "{devices: [{driver: d, pool: p, device: other}]}", ['status.devices[0]: Invalid value: "d/p/other": must be an allocated device in the claim']),
        (ALLOCATED, "{devices: [{driver: d, pool: p, device: dev, networkData: {ips: [10.0.0.1]}, data: [1]}]}", ['status.devices[0].data: Invalid value: "<value omitted>": must be a valid JSON object', 'status.devices[0].networkData.ips[0]: Invalid value: "10.0.0.1": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)']),
        (ALLOCATED, "{devices: [{driver: d, pool: p, device: dev, conditions: [{type: R, status: x, reason: '', message: m}]}]}", ['status.devices[0].conditions[0].status: Unsupported value: "x": supported values: "False", "True", "Unknown"', "status.devices[0].conditions[0].lastTransitionTime: Required value", "status.devices[0].conditions[0].reason: Required value"]),
    ],
)  # fmt: skip
def test_claim_status(before: str, after: str, errors: list[str], status_errors_of: ErrorsOf) -> None:
    assert status_errors_of(resourceclaim.KIND, CLAIM, before, after) == errors
