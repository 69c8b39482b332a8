"""A node writes only what is its own: its Node, the pods that are bound to it, its leases, requests and tokens for them."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from steersman.api import codec
from steersman.api.errors import Forbidden, InternalError, NotFound
from steersman.api.field import quote
from steersman.apiserver.admission import nodelabels
from steersman.apiserver.admission.framework import CREATE, DELETE, UPDATE, Admission, Environment, Interest, Review
from steersman.apiserver.authorizers.node import LEASES, node_of
from steersman.apiserver.authorizers.references import CONFIGMAP, SECRET, SERVICE_ACCOUNT, mentioned
from steersman.apiserver.authz import Attributes
from steersman.kinds.core.pod_annotations import MIRROR
from steersman.kinds.types.core_v1 import Node, PersistentVolume, PersistentVolumeClaim, Pod, ServiceAccount
from steersman.kinds.types.storage_v1 import CSIDriver

_CERTIFICATES = "certificates.k8s.io"
_NODE_SIGNERS = ("kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet")
# What a mirror pod could open to its node, by the field that does it.
_IN_VOLUMES = (
    ("persistentVolumeClaim", "persistentvolumeclaims"), ("ephemeral", "persistentvolumeclaims (via ephemeral volumes)"),
    ("csi", "csidrivers (via CSI volumes)"), ("glusterfs", "endpoints (via glusterFS volumes)"),
)  # fmt: skip
_IN_PROJECTIONS = (
    ("serviceAccountToken", "serviceaccounts (via projected volumes)"),
    ("clusterTrustBundle", "clustertrustbundles (via projected volumes)"),
    ("podCertificate", "podcertificates (via projected volumes)"),
)


async def mutate(review: Review, environment: Environment) -> None:
    node = node_of(review.user)
    if node is None:
        return
    if not node:
        raise _refused(review, f"could not determine node from user {quote(review.user.name)}")
    check = _CHECKS.get((review.resource.group, review.resource.plural))
    if check is not None:
        await check(node, review, environment)


def _refused(review: Review, why: str) -> Forbidden:
    return Forbidden.of(review.resource, _name(review), why)


def _name(review: Review) -> str:
    """The name that the request says. One that the server chooses only begins like a node's own, and is nobody's."""
    if review.generated:
        return ""
    return review.name or (review.object.metadata.name if review.object is not None else "")


def _own_pod(review: Review, environment: Environment, name: str) -> Pod:
    pod = environment.reader.get(Pod, review.namespace, name)
    if pod is None:
        raise NotFound.of(Pod.__resource__, name)
    return pod


# Pods


async def _pod(node: str, review: Review, environment: Environment) -> None:
    mine = f"node {quote(node)}"
    if review.subresource == "status":
        _pod_status(mine, node, review)
    elif review.subresource == "eviction":
        if review.operation != CREATE:
            raise _refused(review, f"unexpected operation {review.operation}")
        if _own_pod(review, environment, _name(review)).spec.nodeName != node:
            raise _refused(review, f"node {node} can only evict pods with spec.nodeName set to itself")
    elif review.subresource:
        what = f"unexpected pod subresource {quote(review.subresource)}"
        raise _refused(review, f"{what}, only 'status' and 'eviction' are allowed")
    elif review.operation == CREATE:
        _mirror_pod(mine, node, review, environment)
    elif review.operation == DELETE:
        if review.old.spec.nodeName != node:
            raise _refused(review, f"{mine} can only delete pods with spec.nodeName set to itself")
    else:
        what = f"unexpected operation {quote(review.operation)}"
        raise _refused(review, f"{what}, {mine} can only create and delete mirror pods")


def _mirror_pod(mine: str, node: str, review: Review, environment: Environment) -> None:
    pod: Pod = review.object
    if MIRROR not in (pod.metadata.annotations or {}):
        raise _refused(review, f"pod does not have {quote(MIRROR)} annotation, {mine} can only create mirror pods")
    if pod.spec.nodeName != node:
        raise _refused(review, f"{mine} can only create pods with spec.nodeName set to itself")
    _owner(mine, node, review, environment)
    if what := _referred(pod):
        raise _refused(review, f"{mine} can not create pods that reference {what}")


def _referred(pod: Pod) -> str:
    """What of the API a pod refers to; "" for nothing."""
    found = {plural for plural, _, _ in mentioned(codec.encode(pod))}
    for plural in (SERVICE_ACCOUNT, SECRET, CONFIGMAP):
        if plural in found:
            return plural
    if pod.spec.resourceClaims:
        return "resourceclaims"
    for volume in pod.spec.volumes or ():
        for name, what in _IN_VOLUMES:
            if getattr(volume, name) is not None:
                return what
        for source in (volume.projected.sources if volume.projected is not None else None) or ():
            for name, what in _IN_PROJECTIONS:
                if getattr(source, name) is not None:
                    return what
    return ""


def _owner(mine: str, node: str, review: Review, environment: Environment) -> None:
    """A mirror pod belongs to its node, and to nobody else."""
    owners = review.object.metadata.ownerReferences or []
    if len(owners) > 1:
        raise _refused(review, f"{mine} can only create pods with a single owner reference set to itself")
    if not owners or (owners[0].apiVersion, owners[0].kind, owners[0].name) != ("v1", "Node", node):
        raise _refused(review, f"{mine} can only create pods with an owner reference set to itself")
    owner = owners[0]
    if not owner.controller:
        raise _refused(review, f"{mine} can only create pods with a controller owner reference set to itself")
    if owner.blockOwnerDeletion:
        raise _refused(review, f"{mine} must not set blockOwnerDeletion on an owner reference")
    found = environment.reader.get(Node, "", node)
    if found is None:
        raise NotFound.of(Node.__resource__, node)
    if owner.uid != found.metadata.uid:
        raise _refused(review, f"node {node} UID mismatch: expected {owner.uid} got {found.metadata.uid}")


def _pod_status(mine: str, node: str, review: Review) -> None:
    if review.operation != UPDATE:
        raise _refused(review, f"unexpected operation {quote(review.operation)}")
    old, new = review.old, review.object
    if old.spec.nodeName != node:
        raise _refused(review, f"{mine} can only update pod status for pods with spec.nodeName set to itself")
    if (old.metadata.labels or {}) != (new.metadata.labels or {}):
        raise _refused(review, f"{mine} cannot update labels through pod status")
    if (old.status.resourceClaimStatuses or []) != (new.status.resourceClaimStatuses or []):
        raise _refused(review, f"{mine} cannot update resource claim statues")
    if old.status.extendedResourceClaimStatus != new.status.extendedResourceClaimStatus:
        raise _refused(review, f"{mine} cannot update extended resource claim status")


# Nodes


async def _node(node: str, review: Review, environment: Environment) -> None:
    mine = f"node {quote(node)}"
    name = _name(review)
    if name != node:
        raise _refused(review, f"{mine} is not allowed to modify node {quote(name)}")
    new, old = review.object, review.old
    if review.operation == CREATE:
        if new.spec.configSource is not None:
            raise _refused(review, f"{mine} is not allowed to create pods with a non-nil configSource")
        if forbidden := nodelabels.forbidden(new.metadata.labels or {}, {}):
            raise _refused(review, f"{mine} is not allowed to set the following labels: {', '.join(forbidden)}")
    if review.operation == UPDATE:
        if new.spec.configSource is not None and new.spec.configSource != old.spec.configSource:
            raise _refused(review, f"{mine} is not allowed to update configSource to a new non-nil configSource")
        if (new.spec.taints or []) != (old.spec.taints or []):
            raise _refused(review, f"{mine} is not allowed to modify taints")
        if forbidden := nodelabels.forbidden(new.metadata.labels or {}, old.metadata.labels or {}):
            raise _refused(review, f"is not allowed to modify labels: {', '.join(forbidden)}")
        # Whoever owns a node may have it collected: it would get rid of its taints that way.
        if (new.metadata.ownerReferences or []) != (old.metadata.ownerReferences or []):
            raise _refused(review, f"{mine} is not allowed to modify ownerReferences")


async def _lease(node: str, review: Review, environment: Environment) -> None:
    if review.namespace != LEASES:
        raise _refused(review, f'can only access leases in the "{LEASES}" system namespace')
    if _name(review) != node:
        raise _refused(review, "can only access node lease with the same name as the requesting node")


async def _csi_node(node: str, review: Review, environment: Environment) -> None:
    if _name(review) != node:
        raise _refused(review, "can only access CSINode with the same name as the requesting node")


# What pods use


async def _claim(node: str, review: Review, environment: Environment) -> None:
    if review.subresource != "status":
        raise _refused(review, "may only update PVC status")
    if review.operation != UPDATE:
        raise _refused(review, f"unexpected operation {quote(review.operation)}")
    if _rest_of_claim(review.old) != _rest_of_claim(review.object):
        what = "is not allowed to update fields other than status.capacity and status.conditions"
        raise _refused(review, f"node {quote(node)} {what}")


def _rest_of_claim(claim: PersistentVolumeClaim) -> dict[str, Any]:
    """All of a claim that is not the node's to say."""
    plain: dict[str, Any] = codec.to_builtins(claim)
    for name in ("resourceVersion", "managedFields"):
        plain["metadata"].pop(name, None)
    for name in ("capacity", "conditions", "allocatedResourceStatuses", "allocatedResources"):
        plain.get("status", {}).pop(name, None)
    return plain


