"""One version of a custom resource: its schema, compiled, and how plain values become objects of it and are judged."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from steersman.api import codec, field, names
from steersman.api.codec import DecodeError
from steersman.api.field import Errors, ErrorType, FieldError, Path
from steersman.api.meta import Resource
from steersman.api.untyped import Untyped
from steersman.apiserver.crd.scaling import ScaleRules
from steersman.kinds import metadata
from steersman.kinds.apiextensions.structural import defaulting, embedded, listtypes
from steersman.kinds.apiextensions.structural.embedded import CoerceError
from steersman.kinds.apiextensions.structural.nodes import Node, copied, has_rules, is_deep
from steersman.kinds.apiextensions.structural.pruning import prune
from steersman.kinds.apiextensions.structural.validation import NOTHING, Validator
from steersman.kinds.types.apiextensions_v1 import (
    CustomResourceDefinition,
    CustomResourceDefinitionVersion,
    JSONSchemaProps,
)

if TYPE_CHECKING:
    from steersman.kinds.apiextensions.structural.cel_rules import Rules

# After one of these, rules are not looked at: they rely on values of the right types and sizes.
_BLOCKING = frozenset(
    {ErrorType.NOT_SUPPORTED, ErrorType.REQUIRED, ErrorType.TOO_LONG, ErrorType.TOO_MANY, ErrorType.TYPE_INVALID}
)
_MAX_DEPTH = 200
_ANYTHING = JSONSchemaProps(type="object", x_kubernetes_preserve_unknown_fields=True)
_UNCHECKED = (
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete "
    "validation"
)


class Version:
    """What a definition says of one of its versions.

    A definition may be large, and have versions and resources that nobody uses: until objects are made by it, its schema is
    kept as packed bytes.
    """

    def __init__(self, crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion) -> None:
        accepted = crd.status.acceptedNames or crd.spec.names
        self.name = version.name
        self.resource = Resource(
            crd.spec.group, version.name, accepted.plural, accepted.kind, crd.spec.scope == "Namespaced"
        )
        schema = None if version.schema is None else version.schema.openAPIV3Schema
        # Of definitions that keep every field, as those of older versions do, the schema validates and nothing else.
        self._keeps_all = schema is None or bool(crd.spec.preserveUnknownFields)
        self._packed = zlib.compress(codec.encode(schema or _ANYTHING), 1)
        self.has_status = version.subresources is not None and version.subresources.status is not None
        self.scale = ScaleRules.of(version)

    @property
    def schema(self) -> JSONSchemaProps:
        """What objects are made by. Decoded for this question alone as long as there were none."""
        return _ANYTHING if self._keeps_all else self.__dict__.get("_validated") or self._unpacked()

    def _unpacked(self) -> JSONSchemaProps:
        return codec.decode(JSONSchemaProps, zlib.decompress(self._packed))

    @cached_property
    def _validated(self) -> JSONSchemaProps:
        return self._unpacked()

    @property
    def _structural(self) -> JSONSchemaProps:
        return _ANYTHING if self._keeps_all else self._validated

    @property
    def _properties(self) -> Mapping[str, JSONSchemaProps]:
        return self._validated.properties or {}

    @cached_property
    def node(self) -> Node:
        node = Node(self._structural)
        defaulting.settle(node)
        return node

    @cached_property
    def validator(self) -> Validator:
        return Validator(self._validated)

    @cached_property
    def _status(self) -> Validator | None:
        return Validator(self._properties["status"]) if "status" in self._properties else None

    @cached_property
    def rules(self) -> Rules | None:
        if not has_rules(self._structural):
            return None
        from steersman.kinds.apiextensions.structural.cel_rules import Rules

        return Rules.of(self._structural, root=True)

    # Values to objects

    def build(self, plain: Any, *, lenient: bool = False) -> tuple[Untyped, list[str]]:
        """An object from plain values, which become its own, and what strict decoding objects to.

        `lenient` takes what is stored as it is, but for malformed metadata. Raises DecodeError.
        """
        if not isinstance(plain, dict):
            raise DecodeError(
                f"json: cannot unmarshal {_json_type(plain)} into Go value of type map[string]interface {{}}"
            )
        if is_deep(plain, _MAX_DEPTH):
            raise DecodeError("exceeded max depth")
        kind, api_version = plain.pop("kind", None) or "", plain.pop("apiVersion", None) or ""
        for name, value in (("kind", kind), ("apiVersion", api_version)):
            if not isinstance(value, str):
                raise DecodeError(f".{name} accessor error: {value} is of the type {_go_type(value)}, expected string")
        if not kind:
            raise DecodeError(f"Object 'Kind' is missing in '{msgspec.json.encode(plain).decode()}'")
        try:
            meta, unknown = embedded.decode_metadata(plain.pop("metadata", None), lenient=lenient, path="metadata")
            unknown += prune(plain, self.node)
            defaulting.drop_nulls(plain, self.node)
            unknown += embedded.coerce(plain, self.node, lenient=lenient)
        except CoerceError as error:
            raise DecodeError(error.error.detail if error.error.field == "metadata" else str(error)) from error
        return Untyped(kind, api_version, meta, plain), [f'unknown field "{path}"' for path in unknown]

    def default(self, obj: Untyped) -> None:
        defaulting.apply(obj.content, self.node)

    def stored(self, plain: Any) -> Untyped:
        """An object of this version as it was stored, brought into the schema's present form."""
        obj, _ = self.build(plain, lenient=True)
        self.default(obj)
        if not obj.metadata.generation:
            obj.metadata.generation = 1
        return obj

    def converted(self, obj: Untyped) -> Untyped:
        """An object that was converted into this version, in place: without what the version does not know."""
        prune(obj.content, self.node)
        defaulting.drop_nulls(obj.content, self.node)
        return obj

    # Judgement

    def full(self, obj: Untyped) -> dict[str, Any]:
        """All of the object as plain values, its metadata only where the schema or a rule looks at them."""
        sees = "metadata" in self._properties or self.rules is not None
        meta = codec.to_builtins(obj.metadata) if sees else {}
        return {"kind": obj.kind, "apiVersion": obj.apiVersion, "metadata": meta, **obj.content}

    def validate(self, obj: Untyped) -> Errors:
        """What is wrong with a new object."""
        if errors := self._type(obj):
            return errors
        path = Path("metadata")
        whole = self.full(obj)
        errors = metadata.validate(
            obj.metadata, namespaced=self.resource.namespaced, name=names.dns1123_subdomain, path=path
        )
        errors += self.validator.validate(whole)
        errors += self.scale.validate(obj.content) if self.scale is not None else ()
        errors += embedded.validate(obj.content, self.node)
        errors += listtypes.validate(obj.content, self.node)
        return self._with_rules(errors, whole, None)

    def validate_update(self, obj: Untyped, old: Untyped) -> Errors:
        """What is wrong with a change; faults of what has not changed are put up with."""
        if errors := self._type(obj):
            return errors
        whole, before = self.full(obj), self.full(old)
        errors = metadata.validate_update(obj.metadata, old.metadata, Path("metadata"))
        errors += self.validator.validate(whole, before)
        errors += self.scale.validate(obj.content) if self.scale is not None else ()
        errors += embedded.validate(obj.content, self.node)
        errors += self._lists(obj, old)
        return self._with_rules(errors, whole, before)

    def validate_status(self, obj: Untyped, old: Untyped) -> Errors:
        """What is wrong with a change of the status alone."""
        if errors := self._type(obj):
            return errors
        errors = metadata.validate_update(obj.metadata, old.metadata, Path("metadata"))
        if self._status is not None and "status" in obj.content:
            before = old.content.get("status", NOTHING)
            errors += self._status.validate(obj.content["status"], before, prefix=Path("status"))
        errors += self.scale.validate_status(obj.content) if self.scale is not None else ()
        errors += self._lists(obj, old)
        return self._with_rules(errors, self.full(obj), self.full(old))

    def _lists(self, obj: Untyped, old: Untyped) -> Errors:
        found = listtypes.validate(obj.content, self.node)
        return [] if found and listtypes.validate(old.content, self.node) else found

    def _type(self, obj: Untyped) -> Errors:
        resource = self.resource
        return [
            field.invalid(Path(name), value, f"must be {wanted}")
            for name, value, wanted in (
                ("kind", obj.kind, resource.kind),
                ("apiVersion", obj.apiVersion, resource.api_version),
            )
            if value != wanted
        ]

    def _with_rules(self, errors: Errors, whole: dict[str, Any], old: dict[str, Any] | None) -> Errors:
        if self.rules is None:
            return errors
        if any(e.type in _BLOCKING for e in errors):
            return [*errors, FieldError(ErrorType.INVALID, "<nil>", None, _UNCHECKED)]
        return errors + self.rules.validate(whole, NOTHING if old is None else old)


def _json_type(value: Any) -> str:
    if isinstance(value, list):
        return "array"
    if isinstance(value, bool):
        return "bool"
    return "string" if isinstance(value, str) else "number"


def _go_type(value: Any) -> str:
    if isinstance(value, dict):
        return "map[string]interface {}"
    if isinstance(value, list):
        return "[]interface {}"
    return "bool" if isinstance(value, bool) else "int64" if isinstance(value, int) else "float64"


def changed(new: Untyped, old: Untyped) -> bool:
    """Whether anything but metadata is different."""
    return new.content != old.content


def keep_status(new: Untyped, old: Untyped) -> None:
    """Give an object the status of another."""
    if "status" in old.content:
        new.content["status"] = copied(old.content["status"])
    else:
        new.content.pop("status", None)
