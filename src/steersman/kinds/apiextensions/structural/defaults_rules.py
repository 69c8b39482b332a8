"""Whether the defaults of a schema are values that the schema itself allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.apiextensions.structural import defaulting, embedded
from steersman.kinds.apiextensions.structural.embedded import CoerceError
from steersman.kinds.apiextensions.structural.nodes import META_FIELDS, Node, copied
from steersman.kinds.apiextensions.structural.validation import Validator

Evaluate = Callable[[Node, Any, Path], Errors]
"""The rules (`x-kubernetes-validations`) of a node and below, for a default value that stands at a path."""


def validate(node: Node, path: Path, *, pruned: bool = True, rules: Evaluate | None = None) -> Errors:
    """What is wrong with the defaults at and below a node. With `pruned`, they may have no unknown fields."""
    return _Walk(pruned, rules).visit(node, path, inside=False, root=True)


class _Walk:
    def __init__(self, pruned: bool, rules: Evaluate | None) -> None:
        self.pruned = pruned
        self.rules = rules

    def visit(self, node: Node, path: Path, *, inside: bool, root: bool = False) -> Errors:
        """`inside` tells whether the node belongs to the metadata of an object."""
        errors: Errors = []
        resource = root or node.embedded
        inside = inside and not resource
        if node.default is not None:
            errors += self._default(node, path.child("default"), inside)
        if node.items is not None:
            errors += self.visit(node.items, path.child("items"), inside=inside)
        for name, child in node.properties.items():
            below = path.child("properties").key(name)
            errors += self.visit(child, below, inside=inside or (resource and name in META_FIELDS))
        return errors

    def _default(self, node: Node, path: Path, inside: bool) -> Errors:
        errors: Errors = []
        value = node.default
        if not inside:
            if self.pruned and not defaulting.is_pruned(node):
                errors.append(field.invalid(path, value, "must not have unknown fields"))
            found = self._embedded(node, path)
            if found:
                return errors + found
        found = Validator(node.schema).validate(value, prefix=path)
        if not found and self.rules is not None:
            found = self.rules(node, value, path)
        return errors + found

    @staticmethod
    def _embedded(node: Node, path: Path) -> Errors:
        try:
            fresh = copied(node.default)
            embedded.coerce(fresh, node, path=str(path))
        except CoerceError as error:
            return [error.error]
        return embedded.validate(fresh, node, path)
