"""A node writes only what is its own: its Node, the pods that are bound to it, its leases, requests and tokens for them."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from steersman.api import codec
from steersman.api.errors import Forbidden, NotFound, StatusError
from steersman.api.field import quote, same
from steersman.apiserver.admission import nodelabels
from steersman.apiserver.admission.framework import CREATE, DELETE, UPDATE, Admission, Environment, Interest, Review
from steersman.apiserver.authorizers.node import LEASES, node_of
from steersman.apiserver.authorizers.references import CONFIGMAP, SECRET, SERVICE_ACCOUNT, mentioned
from steersman.apiserver.authz import Attributes, aggregate
from steersman.kinds.certificates.signers import KUBELET_CLIENT, KUBELET_SERVING
from steersman.kinds.core.annotations import MIRROR
from steersman.kinds.types.core_v1 import (
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeSpec,
    Pod,
    ServiceAccount,
    Volume,
)
from steersman.kinds.types.meta_v1 import Object
from steersman.kinds.types.storage_v1 import CSIDriver

T = TypeVar("T", bound=Object)

_CERTIFICATES = "certificates.k8s.io"
_NODE_SIGNERS = (KUBELET_SERVING, KUBELET_CLIENT)
# What a mirror pod could open to its node, by the field that does it.
_IN_VOLUMES = (
    ("configMap", "configmaps (via configmap volumes)"), ("secret", "secrets (via secret volumes)"),
    ("csi", "csidrivers (via CSI volumes)"), ("glusterfs", "endpoints (via glusterFS volumes)"),
    ("persistentVolumeClaim", "persistentvolumeclaims"), ("ephemeral", "persistentvolumeclaims (via ephemeral volumes)"),
    ("azureFile", "secrets (via azureFile volumes)"),
)  # fmt: skip
_IN_PROJECTIONS = (
    ("configMap", "configmaps (via projected volumes)"), ("secret", "secrets (via projected volumes)"),
    ("serviceAccountToken", "serviceaccounts (via projected volumes)"),
    ("clusterTrustBundle", "clustertrustbundles"), ("podCertificate", "podcertificates"),
)  # fmt: skip
# The drivers that have taken over what used to be kinds of volumes.
_SUCCESSORS = (
    ("awsElasticBlockStore", "ebs.csi.aws.com"), ("gcePersistentDisk", "pd.csi.storage.gke.io"),
    ("cinder", "cinder.csi.openstack.org"), ("azureDisk", "disk.csi.azure.com"), ("azureFile", "file.csi.azure.com"),
    ("vsphereVolume", "csi.vsphere.vmware.com"), ("portworxVolume", "pxd.portworx.com"),
)  # fmt: skip


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
    return _found(Pod, review.namespace, name, environment)


def _found(cls: type[T], namespace: str, name: str, environment: Environment) -> T:
    """An object that must be there. Raises NotFound, in the words of Kubernetes' caches, which say one of a kind."""
    found = environment.reader.get(cls, namespace, name)
    if found is None:
        resource = cls.__resource__
        raise NotFound.of(replace(resource, plural=resource.kind.lower()), name)
    return found


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
    try:
        what = _referred(pod)
    except ValueError as error:
        raise _refused(review, f"error checking mirror pod for API references: {error}") from error
    if what:
        raise _refused(review, f"{mine} can not create pods that reference {what}")


def _referred(pod: Pod) -> str:
    """What of the API a pod refers to; "" for nothing. Raises ValueError for what nobody knows."""
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
            if source.downwardAPI is None:
                raise ValueError(f"unknown source for projected volume {quote(volume.name)}")
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
    found = _found(Node, "", node, environment)
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
    for name, what in (
        ("resourceClaimStatuses", "resource claim statues"),
        ("extendedResourceClaimStatus", "extended resource claim status"),
        ("nodeAllocatableResourceClaimStatuses", "node allocatable resource claim statuses"),
    ):
        if not same(getattr(old.status, name), getattr(new.status, name)):
            raise _refused(review, f"{mine} cannot update {what}")


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
        # Whoever owns a node may have it collected: it would get rid of its taints that way.
        if (new.metadata.ownerReferences or []) != (old.metadata.ownerReferences or []):
            raise _refused(review, f"{mine} is not allowed to modify ownerReferences")
        if forbidden := nodelabels.forbidden(new.metadata.labels or {}, old.metadata.labels or {}):
            raise _refused(review, f"is not allowed to modify labels: {', '.join(forbidden)}")


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
    old, new = _rest_of_claim(review.old), _rest_of_claim(review.object)
    if old != new:
        what = "is not allowed to update fields other than status.quantity and status.conditions"
        raise _refused(review, f"node {quote(node)} {what}: {', '.join(_differing(old, new))}")


def _rest_of_claim(claim: PersistentVolumeClaim) -> dict[str, Any]:
    """All of a claim that is not the node's to say."""
    plain: dict[str, Any] = codec.to_builtins(claim)
    for name in ("resourceVersion", "managedFields"):
        plain["metadata"].pop(name, None)
    for name in ("capacity", "conditions", "allocatedResourceStatuses", "allocatedResources"):
        plain.get("status", {}).pop(name, None)
    return plain


