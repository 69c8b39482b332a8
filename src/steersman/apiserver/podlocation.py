"""Where a pod's or a node's kubelet answers, and which container of a pod is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.errors import BadRequest, InternalError, NotFound
from steersman.apiserver.backend import Target
from steersman.kinds.types.core_v1 import Node, Pod
from steersman.pki import trust

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_KUBELET_PORT = 10250
# Carried by nodes whose kubelet pretends, and serves nothing that could be dialled.
_SIMULATED_LABEL = "steersman.dev/simulated"


def kubelet(app: App, node_name: str) -> Target:
    """The kubelet of a node. Raises NotFound, InternalError when the node has no address yet, BadRequest when it is
    simulated."""
    node: Node | None = app.registries.get(Node, "", node_name)
    if node is None:
        raise NotFound.of(Node.__resource__, node_name)
    if _SIMULATED_LABEL in (node.metadata.labels or {}):
        raise BadRequest(f"node {node_name} is simulated: its containers have no processes, no logs and no ports")
    addresses = {a.type: a.address for a in reversed(node.status.addresses or [])}
    host = next((addresses[t] for t in ("InternalIP", "ExternalIP", "Hostname") if t in addresses), "")
    if not host:
        raise InternalError.occurred(f"no preferred addresses found for node {node_name}; known addresses: []")
    endpoints = node.status.daemonEndpoints
    endpoint = endpoints.kubeletEndpoint if endpoints is not None else None
    access = app.config.kubelet
    tls = None
    if access is not None:
        tls = trust.connecting(access.ca, access.certificate, access.key)
    return Target(host, (endpoint.Port if endpoint is not None else 0) or _KUBELET_PORT, tls)


def pod(app: App, namespace: str, name: str) -> Pod:
    """The pod, shared and not to be changed. Raises NotFound."""
    found: Pod | None = app.registries.get(Pod, namespace, name)
    if found is None:
        raise NotFound.of(Pod.__resource__, name)
    return found


def container_of(found: Pod, wanted: str) -> str:
    """The container that a request means: the one it names, or the only one. Raises BadRequest."""
    name, spec = found.metadata.name, found.spec
    containers = [c.name for c in spec.containers]
    initial = [c.name for c in spec.initContainers or ()]
    if wanted:
        ephemeral = [c.name for c in spec.ephemeralContainers or ()]
        if wanted not in (*containers, *initial, *ephemeral):
            raise BadRequest(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(containers) == 1:
        return containers[0]
    if not containers:
        raise BadRequest(f"a container name must be specified for pod {name}")
    text = f"a container name must be specified for pod {name}, choose one of: [{' '.join(containers)}]"
    if initial:
        text += f" or one of the init containers: [{' '.join(initial)}]"
    raise BadRequest(text)


def node_of(found: Pod) -> str:
    """The pod's node. Raises BadRequest while it has none."""
    if not found.spec.nodeName:
        raise BadRequest(f"pod {found.metadata.name} does not have a host assigned")
    return found.spec.nodeName
