"""The rules (`x-kubernetes-validations`) of a definition's schemas: whether they compile, and what they may cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from steersman.api import codec
from steersman.api import field as fields
from steersman.api.field import Errors, Path
from steersman.cel.costs import LIMIT
from steersman.cel.env import RULE_ESTIMATE_LIMIT, SCHEMA_ESTIMATE_LIMIT, Env, Program
from steersman.cel.schema import max_cardinality, schema_type
from steersman.kinds.apiextensions.structural.cel_rules import (
    CompiledRule,
    RuleError,
    Rules,
    environments,
)
from steersman.kinds.apiextensions.structural.nodes import Node, copied

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps, ValidationRule

_MOST_EXPENSIVE = 4
_ADVICE = (
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are "
    "declared)"
)


def evaluate(node: Node, value: Any, path: Path) -> Errors:
    """What the rules of a schema object to in its default value."""
    rules = Rules.of(node.schema)
    if rules is None:
        return []
    # As a value that stays what it is, and as one that comes new.
    return rules.validate(copied(value), copied(value), path) or rules.validate(copied(value), path=path)


def validate(schema: JSONSchemaProps, path: Path, *, suppress_cost: bool) -> Errors:
    """What is wrong with the rules of a schema, whose structure is sound.

    With `suppress_cost` the single rules may cost what they like: the schema has been accepted before.
    """
    walk = _Walk(suppress_cost)
    walk.visit(schema, path, 1, None, root=True)
    return walk.errors + walk.total_errors(path)


@dataclass(slots=True)
class _Walk:
    suppress_cost: bool
    errors: Errors = field(default_factory=list)
    total: int = 0
    expensive: list[tuple[int, Path]] = field(default_factory=list)

    def visit(
        self, schema: JSONSchemaProps, path: Path, times: int | None, uncorrelated: Path | None, *, root: bool = False
    ) -> None:
        """`times` is how often the place can be there (None: nobody knows); `uncorrelated` the place above from which on
        nothing can be compared with what it was."""
        if schema.x_kubernetes_validations:
            self._rules(schema, path, times, uncorrelated, root or bool(schema.x_kubernetes_embedded_resource))
        below = _multiplied(times, _elements(schema))
        for name, child in (schema.properties or {}).items():
            self.visit(child, path.child("properties").key(name), below, uncorrelated)
        more, items = schema.additionalProperties, schema.items
        if more is not None and not isinstance(more, bool):
            self.visit(more, path.child("additionalProperties"), below, uncorrelated)
        if items is not None and not isinstance(items, list):
            lost = uncorrelated or (None if schema.x_kubernetes_list_type == "map" else path)
            self.visit(items, path.child("items"), below, lost)

    def _rules(
        self, schema: JSONSchemaProps, path: Path, times: int | None, uncorrelated: Path | None, root: bool
    ) -> None:
        where = path.child("x-kubernetes-validations")
        plain: dict[str, Any] = codec.to_builtins(schema)
        known = schema_type(plain, root=root)
        if known is None:
            why = "internal error: failed to construct type information for x-kubernetes-validations rules: "
            why += "unable to convert structural schema to CEL declarations"
            self.errors.append(fields.internal(where, why))
            return
        if times is None:
            times = max_cardinality(plain)
        ordinary, optional = environments(known)
        for index, rule in enumerate(schema.x_kubernetes_validations or ()):
            env = optional if rule.optionalOldSelf else ordinary
            self._rule(rule, schema, env, where.index(index), times, uncorrelated)

    def _rule(
        self,
        rule: ValidationRule,
        schema: JSONSchemaProps,
        env: Env,
        path: Path,
        times: int,
        uncorrelated: Path | None,
    ) -> None:
        try:
            compiled = CompiledRule(rule, env, schema)
        except RuleError as error:
            self.errors.append(fields.invalid(path.child("rule"), codec.to_builtins(rule), str(error)))
            return
        self._cost(compiled.program, path.child("rule"), times, "estimated rule cost")
        try:
            message = compiled.compile_message(env)
        except RuleError as error:
            where = path.child("messageExpression")
            self.errors.append(fields.invalid(where, codec.to_builtins(rule), str(error)))
        else:
            if message is not None:
                self._cost(message, path.child("messageExpression"), 1, "estimated messageExpression cost")
        if compiled.uses_old:
            if uncorrelated is not None:
                detail = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelated}"
                self.errors.append(fields.invalid(path.child("rule"), rule.rule, detail))
        elif rule.optionalOldSelf is not None:
            where, detail = path.child("optionalOldSelf"), "may not be set if oldSelf is not used in rule"
            self.errors.append(fields.invalid(where, rule.optionalOldSelf, detail))

    def _cost(self, program: Program, path: Path, times: int, what: str) -> None:
        cost = min(program.cost_estimate().high * times, LIMIT)
        if cost > RULE_ESTIMATE_LIMIT and not self.suppress_cost:
            self.errors.append(fields.forbidden(path, _too_much(what, cost, RULE_ESTIMATE_LIMIT)))
        self.total = min(self.total + cost, LIMIT)
        if cost >= SCHEMA_ESTIMATE_LIMIT // 100:
            self.expensive.append((cost, path))

    def total_errors(self, path: Path) -> Errors:
        """What is wrong with all rules together."""
        if self.total <= SCHEMA_ESTIMATE_LIMIT:
            return []
        worst = sorted(self.expensive, key=lambda found: -found[0])[:_MOST_EXPENSIVE]
        detail = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
        errors = [fields.forbidden(where, detail) for _, where in worst]
        what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        return [*errors, fields.forbidden(path, _too_much(what, self.total, SCHEMA_ESTIMATE_LIMIT))]


def _elements(schema: JSONSchemaProps) -> int | None:
    """How often what is right below a place can be there for each time that the place is."""
    if schema.type == "object" and schema.additionalProperties is not None:
        return None if schema.maxProperties is None else max(schema.maxProperties, 0)
    if schema.type == "array":
        return None if schema.maxItems is None else max(schema.maxItems, 0)
    return 1


def _multiplied(times: int | None, more: int | None) -> int | None:
    return None if times is None or more is None else min(times * more, LIMIT)


def _too_much(what: str, cost: int, limit: int) -> str:
    factor = cost / limit
    if factor > 100:
        text = "more than 100x"
    elif factor < 1.5:
        text = f"{factor:f}x"
    else:
        text = f"{factor:.1f}x"
    return f"{what} exceeds budget by factor of {text} {_ADVICE}"
