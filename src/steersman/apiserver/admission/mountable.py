"""Whether a pod refers to no other Secrets than those that its service account lists, for accounts that ask for that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from steersman.api.field import quote
from steersman.kinds.core import pod_secrets
from steersman.kinds.types.core_v1 import Container, EphemeralContainer, Pod, ServiceAccount


def of_pod(pod: Pod, account: ServiceAccount) -> str:
    """What is wrong with the pod, or ""."""
    listed = _listed(account)
    for volume in pod.spec.volumes or ():
        if volume.secret is not None and volume.secret.secretName not in listed:
            return _not_listed("volume with", volume.secret.secretName, account)
    for role, containers in (("init container", pod.spec.initContainers), ("container", pod.spec.containers)):
        for found in _beyond(role, containers, listed, account):
            return found
    pulled = {reference.name for reference in account.imagePullSecrets or ()}
    for index, reference in enumerate(pod.spec.imagePullSecrets or ()):
        if reference.name not in pulled:
            return (
                f"imagePullSecrets[{index}].name={quote(reference.name)} is not allowed because service account "
                f"{account.metadata.name} does not reference that imagePullSecret"
            )
    return ""


def of_ephemeral_containers(pod: Pod, account: ServiceAccount) -> str:
    """As `of_pod`, of what may be added to a pod that runs."""
    return next(_beyond("ephemeral container", pod.spec.ephemeralContainers, _listed(account), account), "")


def _listed(account: ServiceAccount) -> frozenset[str]:
    return frozenset(reference.name for reference in account.secrets or ())


def _beyond(
    role: str,
    containers: Iterable[Container | EphemeralContainer] | None,
    listed: frozenset[str],
    account: ServiceAccount,
) -> Iterator[str]:
    for container in containers or ():
        # Single variables first.
        for variable, name in sorted(pod_secrets.of_container(container), key=lambda found: not found[0]):
            if name not in listed:
                what = f"envVar {variable} referencing" if variable else "envFrom referencing"
                yield _not_listed(f"{role} {container.name} with {what}", name, account)


def _not_listed(what: str, name: str, account: ServiceAccount) -> str:
    return (
        f"{what} secret.secretName={quote(name)} is not allowed because service account {account.metadata.name} "
        "does not reference that secret"
    )
