"""Validation of containers' environment variables and where their values come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core.downward_validation import check_field_ref, check_resource_ref
from steersman.kinds.core.provided_volumes import no_back_steps

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import (
        Container,
        EnvFromSource,
        EnvVar,
        EphemeralContainer,
        FileKeySelector,
        PodSpec,
        Volume,
    )

_FIELDS = frozenset({
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
})  # fmt: skip
# In these references a name may end in a dash, as one that a suffix is put to.
_referred = names.generated(names.dns1123_subdomain)
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")


def check(container: Container | EphemeralContainer, path: Path) -> Errors:
    """What is wrong with a container's `env` and `envFrom`."""
    errors: Errors = []
    for i, variable in enumerate(container.env or ()):
        errors += _check_variable(variable, path.child("env").index(i))
    for i, source in enumerate(container.envFrom or ()):
        errors += _check_from(source, path.child("envFrom").index(i), path.child("envFrom"))
    return errors


def _check_variable(variable: EnvVar, path: Path) -> Errors:
    if not variable.name:
        errors: Errors = [field.required(path.child("name"))]
    else:
        errors = field.all_invalid(path.child("name"), variable.name, names.env_name(variable.name))
    source = variable.valueFrom
    if source is None:
        return errors
    at = path.child("valueFrom")
    given = [name for name in _SOURCES if getattr(source, name) is not None]
    if source.fieldRef is not None:
        errors += check_field_ref(source.fieldRef, _FIELDS, at.child("fieldRef"))
    if source.resourceFieldRef is not None:
        errors += check_resource_ref(source.resourceFieldRef, at.child("resourceFieldRef"), volume=False)
    for name in ("configMapKeyRef", "secretKeyRef"):
        if getattr(source, name) is not None:
            errors += _check_key_ref(getattr(source, name), at.child(name))
    if source.fileKeyRef is not None:
        errors += _check_file_ref(source.fileKeyRef, at.child("fileKeyRef"))
    if not given:
        detail = (
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        )
        errors.append(field.invalid(at, "", detail))
    elif variable.value:
        errors.append(field.invalid(at, "", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        errors.append(field.invalid(at, "", "may not have more than one field specified at a time"))
    return errors


def _check_key_ref(ref: Any, path: Path) -> Errors:
    errors = field.all_invalid(path.child("name"), ref.name, names.dns1123_subdomain(ref.name))
    if not ref.key:
        return [*errors, field.required(path.child("key"))]
    return errors + field.all_invalid(path.child("key"), ref.key, names.config_map_key(ref.key))


def _check_file_ref(ref: FileKeySelector, path: Path) -> Errors:
    errors: Errors = []
    for name, rule in (("key", names.env_name), ("volumeName", names.dns1123_label)):
        value, at = getattr(ref, name), path.child(name)
        errors += field.all_invalid(at, value, rule(value)) if value else [field.required(at)]
    at = path.child("path")
    return errors + (no_back_steps(ref.path, at) if ref.path else [field.required(at)])


def check_files(spec: PodSpec, path: Path) -> Errors:
    """Files with variables are in volumes that the containers share, which are empty at first."""
    volumes = {volume.name: volume for volume in spec.volumes or ()}
    errors: Errors = []
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for i, container in enumerate(getattr(spec, kind) or ()):
            at = path.child(kind).index(i).child("env")
            for j, variable in enumerate(container.env or ()):
                ref = variable.valueFrom.fileKeyRef if variable.valueFrom is not None else None
                if ref is not None:
                    where = at.index(j).child("valueFrom", "fileKeyRef", "volumeName")
                    errors += _check_file_volume(ref.volumeName, volumes.get(ref.volumeName), where)
    return errors


def _check_file_volume(name: str, volume: Volume | None, path: Path) -> Errors:
    if volume is None:
        return [field.not_found(path, name)]
    fine = volume.emptyDir is not None
    return [] if fine else [field.invalid(path, name, "referenced volume must be of type emptyDir")]


def _check_from(source: EnvFromSource, path: Path, list_path: Path) -> Errors:
    errors: Errors = []
    if source.prefix:
        errors += field.all_invalid(path.child("prefix"), source.prefix, names.env_name(source.prefix))
    given = [name for name in ("configMapRef", "secretRef") if getattr(source, name) is not None]
    for name in given:
        ref, at = getattr(source, name), path.child(name, "name")
        if not ref.name:
            errors.append(field.required(at))
        else:
            errors += field.all_invalid(at, ref.name, _referred(ref.name))
    if not given:
        errors.append(field.invalid(list_path, "", "must specify one of: `configMapRef` or `secretRef`"))
    elif len(given) > 1:
        errors.append(field.invalid(list_path, "", "may not have more than one field specified at a time"))
    return errors
