"""Validation of files that volumes make of keys, of a pod's own fields, and of their modes and relative paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.core.downward_validation import check_field_ref, check_resource_ref
from steersman.kinds.core.provided_volumes import local_descending_path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import DownwardAPIVolumeFile, KeyToPath

_MODE = "must be a number between 0 and 0777 (octal), both inclusive"
_FIELDS = frozenset({"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"})


def check_items(source: Any, path: Path) -> Errors:
    """The keys that a source shows, each as a file."""
    at = path.child("items")
    return [e for i, item in enumerate(source.items or ()) for e in _check_item(item, at.index(i))]


def _check_item(item: KeyToPath, path: Path) -> Errors:
    errors: Errors = []
    if not item.key:
        errors.append(field.required(path.child("key")))
    if not item.path:
        errors.append(field.required(path.child("path")))
    errors += local_path(item.path, path.child("path"))
    return errors + check_mode(item.mode, path.child("mode"))


def check_downward_files(source: Any, path: Path) -> Errors:
    """Files with fields of the pod. The paths name the source only, without an index, as Kubernetes' do."""
    return [e for file in source.items or () for e in _check_file(file, path)]


def _check_file(file: DownwardAPIVolumeFile, path: Path) -> Errors:
    errors: Errors = []
    if not file.path:
        errors.append(field.required(path.child("path")))
    errors += local_path(file.path, path.child("path"))
    if file.fieldRef is not None:
        errors += check_field_ref(file.fieldRef, _FIELDS, path.child("fieldRef"))
        if file.resourceFieldRef is not None:
            errors.append(
                field.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
            )
    elif file.resourceFieldRef is not None:
        errors += check_resource_ref(file.resourceFieldRef, path.child("resourceFieldRef"), volume=True)
    else:
        errors.append(field.required(path, "one of fieldRef and resourceFieldRef is required"))
    return errors + check_mode(file.mode, path.child("mode"))


def check_mode(mode: int | None, path: Path) -> Errors:
    """The permissions of a file."""
    return [field.invalid(path, mode, _MODE)] if mode is not None and not 0 <= mode <= 0o777 else []


def local_path(text: str, path: Path) -> Errors:
    """A relative path whose names do not collide with those that the node keeps for itself."""
    errors = local_descending_path(text, path)
    # A whole step of `..` has been reported already.
    if text.startswith("..") and not text.startswith("../") and text != "..":
        errors.append(field.invalid(path, text, "must not start with '..'"))
    return errors