def _differing(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> list[str]:
    """The fields in which two plain values differ, as paths, in order."""
    found: list[str] = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            found += _differing(before, after, f"{prefix}{key}.")
        elif before != after:
            found.append(f"{prefix}{key}")
    return found


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
    await _audience(audiences[0], pod, review, environment)


async def _audience(audience: str, pod: Pod, review: Review, environment: Environment) -> None:
    """Raise Forbidden for an audience that no volume of the pod has, unless the node is allowed it."""
    missing: list[str] = []
    if _mentions(pod, audience, environment, missing):
        return
    if missing:
        # Whatever is missing may have told the audience.
        raise _refused(review, f"error validating audience {quote(audience)}: {aggregate(missing)}")
    asked = Attributes(
        review.user,
        "request-serviceaccounts-token-audience",
        resource=audience,
        namespace=review.namespace,
        name=review.name,
        version="v1",
    )
    if environment.allowed is None or not await environment.allowed(asked):
        what = f"is not authorized to request tokens for audience {quote(audience)}"
        raise _refused(review, f"{review.user.name} {what}")


def _mentions(pod: Pod, audience: str, environment: Environment, missing: list[str]) -> bool:
    """Whether a volume of the pod has tokens for this audience, of itself or by its driver.

    `missing` gets what ought to be there for the answer and is not, in words.
    """
    for volume in pod.spec.volumes or ():
        for source in (volume.projected.sources if volume.projected is not None else None) or ():
            if source.serviceAccountToken is not None and source.serviceAccountToken.audience == audience:
                return True
        try:
            driver = _driver(pod, volume, environment)
            known = _found(CSIDriver, "", driver, environment) if driver else None
        except NotFound as error:
            missing.append(error.message)
            continue
        if known is not None and any(t.audience == audience for t in known.spec.tokenRequests or ()):
            return True
    return False


def _driver(pod: Pod, volume: Volume, environment: Environment) -> str:
    """The driver of a pod's volume, "" for none. Raises NotFound."""
    if volume.ephemeral is not None and volume.ephemeral.volumeClaimTemplate is not None:
        claim = f"{pod.metadata.name}-{volume.name}"
    elif volume.persistentVolumeClaim is not None:
        claim = volume.persistentVolumeClaim.claimName
    elif volume.csi is not None:
        return volume.csi.driver
    else:
        return _successor(volume)
    name = _found(PersistentVolumeClaim, pod.metadata.namespace, claim, environment).spec.volumeName
    source = _found(PersistentVolume, "", name, environment).spec
    return source.csi.driver if source.csi is not None else _successor(source)


def _successor(source: Volume | PersistentVolumeSpec) -> str:
    return next((driver for name, driver in _SUCCESSORS if getattr(source, name) is not None), "")


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
    spec = review.object.spec
    if spec.nodeName != node:
        what = f"PodCertificateRequest.Spec.NodeName={quote(spec.nodeName)}"
        raise _refused(review, f"{what}, which is not the requesting node {quote(node)}")
    shown = quote(f"{review.namespace}/{spec.podName}")
    asks = f"PodCertificateRequest for pod {shown}"
    found = _named(Node, "", node, f"node {quote(node)}", environment)
    _same(spec.nodeUID, found, f"{asks} names node UID {{}}, inconsistent with the running node ({{}})")
    pod = _named(Pod, review.namespace, spec.podName, f"pod {shown}", environment)
    _same(spec.podUID, pod, f"{asks} contains pod UID ({{}}) which differs from running pod {{}}")
    if pod.spec.nodeName != node:
        raise _refused(review, f"pod {shown} is not running on node {quote(node)} named in the PodCertificateRequest")
    if MIRROR in (pod.metadata.annotations or {}):
        raise _refused(review, f"pod {shown} is a mirror pod")
    if pod.spec.serviceAccountName != spec.serviceAccountName:
        running = f"that differs from running pod ({quote(pod.spec.serviceAccountName)})"
        raise _refused(review, f"{asks} contains serviceAccountName ({quote(spec.serviceAccountName)}) {running}")
    what = f"service account {quote(f'{review.namespace}/{spec.serviceAccountName}')}"
    account = _named(ServiceAccount, review.namespace, spec.serviceAccountName, what, environment)
    text = f"{asks} names service account UID {{}}, which differs from the running service account ({{}})"
    _same(spec.serviceAccountUID, account, text)
    await _pod_signer(pod, review, environment)


def _named(cls: type[T], namespace: str, name: str, what: str, environment: Environment) -> T:
    """What a request names. Raises an error that says to try again: it may be there in a moment."""
    try:
        return _found(cls, namespace, name, environment)
    except NotFound as error:
        text = f"while retrieving {what} named in the PodCertificateRequest: {error.message}"
        raise _later(text) from error


def _same(said: str, real: Object, text: str) -> None:
    """Raise such an error for an identity that is another one's."""
    if said != real.metadata.uid:
        raise _later(text.format(quote(said), quote(real.metadata.uid)))


def _later(text: str) -> StatusError:
    return StatusError(text, code=500, reason="")


async def _pod_signer(pod: Pod, review: Review, environment: Environment) -> None:
    """Raise Forbidden for a signer that no volume of the pod names, unless the node is allowed it."""
    spec = review.object.spec
    for volume in pod.spec.volumes or ():
        for source in (volume.projected.sources if volume.projected is not None else None) or ():
            if source.podCertificate is not None and source.podCertificate.signerName == spec.signerName:
                return
    # Names of resources have no slashes in the rules of roles.
    asked = Attributes(
        review.user,
        "request-serviceaccounts-podcertificate-signer",
        group=_CERTIFICATES,
        resource=spec.signerName.replace("/", ":"),
        namespace=review.namespace,
        name=spec.serviceAccountName,
        version=review.resource.version,
    )
    if environment.allowed is None or not await environment.allowed(asked):
        shown = quote(f"{review.namespace}/{spec.podName}")
        what = f"does not mount a podCertificate projected volume for signer {quote(spec.signerName)}"
        raise _refused(review, f"pod {shown} {what}")


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
