"""Validation of the kinds with a few rules each: what is fine, what is wrong, and what may not change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.apps import daemonset, statefulset
from steersman.kinds.autoscaling import horizontalpodautoscaler
from steersman.kinds.batch import cronjob
from steersman.kinds.coordination import lease
from steersman.kinds.core import (
    endpoints,
    event,
    limitrange,
    persistentvolume,
    persistentvolumeclaim,
    podtemplate,
    replicationcontroller,
    resourcequota,
)
from steersman.kinds.discovery import endpointslice
from steersman.kinds.networking import ingress, networkpolicy
from steersman.kinds.policy import poddisruptionbudget
from steersman.kinds.rbac import clusterrole, clusterrolebinding, role, rolebinding
from steersman.kinds.scheduling import priorityclass

ErrorsOf = Callable[..., list[str]]

META = "metadata: {name: a, namespace: default}"
TEMPLATE = "template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c, image: x}]}}"
WORKLOAD = f"{{{META}, spec: {{selector: {{matchLabels: {{app: a}}}}, {TEMPLATE}}}}}"
CRON = f"{{{META}, spec: {{schedule: '* * * * *', jobTemplate: {{spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: c, image: x}}]}}}}}}}}}}}}"
CLAIM = f"{{{META}, spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}}}"
VOLUME = "{metadata: {name: a}, spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, hostPath: {path: /a}}}"
SLICE = f"{{{META}, addressType: IPv4, endpoints: [{{addresses: [10.0.0.1]}}], ports: [{{name: a, port: 80}}]}}"
ENDPOINTS = f"{{{META}, subsets: [{{addresses: [{{ip: 10.0.0.1}}], ports: [{{port: 80}}]}}]}}"
EVENT = f"{{{META}, involvedObject: {{kind: Pod, name: p, namespace: default}}, reason: r}}"
INGRESS = f"{{{META}, spec: {{rules: [{{host: a.b, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: s, port: {{number: 80}}}}}}}}]}}}}]}}}}"
SCALER = f"{{{META}, spec: {{maxReplicas: 3, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: d}}}}}}"
BINDING = f"{{{META}, roleRef: {{kind: Role, name: r}}, subjects: [{{kind: User, name: u}}]}}"
CLUSTER_BINDING = "{metadata: {name: a}, roleRef: {kind: ClusterRole, name: r}}"
PRIORITY = "{metadata: {name: a}, value: 5}"

BACKEND = "spec.rules[0].http.paths[0].backend"


def _path(text: str) -> str:
    return f"spec: {{rules: [{{http: {{paths: [{{{text}}}]}}}}]}}"


SERVICE = "backend: {service: {name: s, port: {number: 80}}}"

CASES: list[tuple[Any, str, str, list[str]]] = [
    (daemonset.KIND, WORKLOAD, "{}", []),
    (daemonset.KIND, WORKLOAD, "spec: {selector: {matchLabels: null}}", ["spec.selector: Invalid value: {}: empty selector is invalid for daemonset"]),
    (daemonset.KIND, WORKLOAD, "spec: {selector: null}", ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`']),
    (daemonset.KIND, WORKLOAD, "spec: {updateStrategy: {type: OnDelete}}", []),
    (daemonset.KIND, WORKLOAD, "spec: {updateStrategy: {type: x}}", ['spec.updateStrategy: Unsupported value: {"Type":"x","RollingUpdate":null}: supported values: "RollingUpdate", "OnDelete"']),
    (daemonset.KIND, WORKLOAD, "spec: {updateStrategy: {rollingUpdate: {maxSurge: 1}}}", ["spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero"]),
    (daemonset.KIND, WORKLOAD, "spec: {updateStrategy: {rollingUpdate: {maxUnavailable: 0}}}", ["spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"]),
    (statefulset.KIND, WORKLOAD, "spec: {ordinals: {start: 5}, updateStrategy: {type: OnDelete}}", []),
    (statefulset.KIND, WORKLOAD, "spec: {updateStrategy: {type: x, rollingUpdate: {partition: 1}}}", ['spec.updateStrategy: Invalid value: {"Type":"x","RollingUpdate":{"Partition":1,"MaxUnavailable":null}}: must be \'RollingUpdate\' or \'OnDelete\'']),
    (statefulset.KIND, WORKLOAD, "spec: {updateStrategy: {rollingUpdate: {maxUnavailable: 0%}}}", ['spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "0%": cannot be 0']),
    (statefulset.KIND, WORKLOAD, "spec: {serviceName: a.b}", ['spec.serviceName: Invalid value: "a.b": must not contain dots']),
    (statefulset.KIND, WORKLOAD, "metadata: {name: a.b}", ['metadata.name: Invalid value: "a.b": must not contain dots']),
    (statefulset.KIND, WORKLOAD, "spec: {template: {spec: {subdomain: A, hostname: B}}}", []),
    (statefulset.KIND, WORKLOAD, "spec: {podManagementPolicy: x}", ["spec.podManagementPolicy: Invalid value: \"x\": must be 'OrderedReady' or 'Parallel'"]),
    (statefulset.KIND, WORKLOAD, "spec: {updateStrategy: {rollingUpdate: {partition: -1}}}", ["spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0"]),
    (statefulset.KIND, WORKLOAD, "spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: x, whenScaled: Retain}}", ['spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "x": supported values: "Retain", "Delete"']),
    (statefulset.KIND, WORKLOAD, "spec: {selector: {matchLabels: {app: b}}}", ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`']),
    (cronjob.KIND, CRON, "spec: {timeZone: Etc/UTC}", []),
    (cronjob.KIND, CRON, "spec: {schedule: null}", ["spec.schedule: Required value"]),
    (cronjob.KIND, CRON, "spec: {schedule: '* * *'}", ['spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]']),
    (cronjob.KIND, CRON, "spec: {schedule: 'TZ=UTC * * * * *'}", ['spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead']),
    (cronjob.KIND, CRON, "spec: {timeZone: Nowhere/Land}", ['spec.timeZone: Invalid value: "Nowhere/Land": unknown time zone Nowhere/Land']),
    (cronjob.KIND, CRON, "spec: {concurrencyPolicy: x}", ['spec.concurrencyPolicy: Unsupported value: "x": supported values: "Allow", "Forbid", "Replace"']),
    (cronjob.KIND, CRON, "spec: {jobTemplate: {spec: {selector: {}}}}", ["spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated"]),
    (cronjob.KIND, CRON, f"metadata: {{name: {'a' * 53}}}", [f'metadata.name: Invalid value: "{"a" * 53}": must be no more than 52 characters']),
    (replicationcontroller.KIND, f"{{{META}, spec: {{{TEMPLATE}}}}}", "{}", []),
    (replicationcontroller.KIND, f"{{{META}, spec: {{{TEMPLATE}}}}}", "spec: {selector: {app: b}}", ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`']),
    (replicationcontroller.KIND, f"{{{META}}}", "{}", ["spec.selector: Required value", "spec.template: Required value"]),
    (podtemplate.KIND, f"{{{META}, {TEMPLATE}}}", "template: {spec: {containers: null}}", ["template.spec.containers: Required value"]),
    (persistentvolumeclaim.KIND, CLAIM, "{}", []),
    (persistentvolumeclaim.KIND, CLAIM, "spec: {accessModes: null, resources: null}", ["spec.accessModes: Required value: at least 1 access mode is required", "spec.resources[storage]: Required value"]),
    (persistentvolumeclaim.KIND, CLAIM, "spec: {accessModes: [ReadWriteOnce, ReadWriteOncePod]}", ["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"]),
    (persistentvolumeclaim.KIND, CLAIM, "spec: {resources: {requests: {storage: 0}}}", ['spec.resources[storage]: Invalid value: "0": must be greater than zero']),
    (persistentvolumeclaim.KIND, CLAIM, "spec: {volumeMode: x}", ['spec.volumeMode: Unsupported value: "x": supported values: "Block", "Filesystem"']),
    (persistentvolume.KIND, VOLUME, "{}", []),
    (persistentvolume.KIND, VOLUME, "spec: {capacity: null}", ["spec.capacity: Required value", 'spec.capacity: Unsupported value: {}: supported values: "storage"']),
    (persistentvolume.KIND, VOLUME, "spec: {hostPath: null}", ["spec: Required value: must specify a volume type"]),
    (persistentvolume.KIND, VOLUME, "spec: {nfs: {server: a, path: /}}", ["spec.nfs: Forbidden: may not specify more than 1 volume type"]),
    (persistentvolume.KIND, VOLUME, "spec: {hostPath: null, local: {path: /a}}", ["spec.nodeAffinity: Required value: Local volume requires node affinity"]),
    (endpoints.KIND, ENDPOINTS, "{}", []),
    (endpoints.KIND, ENDPOINTS, "subsets: [{}]", ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"]),
    (endpoints.KIND, ENDPOINTS, "subsets: [{ports: [{port: 0}]}]", ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`", "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"]),
    (endpoints.KIND, ENDPOINTS, "subsets: [{addresses: [{ip: 0.0.0.0}]}]", ['subsets[0].addresses[0].ip: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)']),
    (endpoints.KIND, ENDPOINTS, "subsets: [{addresses: [{ip: x}], ports: [{port: 0}]}]", ['subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)', 'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address', "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"]),
    (endpoints.KIND, ENDPOINTS, "subsets: [{addresses: [{ip: 127.0.0.1}], ports: [{port: 1}, {name: b, port: 2}]}]", ['subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)', "subsets[0].ports[0].name: Required value"]),
    (endpointslice.KIND, SLICE, "{}", []),
    (endpointslice.KIND, SLICE, "addressType: x", ['addressType: Unsupported value: "x": supported values: "FQDN", "IPv4", "IPv6"']),
    (endpointslice.KIND, SLICE, "endpoints: [{addresses: []}]", ["endpoints[0].addresses: Required value: must contain at least 1 address"]),
    (endpointslice.KIND, SLICE, "endpoints: [{addresses: ['fd00::1']}]", ['endpoints[0].addresses: Invalid value: "fd00::1": must be an IPv4 address']),
    (endpointslice.KIND, SLICE, "endpoints: [{addresses: [10.0.0.1], hints: {forNodes: [{name: a}, {name: a}], forZones: [{name: a b}]}}]", ["endpoints[0].hints.forZones[0].name: Invalid value: \"a b\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')", 'endpoints[0].hints.forNodes[1].name: Duplicate value: "a"']),
    (endpointslice.KIND, SLICE, "{addressType: FQDN, endpoints: [{addresses: [a, '', b.c.]}]}", ['endpoints[0].addresses[0]: Invalid value: "a": should be a domain with at least two segments separated by dots', "endpoints[0].addresses[1]: Required value"]),
    (endpointslice.KIND, SLICE, "{addressType: IPv6, endpoints: [{addresses: ['FD00::1']}]}", ['endpoints[0].addresses[0]: Invalid value: "FD00::1": must be in canonical form ("fd00::1")']),
    (endpointslice.KIND, SLICE, "ports: [{port: 1}, {port: 2}]", ['ports[1].name: Duplicate value: ""']),
    (lease.KIND, f"{{{META}, spec: {{leaseDurationSeconds: 40}}}}", "{}", []),
    (lease.KIND, f"{{{META}}}", "spec: {leaseDurationSeconds: 0, leaseTransitions: -1}", ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0", "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0"]),
    (event.KIND, EVENT, "{}", []),
    (event.KIND, EVENT, "involvedObject: {namespace: other}", ['involvedObject.namespace: Invalid value: "other": does not match event.namespace']),
    (event.KIND, EVENT, "{involvedObject: {namespace: null}}", []),
    (event.KIND, EVENT, "{metadata: {namespace: kube-system}, involvedObject: {namespace: null}}", ['involvedObject.namespace: Invalid value: "": does not match event.namespace']),
    (event.KIND, EVENT, "{metadata: {namespace: kube-system}, involvedObject: {namespace: null}, eventTime: '2024-01-01T00:00:00.000000Z', reportingComponent: x.io/c, reportingInstance: i, action: a, reason: r}", []),
    (event.KIND, EVENT, "{metadata: {namespace: other}, eventTime: '2024-01-01T00:00:00.000000Z', reportingComponent: x.io/c, reportingInstance: i, action: a, reason: r}", []),
    (event.KIND, EVENT, "{eventTime: '2024-01-01T00:00:00.000000Z', reportingComponent: x.io/c}", ["reportingInstance: Required value", "action: Required value"]),
    (priorityclass.KIND, PRIORITY, "{}", []),
    (priorityclass.KIND, PRIORITY, "value: 1000000001", ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"]),
    (priorityclass.KIND, PRIORITY, "metadata: {name: system-node-critical}", ["metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: value of system-node-critical PriorityClass must be 2000001000"]),
    (priorityclass.KIND, PRIORITY, "metadata: {name: system-x}", ["metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-x is not a known system priority class"]),
    (priorityclass.KIND, PRIORITY, "{metadata: {name: system-node-critical}, value: 2000001000}", []),
    (resourcequota.KIND, f"{{{META}}}", "spec: {hard: {pods: 5, requests.cpu: 2, count/deployments.apps: 3}}", []),
    (resourcequota.KIND, f"{{{META}}}", "spec: {hard: {pods: -1}}", ['spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0']),
    (resourcequota.KIND, f"{{{META}}}", "spec: {hard: {foo: 1}}", ['spec.hard[foo]: Invalid value: "foo": must be a standard resource type or fully qualified', 'spec.hard[foo]: Invalid value: "foo": must be a standard resource for quota']),
    (resourcequota.KIND, f"{{{META}}}", "spec: {hard: {storage: 1}}", ['spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota']),
    (resourcequota.KIND, f"{{{META}}}", "spec: {scopes: [x], hard: {services: 1}}", ['spec.scopes: Invalid value: ["x"]: unsupported scope']),
    (resourcequota.KIND, f"{{{META}}}", "spec: {scopes: [NotBestEffort], hard: {limits.ephemeral-storage: 1, hugepages-2Mi: 1}}", 2 * ['spec.scopes: Invalid value: ["NotBestEffort"]: unsupported scope applied to resource']),
    (resourcequota.KIND, f"{{{META}}}", "spec: {scopes: [BestEffort, NotBestEffort, Terminating, NotTerminating]}", 2 * ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort","Terminating","NotTerminating"]: conflicting scopes']),
    (resourcequota.KIND, f"{{{META}}}", "spec: {scopeSelector: {matchExpressions: [{scopeName: BestEffort, operator: In, values: [a]}]}, hard: {cpu: 1}}", [
        'spec.scopeSelector.matchExpressions: Invalid value: {"MatchExpressions":[{"ScopeName":"BestEffort","Operator":"In","Values":["a"]}]}: unsupported scope applied to resource',
        "spec.scopeSelector.matchExpressions.operator: Invalid value: \"In\": must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
    ]),
    (resourcequota.KIND, f"{{{META}}}", "spec: {scopes: [BestEffort, NotBestEffort], hard: {pods: 1}}", ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes']),
    (resourcequota.KIND, f"{{{META}}}", "spec: {scopes: [BestEffort], hard: {cpu: 1}}", ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource']),
    (limitrange.KIND, f"{{{META}}}", "spec: {limits: [{type: Container, max: {cpu: 2}, min: {cpu: 100m}}, {type: Pod, max: {memory: 1Gi}}]}", []),
    (limitrange.KIND, f"{{{META}}}", "spec: {limits: [{type: Pod, max: {cpu: 1}, min: {cpu: 2}}]}", ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1']),
    (limitrange.KIND, f"{{{META}}}", "spec: {limits: [{type: Container, default: {cpu: 1}, defaultRequest: {cpu: 2}}]}", ['spec.limits[0].defaultRequest[cpu]: Invalid value: "2": default request value 2 is greater than default limit value 1']),
    (limitrange.KIND, f"{{{META}}}", "spec: {limits: [{type: Pod, default: {cpu: 1}}]}", ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"]),
    (limitrange.KIND, f"{{{META}}}", "spec: {limits: [{type: x}, {type: PersistentVolumeClaim}]}", ['spec.limits[0].type: Invalid value: "x": must be a standard limit type or fully qualified', "spec.limits[1].limits: Required value: either minimum or maximum storage value is required, but neither was provided"]),
    (ingress.KIND, INGRESS, "{}", []),
    (ingress.KIND, INGRESS, "spec: {rules: null}", ["spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"]),
    (ingress.KIND, INGRESS, "spec: {rules: [{host: 1.2.3.4}]}", ['spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address']),
    (ingress.KIND, INGRESS, _path(f"path: /, {SERVICE}"), ["spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"]),
    (ingress.KIND, INGRESS, _path(f"path: a//b, pathType: Exact, {SERVICE}"), ['spec.rules[0].http.paths[0].path: Invalid value: "a//b": must be an absolute path', "spec.rules[0].http.paths[0].path: Invalid value: \"a//b\": must not contain '//'"]),
    (ingress.KIND, INGRESS, _path("path: /, pathType: Prefix, backend: {service: {name: s}}"), [f"{BACKEND}: Required value: port name or number is required"]),
    (ingress.KIND, INGRESS, _path("path: /, pathType: Prefix, backend: {service: {name: s, port: {name: a, number: 1}}}"), [f'{BACKEND}: Invalid value: "": cannot set both port name & port number']),
    (networkpolicy.KIND, f"{{{META}}}", "spec: {ingress: [{from: [{podSelector: {}}], ports: [{port: 80, endPort: 90}]}]}", []),
    (networkpolicy.KIND, f"{{{META}}}", "spec: {ingress: [{from: [{}]}]}", ["spec.ingress[0].from[0]: Required value: must specify a peer"]),
    (networkpolicy.KIND, f"{{{META}}}", "spec: {egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]}", ['spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`']),
    (networkpolicy.KIND, f"{{{META}}}", "spec: {egress: [{ports: [{port: 80, endPort: 70}]}]}", ["spec.egress[0].ports[0].endPort: Invalid value: 70: must be greater than or equal to `port`"]),
    (networkpolicy.KIND, f"{{{META}}}", "spec: {egress: [{ports: [{endPort: 70}, {port: web, endPort: 70}]}]}", ["spec.egress[0].ports[0].endPort: Invalid value: 70: may not be specified when `port` is not specified", "spec.egress[0].ports[1].endPort: Invalid value: 70: may not be specified when `port` is non-numeric"]),
    (ingress.KIND, INGRESS, _path("path: /, pathType: Prefix, backend: {service: {name: 1st, port: {number: 1}}}"), []),
    (networkpolicy.KIND, f"{{{META}}}", "spec: {policyTypes: [x]}", ['spec.policyTypes[0]: Unsupported value: "x": supported values: "Ingress", "Egress"']),
    (poddisruptionbudget.KIND, f"{{{META}, spec: {{minAvailable: 50%}}}}", "{}", []),
    (poddisruptionbudget.KIND, f"{{{META}}}", "spec: {minAvailable: 1, maxUnavailable: 1}", ['spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set']),
    (poddisruptionbudget.KIND, f"{{{META}}}", f"spec: {{maxUnavailable: {2**63 - 1}%}}", [f'spec.maxUnavailable: Invalid value: "{2**63 - 1}%": must not be greater than 100%']),
    (poddisruptionbudget.KIND, f"{{{META}}}", f"spec: {{maxUnavailable: {'0' * 5000}101%}}", [f'spec.maxUnavailable: Invalid value: "{"0" * 5000}101%": must not be greater than 100%']),
    (poddisruptionbudget.KIND, f"{{{META}}}", f"spec: {{maxUnavailable: {'1' * 5000}%}}", []),
    (poddisruptionbudget.KIND, f"{{{META}}}", "spec: {maxUnavailable: 101%}", ['spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%']),
    (horizontalpodautoscaler.KIND, SCALER, "{}", []),
    (horizontalpodautoscaler.KIND, SCALER, "spec: {minReplicas: 5}", ["spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"]),
    (horizontalpodautoscaler.KIND, SCALER, "spec: {maxReplicas: 0, minReplicas: null}", ["spec.maxReplicas: Required value: must be set and greater than 0", "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`"]),
    (horizontalpodautoscaler.KIND, SCALER, "spec: {minReplicas: 0}", ["spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas"]),
    (horizontalpodautoscaler.KIND, SCALER, "spec: {minReplicas: 0, metrics: [{type: External, external: {metric: {name: m}, target: {type: Value, value: 1}}}]}", []),
    (horizontalpodautoscaler.KIND, SCALER, "spec: {scaleTargetRef: {apiVersion: v1}}", ['spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group']),
    (horizontalpodautoscaler.KIND, SCALER, "spec: {scaleTargetRef: {apiVersion: v1, kind: ReplicationController}}", []),
    (horizontalpodautoscaler.KIND, SCALER, "spec: {metrics: [{type: ContainerResource, containerResource: {name: pods, container: A, target: {type: Utilization, averageUtilization: 5}}}]}", ['spec.metrics[0].containerResource.name: Invalid value: "pods": must be a standard resource for containers', "spec.metrics[0].containerResource.container: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"]),
    (horizontalpodautoscaler.KIND, SCALER, "spec: {scaleTargetRef: {name: null}}", ["spec.scaleTargetRef.name: Required value"]),
    (horizontalpodautoscaler.KIND, SCALER, "spec: {metrics: [{type: Pods}]}", ["spec.metrics[0].pods: Required value: must populate information for the given metric source"]),
    (horizontalpodautoscaler.KIND, SCALER, "spec: {metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization}}}]}", ["spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization"]),
    (role.KIND, f"{{{META}}}", "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]", []),
    (role.KIND, f"{{{META}}}", "rules: [{}]", ["rules[0].verbs: Required value: verbs must contain at least one value", "rules[0].apiGroups: Required value: resource rules must supply at least one api group", "rules[0].resources: Required value: resource rules must supply at least one resource"]),
    (role.KIND, f"{{{META}}}", "rules: [{nonResourceURLs: [/a], verbs: [get]}]", ['rules[0].nonResourceURLs: Invalid value: ["/a"]: namespaced rules cannot apply to non-resource URLs']),
    (clusterrole.KIND, "{metadata: {name: 'system:x'}}", "{rules: [{nonResourceURLs: [/a], verbs: [get]}], aggregationRule: {clusterRoleSelectors: [{}]}}", []),
    (clusterrole.KIND, "{metadata: {name: a}}", "aggregationRule: {}", ["aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil"]),
    (rolebinding.KIND, BINDING, "subjects: [{kind: ServiceAccount, name: s}]", []),
    (rolebinding.KIND, BINDING, "roleRef: {kind: x}", ['roleRef.kind: Unsupported value: "x": supported values: "Role", "ClusterRole"']),
    (rolebinding.KIND, BINDING, "subjects: [{kind: x}]", ["subjects[0].name: Required value", 'subjects[0].kind: Unsupported value: "x": supported values: "ServiceAccount", "User", "Group"']),
    (clusterrolebinding.KIND, CLUSTER_BINDING, "subjects: [{kind: ServiceAccount, name: s}]", ["subjects[0].namespace: Required value"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "base", "change", "errors"), CASES, ids=[f"{c[0].name}-{i}" for i, c in enumerate(CASES)]
)
def test_validation(kind: Any, base: str, change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(kind, base, change) == errors


CLAIM_FORBIDDEN = "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"

UPDATES: list[tuple[Any, str, str, list[str]]] = [
    (daemonset.KIND, WORKLOAD, "{spec: {selector: {matchLabels: {app: a, b: c}}, template: {metadata: {labels: {b: c}}}}}", ['spec.selector: Invalid value: {"matchLabels":{"app":"a","b":"c"}}: field is immutable']),
    (statefulset.KIND, WORKLOAD, "spec: {replicas: 3, minReadySeconds: 1}", []),
    (statefulset.KIND, WORKLOAD, "spec: {serviceName: x, podManagementPolicy: Parallel}", ['spec.serviceName: Invalid value: "x": field is immutable', 'spec.podManagementPolicy: Invalid value: "Parallel": field is immutable']),
    (persistentvolumeclaim.KIND, CLAIM, "spec: {volumeName: v}", []),
    (persistentvolumeclaim.KIND, CLAIM, "spec: {storageClassName: fast}", []),
    (persistentvolumeclaim.KIND, CLAIM, "spec: {accessModes: [ReadWriteMany]}", [CLAIM_FORBIDDEN]),
    (persistentvolumeclaim.KIND, CLAIM, "spec: {resources: {requests: {storage: 2Gi}}}", [CLAIM_FORBIDDEN]),
    (persistentvolume.KIND, VOLUME, "spec: {hostPath: {path: /b}}", ["spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation"]),
    (endpointslice.KIND, SLICE, "{addressType: FQDN, endpoints: [{addresses: [a.b]}]}", ['addressType: Invalid value: "FQDN": field is immutable']),
    (priorityclass.KIND, PRIORITY, "value: 6", ["value: Forbidden: may not be changed in an update."]),
    (resourcequota.KIND, f"{{{META}}}", "spec: {scopes: [BestEffort]}", ['spec.scopes: Invalid value: ["BestEffort"]: field is immutable']),
    (rolebinding.KIND, BINDING, "roleRef: {name: other}", ['roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"other"}: field is immutable']),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "base", "change", "errors"), UPDATES, ids=[f"{c[0].name}-{i}" for i, c in enumerate(UPDATES)]
)
def test_update(kind: Any, base: str, change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(kind, base, change) == errors


def test_a_bound_claim_may_grow(create: Callable[..., Any]) -> None:
    kind = persistentvolumeclaim.KIND
    old, new = create(kind, CLAIM), create(kind, CLAIM, "spec: {resources: {requests: {storage: 2Gi}}}")
    for claim in (old, new):
        claim.status.phase, claim.status.capacity = "Bound", {"storage": "1Gi"}
    assert kind.check_update(new, old) == []
    assert [str(e) for e in kind.check_update(old, new)] == [
        "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"
    ]


@pytest.mark.parametrize(
    ("kind", "base", "after", "errors"),
    [
        (daemonset.KIND, WORKLOAD, "{numberReady: -1}", ["status.numberReady: Invalid value: -1: must be greater than or equal to 0"]),
        (statefulset.KIND, WORKLOAD, "{replicas: 1, readyReplicas: 2}", ["status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"]),
        (resourcequota.KIND, f"{{{META}}}", "{used: {pods: -1}}", ['status.used[pods]: Invalid value: "-1": must be greater than or equal to 0']),
        (poddisruptionbudget.KIND, f"{{{META}}}", "{expectedPods: -1}", ["status.expectedPods: Invalid value: -1: must be greater than or equal to 0"]),
    ],
)  # fmt: skip
def test_status(kind: Any, base: str, after: str, errors: list[str], status_errors_of: ErrorsOf) -> None:
    assert status_errors_of(kind, base, "{}", after) == errors
