"""The rules of a schema (`x-kubernetes-validations`), compiled, and how objects are judged by them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from steersman.api import codec, field
from steersman.api.field import OMITTED, Errors, ErrorType, FieldError, Path
from steersman.cel.env import PER_CALL_LIMIT, RUNTIME_BUDGET, Env, Program
from steersman.cel.errors import OUT_OF_BUDGET, CompileError, CostLimitExceeded, EvalError
from steersman.cel.schema import schema_type
from steersman.cel.types import Type, optional_of
from steersman.cel.values import NONE
from steersman.kinds.apiextensions.structural.fieldpaths import FieldPathError, find
from steersman.kinds.apiextensions.structural.nodes import has_rules, identical
from steersman.kinds.apiextensions.structural.validation import NOTHING, correlated

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps, ValidationRule

MAX_MESSAGE = 5 * 1024
_TYPE_FIELDS = frozenset({"apiVersion", "kind"})


class RuleError(Exception):
    """A rule, or the expression of its message, that cannot be used; the text says why."""


class CompiledRule:
    """One rule. `message` is the program of its messageExpression."""

    def __init__(self, rule: ValidationRule, env: Env, schema: JSONSchemaProps) -> None:
        """Raises RuleError."""
        self.rule = rule
        self.program = _compiled(env, rule.rule, "bool", "cel expression must evaluate to a bool", "")
        self.uses_old = "oldSelf" in self.program.uses
        self.optional = bool(rule.optionalOldSelf)
        self.path = _normalized(rule.fieldPath, schema)

    def compile_message(self, env: Env) -> Program | None:
        """Raises RuleError."""
        text = self.rule.messageExpression
        if not text:
            return None
        return _compiled(env, text, "string", "messageExpression must evaluate to a string", "messageExpression ")

    @property
    def text(self) -> str:
        return (self.rule.message or self.rule.rule).strip()

    @property
    def default_message(self) -> str:
        return self.rule.message.strip() or f"failed rule: {self.text}"


def _compiled(env: Env, text: str, kind: str, mistyped: str, word: str) -> Program:
    try:
        program = env.compile(text)
    except CompileError as error:
        raise RuleError(f"{word}compilation failed: {error}") from error
    if program.result.kind != kind:
        raise RuleError(mistyped)
    return program


def _normalized(text: str, schema: JSONSchemaProps) -> str:
    if not text:
        return ""
    try:
        return str(find(text, schema)[0])
    except FieldPathError:
        return ""


def environments(of: Type) -> tuple[Env, Env]:
    """Those of rules and of rules with an optional old value."""
    env = Env({"self": of, "oldSelf": of})
    return env, Env({"self": of, "oldSelf": optional_of(of)})


class _Budget:
    """What evaluations may still cost."""

    def __init__(self, left: int) -> None:
        self.left = left


class _Spent(Exception):
    """Nothing more can be evaluated; the last error says so."""


class _Place:
    """A value, the one that it was before, and the nearest place above that has one: errors of what has not changed are
    put up with."""

    __slots__ = ("old", "parent", "value")

    def __init__(self, value: Any, old: Any, parent: _Place | None) -> None:
        self.value, self.old, self.parent = value, old, parent

    @property
    def unchanged(self) -> bool:
        if self.old is not NOTHING:
            return identical(self.value, self.old)
        return self.parent is not None and identical(self.parent.value, self.parent.old)

    def child(self, value: Any, old: Any) -> _Place:
        return _Place(value, old, self.parent if self.old is NOTHING else self)


class Rules:
    """The rules of a place in the schema, and of the places below it."""

    def __init__(self, schema: JSONSchemaProps, *, root: bool) -> None:
        self._type = schema.type
        self._compiled: list[tuple[CompiledRule, Program | None]] = []
        self._broken: list[str] = []
        plain = codec.to_builtins(schema) if schema.x_kubernetes_validations else {}
        known = schema_type(plain, root=root) if plain else None
        if known is not None:
            self._compile(schema, known)
        self._properties = {n: r for n, c in (schema.properties or {}).items() if (r := Rules.of(c)) is not None}
        more, items = schema.additionalProperties, schema.items
        self._additional = None if more is None or isinstance(more, bool) else Rules.of(more)
        self._items = None if items is None or isinstance(items, list) else Rules.of(items)
        self._keys = tuple(schema.x_kubernetes_list_map_keys or ()) if schema.x_kubernetes_list_type == "map" else None

    @classmethod
    def of(cls, schema: JSONSchemaProps, *, root: bool = False) -> Rules | None:
        """None where there are no rules. Rules that do not compile are reported whenever they are to be evaluated."""
        if not has_rules(schema):
            return None
        return cls(schema, root=root or bool(schema.x_kubernetes_embedded_resource))

    def _compile(self, schema: JSONSchemaProps, known: Type) -> None:
        plain, optional = environments(known)
        for rule in schema.x_kubernetes_validations or ():
            if not rule.rule.strip():
                continue
            env = optional if rule.optionalOldSelf else plain
            try:
                compiled = CompiledRule(rule, env, schema)
                self._compiled.append((compiled, compiled.compile_message(env)))
            except RuleError as error:
                self._broken.append(str(error))

    def validate(self, value: Any, old: Any = NOTHING, path: Path | None = None) -> Errors:
        """What the rules object to. `old` is the value before a change."""
        errors: Errors = []
        try:
            self._run(_Place(value, old, None), path, errors, _Budget(RUNTIME_BUDGET))
        except _Spent:
            return errors
        return errors

    def _run(self, place: _Place, path: Path | None, errors: Errors, budget: _Budget) -> None:
        value = place.value
        if value is None:
            return
        for why in self._broken:
            errors.append(self._invalid(path, f"rule compile error: {why}"))
        if self._compiled:
            if budget.left <= 0:
                errors.append(self._invalid(path, OUT_OF_BUDGET))
                raise _Spent
            for compiled, message in self._compiled:
                self._evaluate(compiled, message, place, path, errors, budget)
        if type(value) is dict:
            self._members(place, path, errors, budget)
        elif type(value) is list and self._items is not None:
            find_old = _finder(self._keys, place.old)
            for index, item in enumerate(value):
                below = place.child(item, find_old(item))
                self._items._run(below, (path or Path()).index(index), errors, budget)

    def _members(self, place: _Place, path: Path | None, errors: Errors, budget: _Budget) -> None:
        olds = place.old if isinstance(place.old, dict) else {}
        for name, item in place.value.items():
            rules = self._properties.get(name)
            if rules is not None:
                where = Path(name) if path is None else path.child(name)
            elif self._additional is not None:
                rules, where = self._additional, (path or Path()).key(name)
            else:
                continue
            seen = path is not None or name not in _TYPE_FIELDS
            rules._run(place.child(item, olds.get(name, NOTHING) if seen else NOTHING), where, errors, budget)

    def _invalid(self, path: Path | None, detail: str) -> FieldError:
        return field.invalid(path or Path(), self._type, detail)

    def _evaluate(
        self,
        compiled: CompiledRule,
        message: Program | None,
        place: _Place,
        path: Path | None,
        errors: Errors,
        budget: _Budget,
    ) -> None:
        old = None if place.old is NOTHING else place.old
        if compiled.uses_old and old is None and not compiled.optional:
            # There is nothing to compare with.
            return
        values = {"self": place.value, "oldSelf": NONE if compiled.optional and old is None else old}
        try:
            holds, cost = compiled.program.measure(values, PER_CALL_LIMIT)
        except CostLimitExceeded as error:
            detail = f"'{error}': no further validation rules will be run due to call cost exceeds limit for rule: "
            errors.append(self._invalid(path, detail + compiled.text))
            raise _Spent from error
        except EvalError as error:
            self._charge(error.cost, path, errors, budget)
            errors.append(self._invalid(path, _failure(error, compiled)))
            return
        self._charge(cost, path, errors, budget)
        if holds is True or (not compiled.uses_old and place.unchanged):
            return
        where = path or Path()
        if compiled.path:
            where = Path(compiled.path) if path is None else path.child(compiled.path)
        detail = self._message(compiled, message, values, where, errors, budget)
        shown = OMITTED if self._type in ("object", "array") else place.value
        errors.append(_error(compiled.rule.reason, where, shown, detail))

    def _charge(self, cost: int, path: Path | None, errors: Errors, budget: _Budget) -> None:
        if cost > budget.left:
            errors.append(self._invalid(path, OUT_OF_BUDGET))
            raise _Spent
        budget.left -= cost

    def _message(
        self,
        compiled: CompiledRule,
        program: Program | None,
        values: dict[str, Any],
        path: Path,
        errors: Errors,
        budget: _Budget,
    ) -> str:
        """What the user is told: an expression that fails says nothing, and one that costs too much is an error."""
        if program is None:
            return compiled.default_message
        what = f"messageExpression: {field.quote(compiled.rule.messageExpression)}"
        try:
            found, cost = program.measure(values, PER_CALL_LIMIT)
        except CostLimitExceeded as error:
            detail = f"no further validation rules will be run due to call cost exceeds limit for {what}"
            errors.append(self._invalid(path, detail))
            raise _Spent from error
        except EvalError as error:
            budget.left -= error.cost
            return compiled.default_message
        if cost > budget.left:
            detail = (
                "messageExpression evaluation failed due to running out of cost budget, no further validation rules will "
                "be run"
            )
            errors.append(self._invalid(path, detail))
            raise _Spent
        budget.left -= cost
        text = found.strip() if isinstance(found, str) else ""
        usable = text and len(text.encode()) <= MAX_MESSAGE and not re.search(r"[\n]", text)
        return text if usable else compiled.default_message


def _failure(error: EvalError, compiled: CompiledRule) -> str:
    if str(error).startswith("no such overload"):
        return (
            f"'{error}': call arguments did not match a supported operator, function or macro signature for rule: "
            f"{compiled.text}"
        )
    return f"{error} evaluating rule: {compiled.text}"


_TYPES = {
    "FieldValueRequired": ErrorType.REQUIRED,
    "FieldValueForbidden": ErrorType.FORBIDDEN,
    "FieldValueDuplicate": ErrorType.DUPLICATE,
}


def _error(reason: str, path: Path, value: Any, detail: str) -> FieldError:
    type_ = _TYPES.get(reason, ErrorType.INVALID)
    if type_ is ErrorType.DUPLICATE:
        return field.duplicate(path, value)
    return FieldError(type_, str(path), value, detail)


def _finder(keys: tuple[str, ...] | None, old: Any) -> Callable[[Any], Any]:
    """Finds the item of the old list that an item was."""
    if keys is None or not isinstance(old, list):
        return lambda item: NOTHING
    return correlated(old, keys)
