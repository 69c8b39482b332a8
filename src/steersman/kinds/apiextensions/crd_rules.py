"""The rules (`x-kubernetes-validations`) of a definition's schemas: whether they compile, and what they may cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.field import Errors, Path
from steersman.kinds.apiextensions.structural.defaults_rules import Evaluate

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps


def evaluator(schema: JSONSchemaProps) -> Evaluate | None:
    return None


def validate(schema: JSONSchemaProps, path: Path, *, known: frozenset[str], suppress_cost: bool) -> Errors:
    return []