async def _service_account(node: str, review: Review, environment: Environment) -> None:
    """Tokens are bound to a pod of the node, and for those whom the pod mentions."""
    if review.operation != CREATE or review.subresource != "token":
        return
    ref = review.object.spec.boundObjectRef
    if ref is None or ref.apiVersion != "v1" or ref.kind != "Pod" or not ref.name:
        raise _refused(review, "node requested token not bound to a pod")
    if not ref.uid:
        raise _refused(review, "node requested token with a pod binding without a uid")
    pod = _own_pod(review, environment, ref.name)
    if ref.uid != pod.metadata.uid:
        what = f"the UID in the bound object reference ({ref.uid}) does not match the UID in record"
        raise _refused(review, f"{what}. The object might have been deleted and then recreated")
    if pod.spec.nodeName != node:
        raise _refused(review, "node requested token bound to a pod scheduled on a different node")
    audiences = review.object.spec.audiences or [""]
    if len(audiences) > 1:
        raise _refused(review, "node may only request 0 or 1 audiences")
    if _mentions(pod, audiences[0], environment):
        return
    asked = Attributes(
        review.user,
        "request-serviceaccounts-token-audience",
        resource=audiences[0],
        namespace=review.namespace,
        name=review.name,
        version="v1",
    )
    if environment.allowed is None or not await environment.allowed(asked):
        what = f"audience {quote(audiences[0])} not found in pod spec volume"
        raise _refused(review, f"{what}, {review.user.name} is not authorized to request tokens for this audience")


