"""Validation of ObjectMeta, which is the same for every kind but for the rule that names follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.finalizers import FOREGROUND, ORPHAN, STANDARD

if TYPE_CHECKING:
    from steersman.kinds.types.meta_v1 import ObjectMeta, OwnerReference

ANNOTATIONS_LIMIT = 256 * 1024
_UNCHANGEABLE = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")


def validate(meta: ObjectMeta, *, namespaced: bool, name: names.Check, path: Path) -> Errors:
    """What is wrong with the metadata of a new object, whose name has been generated already."""
    errors: Errors = []
    if meta.generateName:
        errors += [
            field.invalid(path.child("generateName"), meta.generateName, m)
            for m in names.generated(name)(meta.generateName)
        ]
    if not meta.name:
        errors.append(field.required(path.child("name"), "name or generateName is required"))
    errors += [field.invalid(path.child("name"), meta.name, m) for m in name(meta.name)] if meta.name else []
    errors += _namespace(meta.namespace, namespaced, path.child("namespace"))
    return errors + _common(meta, path)


def validate_update(meta: ObjectMeta, old: ObjectMeta, path: Path) -> Errors:
    """What is wrong with a change of metadata."""
    errors: Errors = []
    for attribute in _UNCHANGEABLE:
        new, before = getattr(meta, attribute), getattr(old, attribute)
        if new != before:
            errors += field.immutable(path.child(attribute), new, before)
    if (meta.generation or 0) < (old.generation or 0):
        errors.append(field.invalid(path.child("generation"), meta.generation or 0, "must not be decremented"))
    added = sorted(set(meta.finalizers or ()) - set(old.finalizers or ())) if old.deletionTimestamp else []
    if added:
        found = ", ".join(f'"{name}"' for name in added)
        errors.append(
            field.forbidden(
                path.child("finalizers"),
                "no new finalizers can be added if the object is being deleted, found new finalizers "
                f"[]string{{{found}}}",
            )
        )
    return errors + _common(meta, path)


def check_finalizers(meta: ObjectMeta, path: Path) -> Errors:
    """Finalizers of built-in kinds are Kubernetes' own or say whose they are."""
    at = path.child("finalizers")
    return [e for i, name in enumerate(meta.finalizers or ()) for e in check_finalizer(name, at.index(i))]


def check_finalizer(name: str, path: Path) -> Errors:
    if "/" in name or name in STANDARD:
        return []
    return [field.invalid(path, name, "name is neither a standard finalizer name nor is it fully qualified")]


def validate_template(meta: ObjectMeta, path: Path) -> Errors:
    """What is wrong with the metadata of a template, which has labels and annotations and nothing else."""
    errors = validate_annotations(meta.annotations, path.child("annotations"))
    errors += validate_labels(meta.labels, path.child("labels"))
    others = (n for n in type(meta).__struct_fields__ if n not in ("annotations", "labels"))
    return errors + [field.forbidden(path.child(n), "cannot be set") for n in others if getattr(meta, n)]


def validate_labels(labels: dict[str, str] | None, path: Path) -> Errors:
    errors: Errors = []
    for key, value in (labels or {}).items():
        errors += [field.invalid(path, key, m) for m in names.qualified_name(key)]
        errors += [field.invalid(path, value, m) for m in names.label_value(value)]
    return errors


def validate_annotations(annotations: dict[str, str] | None, path: Path) -> Errors:
    errors: Errors = []
    size = 0
    for key, value in (annotations or {}).items():
        errors += [field.invalid(path, key, m) for m in names.qualified_name(key.lower())]
        size += len(key.encode()) + len(value.encode())
    if size > ANNOTATIONS_LIMIT:
        errors.append(field.too_long(path, ANNOTATIONS_LIMIT))
    return errors


def _common(meta: ObjectMeta, path: Path) -> Errors:
    # Most objects have few of these, and there are many objects.
    errors: Errors = []
    if meta.generation:
        errors += field.not_negative(path.child("generation"), meta.generation)
    if meta.labels:
        errors += validate_labels(meta.labels, path.child("labels"))
    if meta.annotations:
        errors += validate_annotations(meta.annotations, path.child("annotations"))
    if meta.ownerReferences:
        errors += _owners(meta.ownerReferences, path.child("ownerReferences"))
    if meta.finalizers:
        errors += _finalizers(meta.finalizers, path.child("finalizers"))
    return errors


def _namespace(namespace: str, namespaced: bool, path: Path) -> Errors:
    if not namespaced:
        return [field.forbidden(path, "not allowed on this type")] if namespace else []
    if not namespace:
        return [field.required(path)]
    return [field.invalid(path, namespace, m) for m in names.dns1123_label(namespace)]


def _owners(references: list[OwnerReference], path: Path) -> Errors:
    errors: Errors = []
    controller = ""
    for index, reference in enumerate(references):
        errors += _owner(reference, path.index(index))
        if not reference.controller:
            continue
        name = f"{reference.kind}/{reference.name}"
        if controller:
            errors.append(
                field.invalid(
                    path,
                    references,
                    'Only one reference can have Controller set to true. Found "true" in references for '
                    f"{controller} and {name}",
                )
            )
        else:
            controller = name
    return errors


def _owner(reference: OwnerReference, path: Path) -> Errors:
    errors: Errors = []
    version = reference.apiVersion
    if not version:
        errors.append(field.required(path.child("apiVersion"), "must not be empty"))
    elif version.count("/") > 1 or version.endswith("/"):
        errors.append(field.invalid(path.child("apiVersion"), version, "must be <group>/<version> or <version>"))
    errors += [
        field.required(path.child(name), "must not be empty")
        for name in ("kind", "name", "uid")
        if not getattr(reference, name)
    ]
    if version == "v1" and reference.kind == "Event":
        errors.append(field.invalid(path, reference, "/v1, Kind=Event is disallowed from being an owner"))
    return errors


def _finalizers(finalizers: list[str], path: Path) -> Errors:
    errors = [field.invalid(path, name, m) for name in finalizers for m in names.qualified_name(name)]
    if ORPHAN in finalizers and FOREGROUND in finalizers:
        errors.append(field.invalid(path, finalizers, f"finalizer {ORPHAN} and {FOREGROUND} cannot be both set"))
    return errors
