"""The rules of a schema (`x-kubernetes-validations`), compiled, and how objects are judged by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from steersman.api.field import Errors

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps


class Rules:
    @classmethod
    def of(cls, schema: JSONSchemaProps) -> Rules | None:
        return None

    def validate(self, value: Mapping[str, Any], old: Mapping[str, Any] | None) -> Errors:
        return []
