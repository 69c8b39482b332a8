"""The scale subresource of custom resources: where its values are, and what they may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.kind import ScalePaths
from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinitionVersion

_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ScaleRules:
    """The paths as the definition spells them, with a leading dot."""

    spec: str
    status: str
    selector: str

    @classmethod
    def of(cls, version: CustomResourceDefinitionVersion) -> ScaleRules | None:
        scale = None if version.subresources is None else version.subresources.scale
        if scale is None:
            return None
        return cls(scale.specReplicasPath, scale.statusReplicasPath, scale.labelSelectorPath or "")

    @property
    def paths(self) -> ScalePaths:
        spec, status, selector = (p.removeprefix(".") for p in (self.spec, self.status, self.selector))
        return ScalePaths(spec, status, selector, required=True)

    def validate(self, content: dict[str, Any]) -> Errors:
        return [*_replicas(content, self.spec), *self.validate_status(content)]

    def validate_status(self, content: dict[str, Any]) -> Errors:
        errors = _replicas(content, self.status)
        if self.selector:
            found = _find(content, self.selector)
            if found is not None and not isinstance(found, str):
                errors.append(field.invalid(Path(self.selector), "", _mistyped(self.selector, found, "string")))
        return errors


def _find(content: dict[str, Any], path: str) -> Any:
    found: Any = content
    for name in path.removeprefix(".").split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def _replicas(content: dict[str, Any], path: str) -> Errors:
    found = _find(content, path)
    if found is None:
        return []
    if not isinstance(found, int) or isinstance(found, bool):
        return [field.invalid(Path(path), 0, _mistyped(path, found, "int64"))]
    if found < 0:
        return [field.invalid(Path(path), found, "should be a non-negative integer")]
    if found > _MAX:
        return [field.invalid(Path(path), found, f"should be less than or equal to {_MAX}")]
    return []


def _mistyped(path: str, value: Any, wanted: str) -> str:
    kinds = {dict: "map[string]interface {}", list: "[]interface {}", str: "string", bool: "bool", float: "float64"}
    return f"{path} accessor error: {value} is of the type {kinds.get(type(value), 'int64')}, expected {wanted}"