def _mentions(pod: Pod, audience: str, environment: Environment) -> bool:
    """Whether a volume of the pod has tokens for this audience, of itself or by its driver."""
    for volume in pod.spec.volumes or ():
        for source in (volume.projected.sources if volume.projected is not None else None) or ():
            if source.serviceAccountToken is not None and source.serviceAccountToken.audience == audience:
                return True
        driver = ""
        if volume.csi is not None:
            driver = volume.csi.driver
        elif volume.persistentVolumeClaim is not None:
            driver = _driver(pod, volume.persistentVolumeClaim.claimName, environment)
        elif volume.ephemeral is not None:
            driver = _driver(pod, f"{pod.metadata.name}-{volume.name}", environment)
        known = environment.reader.get(CSIDriver, "", driver) if driver else None
        if known is not None and any(t.audience == audience for t in known.spec.tokenRequests or ()):
            return True
    return False


def _driver(pod: Pod, claim: str, environment: Environment) -> str:
    """The driver of the volume that a claim is bound to."""
    found = environment.reader.get(PersistentVolumeClaim, pod.metadata.namespace, claim)
    name = found.spec.volumeName if found is not None else ""
    volume = environment.reader.get(PersistentVolume, "", name) if name else None
    return volume.spec.csi.driver if volume is not None and volume.spec.csi is not None else ""


async def _slice(node: str, review: Review, environment: Environment) -> None:
    if review.operation == UPDATE:
        return
    verb, subject = ("create", review.object) if review.operation == CREATE else ("delete", review.old)
    if subject.spec.nodeName != node:
        raise _refused(review, f"can only {verb} ResourceSlice with the same NodeName as the requesting node")


# Certificates


