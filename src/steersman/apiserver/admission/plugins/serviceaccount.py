"""Every pod runs as a service account that exists, and gets its token, the cluster's CA and its namespace as a volume."""

from __future__ import annotations

from steersman.api.errors import Forbidden
from steersman.api.meta import suffix_of
from steersman.apiserver.admission import mountable
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.core import pod_secrets
from steersman.kinds.core.annotations import MIRROR
from steersman.kinds.types.core_v1 import (
    ConfigMapProjection,
    Container,
    DownwardAPIProjection,
    DownwardAPIVolumeFile,
    KeyToPath,
    LocalObjectReference,
    ObjectFieldSelector,
    Pod,
    ProjectedVolumeSource,
    ServiceAccount,
    ServiceAccountTokenProjection,
    Volume,
    VolumeMount,
    VolumeProjection,
)

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX = "kube-api-access-"
_ENFORCE = "kubernetes.io/enforce-mountable-secrets"
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
# An hour, and the odd seconds by which legacy clients' tokens are told from others that ask for an hour.
_EXPIRATION = 3607
_MODE = 0o644
# How often, and how far apart in seconds, a missing `default` account is looked for.
_DEFAULT_ATTEMPTS = 20
_DEFAULT_WAIT = 0.05


async def mutate(review: Review, environment: Environment) -> None:
    pod: Pod = review.object
    if review.operation != CREATE or MIRROR in (pod.metadata.annotations or {}):
        await validate(review, environment)
        return
    spec = pod.spec
    if not spec.serviceAccountName:
        spec.serviceAccountName = "default"
    spec.serviceAccount = spec.serviceAccountName
    account = await _account(review, environment, spec.serviceAccountName)
    if _wants_token(pod, account):
        _mount_token(pod, account)
    if not spec.imagePullSecrets and account.imagePullSecrets:
        spec.imagePullSecrets = [LocalObjectReference(name=r.name) for r in account.imagePullSecrets]
    _check(review, pod, account)


async def _account(review: Review, environment: Environment, name: str) -> ServiceAccount:
    """The account; a new namespace's `default` is waited for a little, because a controller is about to make it."""
    attempts = _DEFAULT_ATTEMPTS if name == "default" else 1
    for attempt in range(attempts):
        if attempt:
            await environment.clock.sleep(_DEFAULT_WAIT)
        account = environment.reader.get(ServiceAccount, review.namespace, name)
        if account is not None:
            return account
    raise Forbidden.of(
        review.resource,
        review.name,
        f'error looking up service account {review.namespace}/{name}: serviceaccount "{name}" not found',
    )


def _wants_token(pod: Pod, account: ServiceAccount) -> bool:
    if pod.spec.automountServiceAccountToken is not None:
        return pod.spec.automountServiceAccountToken
    return account.automountServiceAccountToken is not False


def _mount_token(pod: Pod, account: ServiceAccount) -> None:
    spec = pod.spec
    existing = next((v.name for v in spec.volumes or () if v.name.startswith(VOLUME_PREFIX)), "")
    # One name for all pods of the account, so that the pods of a template have one spec.
    name = existing or VOLUME_PREFIX + suffix_of(account.metadata.uid)
    mounted = False
    for container in (*(spec.initContainers or ()), *spec.containers):
        if not _has_mount(container):
            mount = VolumeMount(name=name, readOnly=True, mountPath=MOUNT_PATH)
            container.volumeMounts = [*(container.volumeMounts or ()), mount]
            mounted = True
    if mounted and not existing:
        spec.volumes = [*(spec.volumes or ()), _token_volume(name)]


def _has_mount(container: Container) -> bool:
    return any(m.mountPath == MOUNT_PATH for m in container.volumeMounts or ())


def _token_volume(name: str) -> Volume:
    namespace = ObjectFieldSelector(apiVersion="v1", fieldPath="metadata.namespace")
    sources = [
        VolumeProjection(
            serviceAccountToken=ServiceAccountTokenProjection(path="token", expirationSeconds=_EXPIRATION)
        ),
        VolumeProjection(
            configMap=ConfigMapProjection(name="kube-root-ca.crt", items=[KeyToPath(key="ca.crt", path="ca.crt")])
        ),
        VolumeProjection(
            downwardAPI=DownwardAPIProjection(items=[DownwardAPIVolumeFile(path="namespace", fieldRef=namespace)])
        ),
    ]
    return Volume(name=name, projected=ProjectedVolumeSource(defaultMode=_MODE, sources=sources))


async def validate(review: Review, environment: Environment) -> None:
    pod: Pod = review.object
    if review.operation == CREATE and MIRROR in (pod.metadata.annotations or {}):
        if why := _beyond_a_mirror(pod):
            raise Forbidden.of(review.resource, review.name, why)
        return
    name = pod.spec.serviceAccountName
    if not name:
        why = f"no service account specified for pod {review.namespace}/{review.name}"
        raise Forbidden.of(review.resource, review.name, why)
    _check(review, pod, await _account(review, environment, name))


def _check(review: Review, pod: Pod, account: ServiceAccount) -> None:
    """Raise Forbidden when the pod refers to what the account does not list, if the account is strict."""
    if not _enforces(account):
        return
    everything = review.operation == CREATE
    if why := (mountable.of_pod if everything else mountable.of_ephemeral_containers)(pod, account):
        raise Forbidden.of(review.resource, review.name, why)


def _beyond_a_mirror(pod: Pod) -> str:
    """A mirror shows what a kubelet runs without asking, and must not open doors by that."""
    if pod.spec.serviceAccountName:
        return "a mirror pod may not reference service accounts"
    if any(True for _ in pod_secrets.names(pod)):
        return "a mirror pod may not reference secrets"
    for volume in pod.spec.volumes or ():
        sources = (volume.projected.sources if volume.projected is not None else None) or ()
        if any(source.serviceAccountToken is not None for source in sources):
            return "a mirror pod may not use ServiceAccountToken volume projections"
    return ""


def _enforces(account: ServiceAccount) -> bool:
    return (account.metadata.annotations or {}).get(_ENFORCE) in _TRUE


ADMISSION = Admission(
    name="ServiceAccount",
    order=700,
    interests=(
        Interest(frozenset({CREATE}), "pods"),
        Interest(frozenset({UPDATE}), "pods", subresource="ephemeralcontainers"),
    ),
    mutate=mutate,
    validate=validate,
)
