"""Validation of what a version of a definition says besides its schema: columns, subresources, selectable fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.apiextensions.structural.fieldpaths import FieldPathError, find
from steersman.kinds.apiextensions.structural.nodes import Unsupported, check_supported

if TYPE_CHECKING:
    from steersman.kinds.apiextensions.crd_schema import Options
    from steersman.kinds.types.apiextensions_v1 import (
        CustomResourceColumnDefinition,
        CustomResourceDefinitionVersion,
        CustomResourceSubresources,
    )

MAX_SELECTABLE = 8
_TYPES = ("boolean", "date", "integer", "number", "string")
_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")


def validate(columns: list[CustomResourceColumnDefinition] | None, path: Path) -> Errors:
    errors: Errors = []
    for index, column in enumerate(columns or ()):
        errors += _column(column, path.index(index))
    return errors


def _column(column: CustomResourceColumnDefinition, path: Path) -> Errors:
    errors: Errors = []
    if not column.name:
        errors.append(field.required(path.child("name")))
    types, formats = f"must be one of {','.join(_TYPES)}", f"must be one of {','.join(_FORMATS)}"
    if not column.type:
        errors.append(field.required(path.child("type"), types))
    elif column.type not in _TYPES:
        errors.append(field.invalid(path.child("type"), column.type, types))
    if column.format and column.format not in _FORMATS:
        errors.append(field.invalid(path.child("format"), column.format, formats))
    if not column.jsonPath:
        errors.append(field.required(path.child("JSONPath")))
        return errors
    return errors + _simple(column.jsonPath, path.child("JSONPath"))


def _simple(text: str, path: Path) -> Errors:
    if not text:
        return [field.invalid(path, text, "must not be empty")]
    return [] if text[0] == "." else [field.invalid(path, text, "must be a simple json path starting with .")]


def validate_subresources(subresources: CustomResourceSubresources | None, path: Path) -> Errors:
    scale = None if subresources is None else subresources.scale
    if scale is None:
        return []
    errors = _scale_path(scale.specReplicasPath, (".spec.",), path.child("scale.specReplicasPath"))
    errors += _scale_path(scale.statusReplicasPath, (".status.",), path.child("scale.statusReplicasPath"))
    if scale.labelSelectorPath:
        where = path.child("scale.labelSelectorPath")
        errors += _scale_path(scale.labelSelectorPath, (".spec.", ".status."), where)
    return errors


def _scale_path(text: str, starts: tuple[str, ...], path: Path) -> Errors:
    if not text:
        return [field.required(path)]
    errors = _simple(text, path)
    if not errors and not text.startswith(starts):
        names = [s.removesuffix(".") for s in starts]
        where = names[0] if len(names) == 1 else f"either {' or '.join(names)}"
        errors.append(field.invalid(path, text, f"should be a json path under {where}"))
    return errors


def validate_selectable(version: CustomResourceDefinitionVersion, path: Path, options: Options) -> Errors:
    fields = version.selectableFields or []
    if not fields:
        return []
    schema = None if version.schema is None else version.schema.openAPIV3Schema
    if schema is None:
        return [field.invalid(path, "", "may only be set when `version.schema.openAPIV3Schema` is not included")]
    try:
        check_supported(schema)
    except Unsupported:
        # The schema's own validation says so.
        return []
    errors: Errors = []
    seen: set[str] = set()
    for index, one in enumerate(fields):
        where = path.index(index).child("jsonPath")
        if not one.jsonPath:
            errors.append(field.required(where))
            continue
        try:
            found, target = find(one.jsonPath, schema, brackets=False)
        except FieldPathError as error:
            errors.append(field.invalid(where, one.jsonPath, f"is an invalid path: {error}"))
            continue
        if str(found).partition(".")[0] == "metadata":
            errors.append(field.invalid(where, one.jsonPath, "must not point to fields in metadata"))
        if target.type not in ("string", "boolean", "integer"):
            detail = (
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats "
                "are allowed."
            )
            errors.append(field.invalid(where, one.jsonPath, detail))
        if str(found) in seen:
            errors.append(field.duplicate(where, one.jsonPath))
        seen.add(str(found))
    if len(seen) > MAX_SELECTABLE and version.name not in options.many_selectable:
        errors.append(field.too_many(path, len(seen), MAX_SELECTABLE))
    return errors