async def _signing_request(node: str, review: Review, environment: Environment) -> None:
    if review.operation != CREATE or review.object.spec.signerName not in _NODE_SIGNERS:
        return
    # The library takes long to load, and most servers are never asked.
    from steersman.pki import requests

    try:
        asked = requests.asked(b64decode(review.object.spec.request))
    except ValueError as error:
        raise _refused(review, f"unable to parse csr: {error}") from error
    if asked.common_name != review.user.name:
        raise _refused(review, f"can only create a node CSR with CN={review.user.name}")


async def _pod_certificate_request(node: str, review: Review, environment: Environment) -> None:
    if review.operation != CREATE:
        raise _refused(review, f"unexpected operation {review.operation}")
    if review.subresource:
        raise _refused(review, f"unexpected subresource {review.subresource}")
    spec, get = review.object.spec, environment.reader.get
    if spec.nodeName != node:
        what = f"PodCertificateRequest.Spec.NodeName={quote(spec.nodeName)}"
        raise _refused(review, f"{what}, which is not the requesting node {quote(node)}")
    shown = quote(f"{review.namespace}/{spec.podName}")
    asks = f"PodCertificateRequest for pod {shown}"
    found, pod = get(Node, "", node), get(Pod, review.namespace, spec.podName)
    for real, what in ((found, f"node {quote(node)}"), (pod, f"pod {shown}")):
        if real is None:
            raise NotFound(f"while retrieving {what} named in the PodCertificateRequest: not found")
    _same(spec.nodeUID, found, f"{asks} names node UID", "inconsistent with the running node")
    _same(spec.podUID, pod, f"{asks} contains pod UID", "which differs from running pod")
    if pod is not None and pod.spec.nodeName != node:
        raise _refused(review, f"pod {shown} is not running on node {quote(node)} named in the PodCertificateRequest")
    if pod is not None and MIRROR in (pod.metadata.annotations or {}):
        raise _refused(review, f"pod {shown} is a mirror pod")
    if pod is not None and pod.spec.serviceAccountName != spec.serviceAccountName:
        running = f"that differs from running pod ({quote(pod.spec.serviceAccountName)})"
        raise _refused(review, f"{asks} contains serviceAccountName ({quote(spec.serviceAccountName)}) {running}")
    account = get(ServiceAccount, review.namespace, spec.serviceAccountName)
    what = f"{asks} names service account UID"
    _same(spec.serviceAccountUID, account, what, "which differs from the running service account")


def _same(said: str, real: Any, what: str, how: str) -> None:
    """Raise InternalError for an identity that is another one's: it may be the right one in a moment."""
    uid = real.metadata.uid if real is not None else ""
    if said != uid:
        raise InternalError.occurred(f"{what} ({quote(said)}) {how} ({quote(uid)})")


_Check = Callable[[str, Review, Environment], Awaitable[None]]

_CHECKS: Mapping[tuple[str, str], _Check] = {
    ("", "pods"): _pod,
    ("", "nodes"): _node,
    ("", "persistentvolumeclaims"): _claim,
    ("", "serviceaccounts"): _service_account,
    ("coordination.k8s.io", "leases"): _lease,
    ("storage.k8s.io", "csinodes"): _csi_node,
    ("resource.k8s.io", "resourceslices"): _slice,
    (_CERTIFICATES, "certificatesigningrequests"): _signing_request,
    (_CERTIFICATES, "podcertificaterequests"): _pod_certificate_request,
}
_ANY = frozenset({CREATE, UPDATE, DELETE})
_PARTS = (
    ("", "pods", ("", "status", "eviction", "binding", "ephemeralcontainers", "resize")),
    ("", "nodes", ("", "status")),
    ("", "persistentvolumeclaims", ("", "status")),
    ("", "serviceaccounts", ("token",)),
    ("coordination.k8s.io", "leases", ("",)),
    ("storage.k8s.io", "csinodes", ("",)),
    ("resource.k8s.io", "resourceslices", ("",)),
    (_CERTIFICATES, "certificatesigningrequests", ("",)),
    (_CERTIFICATES, "podcertificaterequests", ("", "status")),
)

ADMISSION = Admission(
    name="NodeRestriction",
    order=800,
    interests=tuple(Interest(_ANY, plural, group, part) for group, plural, parts in _PARTS for part in parts),
    mutate=mutate,
)
