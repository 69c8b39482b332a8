"""Validation of the annotations of pods and templates that say what fields say today, and of those that servers read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.core import scheduling_validation
from steersman.kinds.core.annotations import APP_ARMOR, DELETION_COST, MIRROR, SECCOMP, SECCOMP_POD, TOLERATIONS
from steersman.kinds.core.provided_volumes import local_descending_path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import AppArmorProfile, PodSpec, SeccompProfile

_LOCALHOST = "localhost/"
_DEFAULTS = ("runtime/default", "docker/default")
_COST = re.compile("0|-?[1-9][0-9]{0,9}", re.ASCII)
_MAX_COST = 2**31
_KINDS = ("initContainers", "containers", "ephemeralContainers")


def check(annotations: Mapping[str, str] | None, spec: PodSpec, path: Path) -> Errors:
    """What is wrong with the annotations of a pod or template."""
    if not annotations:
        return []
    errors: Errors = []
    if MIRROR in annotations and not spec.nodeName:
        detail = "must set spec.nodeName if mirror pod annotation is set"
        errors.append(field.invalid(path.key(MIRROR), annotations[MIRROR], detail))
    if annotations.get(TOLERATIONS):
        errors += _check_tolerations(annotations[TOLERATIONS], path)
    cost = annotations.get(DELETION_COST)
    if cost is not None and not (_COST.fullmatch(cost) and -_MAX_COST <= int(cost) < _MAX_COST):
        errors.append(field.invalid(path.key(DELETION_COST), cost, "must be a 32bit integer"))
    for key, value in annotations.items():
        if key == SECCOMP_POD or key.startswith(SECCOMP):
            errors += _check_seccomp(value, path.child(key))
        elif key.startswith(APP_ARMOR):
            errors += _check_app_armor(key.removeprefix(APP_ARMOR), value, spec, path.key(key))
    return errors


def check_static(annotations: Mapping[str, str] | None, spec: PodSpec) -> Errors:
    """A pod that mirrors one of a node's own files cannot have what only the API server's pods get."""
    if not annotations or MIRROR not in annotations:
        return []
    return [field.forbidden(Path(""), "static pods do not support resource claims") for _ in spec.resourceClaims or ()]


def check_update(new: Mapping[str, str] | None, old: Mapping[str, str] | None, path: Path) -> Errors:
    """What a running container was started with stays, and so does what makes a pod a mirror."""
    now, before = new or {}, old or {}
    errors: Errors = []
    for key in sorted({*now, *before}):
        if now.get(key) == before.get(key) or not (key == MIRROR or key.startswith(APP_ARMOR)):
            continue
        what = "mirror pod annotation" if key == MIRROR else "AppArmor annotations"
        errors.append(
            field.forbidden(path.key(key), f"may not {'remove or update' if key in before else 'add'} {what}")
        )
    return errors


def check_match(annotations: Mapping[str, str] | None, spec: PodSpec, path: Path) -> Errors:
    """Where an annotation and a field say the same thing, they must say the same."""
    if not annotations:
        return []
    errors: Errors = []
    whole = spec.securityContext
    if SECCOMP_POD in annotations and whole is not None:
        at = path.child("securityContext", "seccompProfile")
        errors += _match_seccomp(annotations[SECCOMP_POD], whole.seccompProfile, at)
    for container, at in _containers(spec, path):
        context = container.securityContext
        seccomp = annotations.get(SECCOMP + container.name)
        if seccomp is not None and context is not None:
            errors += _match_seccomp(seccomp, context.seccompProfile, at.child("securityContext", "seccompProfile"))
        app_armor = annotations.get(APP_ARMOR + container.name)
        if app_armor is not None and (spec.os is None or spec.os.name != "windows"):
            profile = (context.appArmorProfile if context is not None else None) or (
                whole.appArmorProfile if whole is not None else None
            )
            errors += _match_app_armor(app_armor, profile, at.child("securityContext", "appArmorProfile"))
    return errors


def _containers(spec: PodSpec, path: Path) -> Iterator[tuple[Any, Path]]:
    for kind in _KINDS:
        for i, container in enumerate(getattr(spec, kind) or ()):
            yield container, path.child(kind).index(i)


def _check_tolerations(text: str, path: Path) -> Errors:
    """Tolerations as they were written before there was a field for them."""
    from steersman.kinds.types.core_v1 import Toleration

    try:
        tolerations = msgspec.json.decode(text, type=list[Toleration] | None)
    except msgspec.MsgspecError as e:
        return [field.invalid(path, TOLERATIONS, str(e))]
    return scheduling_validation.check_tolerations(tolerations or [], path.child(TOLERATIONS))


def _check_seccomp(value: str, path: Path) -> Errors:
    if value in (*_DEFAULTS, "unconfined"):
        return []
    if value.startswith(_LOCALHOST):
        return local_descending_path(value.removeprefix(_LOCALHOST), path)
    return [field.invalid(path, value, "must be a valid seccomp profile")]


def _check_app_armor(name: str, value: str, spec: PodSpec, path: Path) -> Errors:
    errors: Errors = []
    if not any(container.name == name for container, _ in _containers(spec, path)):
        errors.append(field.invalid(path, name, "container not found"))
    if value not in ("", "runtime/default", "unconfined") and not value.startswith(_LOCALHOST):
        errors.append(field.invalid(path, value, f"invalid AppArmor profile name: {field.quote(value)}"))
    return errors


def _match_seccomp(value: str, profile: SeccompProfile | None, path: Path) -> Errors:
    return _match(value, profile, path, "seccomp", _DEFAULTS)


def _match_app_armor(value: str, profile: AppArmorProfile | None, path: Path) -> Errors:
    return _match(value, profile, path, "apparmor", ("runtime/default",))


def _match(
    value: str,
    profile: SeccompProfile | AppArmorProfile | None,
    path: Path,
    what: str,
    defaults: tuple[str, ...],
) -> Errors:
    if profile is None:
        return []
    fine = {
        "Unconfined": value == "unconfined",
        "RuntimeDefault": value in defaults,
        "Localhost": value.startswith(_LOCALHOST),
    }
    if not fine.get(profile.type, True):
        return [field.forbidden(path.child("type"), f"{what} type in annotation and field must match")]
    if profile.type == "Localhost" and value.removeprefix(_LOCALHOST) != profile.localhostProfile:
        detail = f"{what} profile in annotation and field must match"
        return [field.forbidden(path.child("localhostProfile"), detail)]
    return []
