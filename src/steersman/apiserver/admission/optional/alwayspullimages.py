"""Images are always pulled, so that nobody runs a private image without credentials because a node has it already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from steersman.api import field
from steersman.api.errors import Forbidden
from steersman.api.field import Path
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.types.core_v1 import Pod

_ALWAYS = "Always"
_LISTS = ("initContainers", "containers", "ephemeralContainers")


def _containers(pod: Pod) -> Iterator[tuple[Path, Any]]:
    for name in _LISTS:
        for index, container in enumerate(getattr(pod.spec, name) or ()):
            yield Path("spec", name).index(index), container


def _volumes(pod: Pod) -> Iterator[tuple[Path, Any]]:
    for index, volume in enumerate(pod.spec.volumes or ()):
        if volume.image is not None:
            yield Path("spec", "volumes").index(index).child("image"), volume.image


def _old_images(review: Review) -> set[str] | None:
    """The images that the pod had; None for a new one."""
    return None if review.old is None else {container.image for _, container in _containers(review.old)}


async def mutate(review: Review, environment: Environment) -> None:
    if _concerns(review):
        for _, container in _containers(review.object):
            container.imagePullPolicy = _ALWAYS
        for _, volume in _volumes(review.object):
            volume.pullPolicy = _ALWAYS


async def validate(review: Review, environment: Environment) -> None:
    if not _concerns(review):
        return
    for path, container in _containers(review.object):
        if container.imagePullPolicy != _ALWAYS:
            raise _refused(review, path.child("imagePullPolicy"), container.imagePullPolicy)
    for path, volume in _volumes(review.object):
        if volume.pullPolicy != _ALWAYS:
            raise _refused(review, path.child("pullPolicy"), volume.pullPolicy)


def _concerns(review: Review) -> bool:
    """A pod that gets no new image is left alone, so that pods of before can still be changed."""
    old = _old_images(review)
    return old is None or any(container.image not in old for _, container in _containers(review.object))


def _refused(review: Review, path: Path, policy: str) -> Forbidden:
    return Forbidden.of(review.resource, review.name, str(field.not_supported(path, policy, (_ALWAYS,))))


ADMISSION = Admission(
    name="AlwaysPullImages",
    order=1_000,
    interests=(
        Interest(frozenset({CREATE, UPDATE}), "pods"),
        Interest(frozenset({UPDATE}), "pods", subresource="ephemeralcontainers"),
    ),
    mutate=mutate,
    validate=validate,
)
