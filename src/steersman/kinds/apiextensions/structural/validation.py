"""Validation of values by a schema, compiled once per schema; the findings are worded as users of Kubernetes know them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from steersman.api.field import Errors, ErrorType, FieldError, Path, quote
from steersman.kinds.apiextensions.structural import formats, patterns
from steersman.kinds.apiextensions.structural.listtypes import identity
from steersman.kinds.apiextensions.structural.nodes import identical
from steersman.kinds.apiextensions.structural.numbers import Bounds, shown, text_of

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps


class _Nothing:
    """No old value corresponds to this one."""


NOTHING = _Nothing()
_TYPE_FIELDS = frozenset({"apiVersion", "kind"})


class Finding(NamedTuple):
    """Something wrong at `path` (empty for the root; None when the error belongs to no field)."""

    type: ErrorType
    path: str | None
    value: Any
    detail: str


Findings = list[Finding]


class Validator:
    """Validates values against one schema."""

    def __init__(self, schema: JSONSchemaProps) -> None:
        self._check = _Check(schema)

    def validate(self, value: Any, old: Any = NOTHING, *, prefix: Path | None = None) -> Errors:
        """What is wrong with a value. Where `old` is given, what is wrong with an unchanged part is put up with.

        `prefix` is where the value is in the object.
        """
        found: Findings = []
        self._check.run(value, "", found, old)
        if not found:
            return []
        start = "" if prefix is None else str(prefix)
        once: dict[tuple[Any, ...], Finding] = {}
        for finding in found:
            once.setdefault((finding.type, finding.path, finding.detail), finding)
        return [_error(f, start) for f in once.values()]


def _error(finding: Finding, start: str) -> FieldError:
    type_, path, value, detail = finding
    if path is None:
        return FieldError(type_, start or "<nil>", value, detail)
    name = path.removeprefix(".")
    where = f"{start}.{name}" if start and name else start or name or "<nil>"
    return FieldError(type_, where, value, detail)


def _invalid(path: str, value: Any, detail: str) -> Finding:
    return Finding(ErrorType.INVALID, path, "" if value is None else value, f"{path} in body {detail}")


def _mistyped(path: str, wanted: str, value: str) -> Finding:
    detail = f"{path} in body must be of type {wanted}: {quote(value)}"
    return Finding(ErrorType.TYPE_INVALID, path, value, detail)


def _schema_type(value: Any) -> tuple[str, str]:
    """The JSON type of a value, and the format that it has by itself."""
    if isinstance(value, str):
        return "string", ""
    if isinstance(value, bool):
        return "boolean", ""
    if isinstance(value, int):
        return "integer", "int64"
    if isinstance(value, float):
        return "number", "float64"
    return ("object", "") if isinstance(value, dict) else ("array", "")


class _Check:
    """One schema, compiled. `run` gives a count of what was right, by which the best of several alternatives is known.

    The count rises with every group of rules that was applied; `anyOf` and `oneOf` report the alternative with the highest.
    """

    __slots__ = (
        "additional", "all_of", "any_of", "bounds", "closed", "enum", "enum_marks", "format", "items", "joins", "lengths",
        "list_keys", "list_type", "not_", "nullable", "one_of", "pattern", "properties", "properties_sizes", "ratchets",
        "required", "search", "sizes", "text_format", "texts", "types",
    )  # fmt: skip

    def __init__(self, schema: JSONSchemaProps, *, ratchets: bool = True) -> None:
        self.ratchets = ratchets
        self.types = (
            ("integer", "string") if schema.x_kubernetes_int_or_string else ((schema.type,) if schema.type else ())
        )
        self.nullable = bool(schema.nullable)
        self.format = schema.format if formats.recognized(schema.type, schema.format) else ""
        self.text_format = formats.find(self.format) if self.format else None
        self.enum = schema.enum or ()
        self.enum_marks = frozenset(identity(_number(v)) for v in self.enum if v is not None)
        self.lengths = schema.minLength, schema.maxLength
        self.pattern = schema.pattern
        self.search = _search(schema.pattern)
        self.texts = any(v is not None for v in self.lengths) or bool(self.pattern)
        self.bounds = Bounds.of(schema, self.types, self.format)
        self.sizes = schema.minItems, schema.maxItems
        self.properties_sizes = schema.minProperties, schema.maxProperties
        self.required = tuple(schema.required or ())
        self.properties = {k: _Check(v) for k, v in (schema.properties or {}).items()}
        more, items = schema.additionalProperties, schema.items
        self.closed = more is False
        self.additional = None if more is None or isinstance(more, bool) else _Check(more)
        self.items = None if items is None or isinstance(items, list) else _Check(items)
        self.list_type = schema.x_kubernetes_list_type
        self.list_keys = tuple(schema.x_kubernetes_list_map_keys or ())
        self.any_of = _all(schema.anyOf)
        self.one_of = _all(schema.oneOf)
        self.all_of = _all(schema.allOf)
        self.not_ = None if schema.not_ is None else _Check(schema.not_, ratchets=False)
        self.joins = bool(self.any_of or self.one_of or self.all_of or self.not_)

    def run(self, value: Any, path: str, found: Findings, old: Any) -> int:
        before = len(found)
        count = self._run(value, path, found, old)
        if len(found) > before and self.ratchets and old is not NOTHING and identical(value, old):
            del found[before:]
        return count

    def _run(self, value: Any, path: str, found: Findings, old: Any) -> int:
        count = 2
        if value is None:
            if self.types and not self.nullable:
                found.append(_mistyped(path, ",".join(self.types), "null"))
                count -= 1
            self._common(value, path, found)
            return count
        if self.types or self.format:
            count += 1 + self._type(value, path, found)
        if self.joins:
            count += self._joined(value, path, found, old)
        count += 2
        if isinstance(value, str):
            count += self._text(value, path, found)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            if self.bounds is not None:
                found += [Finding(*f) for f in self.bounds.check(value, path)]
            count += 2
        elif isinstance(value, list):
            count += self._list(value, path, found, old)
        if self.enum:
            self._common(value, path, found)
        if isinstance(value, dict):
            count += self._map(value, path, found, old)
        return count

    def _type(self, value: Any, path: str, found: Findings) -> int:
        kind, own_format = _schema_type(value)
        types, format_ = self.types, self.format
        whole = isinstance(value, float) and value.is_integer() and "integer" in types
        fits = kind in types or whole or (kind == "integer" and "number" in types)
        if format_ and kind not in ("string", "array"):
            if not fits and own_format != format_:
                found.append(_mistyped(path, format_, own_format))
                return 0
        elif format_ and "number" not in types and "integer" not in types:
            return 1
        if fits:
            return 1
        found.append(_mistyped(path, ",".join(types), kind))
        return 0

    def _text(self, value: str, path: str, found: Findings) -> int:
        if self.texts:
            problem = self._text_problem(value, path)
            if problem is not None:
                found.append(problem)
        if self.text_format is None:
            return 1
        if not self.text_format(value):
            found.append(_mistyped(path, self.format, value))
        return 2

    def _text_problem(self, value: str, path: str) -> Finding | None:
        least, most = self.lengths
        if most is not None and len(value) > most:
            return Finding(ErrorType.TOO_LONG, path, value, f"may not be more than {most} bytes")
        if least is not None and len(value) < least:
            return _invalid(path, value, f"should be at least {least} chars long")
        if self.search is not None and not self.search(value):
            return _invalid(path, value, f"should match '{self.pattern}'")
        return None

    def _common(self, value: Any, path: str, found: Findings) -> None:
        if not self.enum or (value is not None and identity(_number(value)) in self.enum_marks):
            return
        values = ", ".join(quote(v if isinstance(v, str) else text_of(v)) for v in self.enum)
        found.append(Finding(ErrorType.NOT_SUPPORTED, path, value, f"supported values: {values}"))

    def _list(self, value: list[Any], path: str, found: Findings, old: Any) -> int:
        count = 2
        if self.items is not None:
            run = self.items.run
            olds = self._old_items(old)
            for index, item in enumerate(value):
                before = NOTHING if olds is None else olds(item)
                count += run(item, f"{path}[{index}]", found, before)
        least, most = self.sizes
        if least is not None and len(value) < least:
            found.append(_invalid(path, len(value), f"should have at least {least} items"))
        if most is not None and len(value) > most:
            found.append(_too_many(path, len(value), most))
        return count

    def _old_items(self, old: Any) -> Callable[[Any], Any] | None:
        """What finds the old item that an item was, by its keys; None for lists whose items have none."""
        if self.list_type != "map" or not isinstance(old, list):
            return None
        return correlated(old, self.list_keys)

    def _map(self, value: dict[str, Any], path: str, found: Findings, old: Any) -> int:
        count = 1
        least, most = self.properties_sizes
        if least is not None and len(value) < least:
            found.append(_invalid(path, len(value), f"should have at least {least} properties"))
        if most is not None and len(value) > most:
            found.append(_too_many(path, len(value), most))
        olds = old if isinstance(old, dict) else None
        start = f"{path}." if path else ""
        properties, additional = self.properties, self.additional
        for name, item in value.items():
            check = properties.get(name)
            if check is None:
                if self.closed:
                    found.append(
                        Finding(ErrorType.INVALID, path, name, f"{path}.{name} in body is a forbidden property")
                    )
                if additional is None:
                    continue
                check, where = additional, f"{path}.{name}"
            else:
                where = start + name
            before = NOTHING if olds is None or (not path and name in _TYPE_FIELDS) else olds.get(name, NOTHING)
            count += check.run(item, where, found, before)
        for name in self.required:
            if name not in value:
                found.append(Finding(ErrorType.REQUIRED, f"{path}.{name}", "", ""))
        return count

    def _joined(self, value: Any, path: str, found: Findings, old: Any) -> int:
        count = 0
        if self.any_of:
            count += self._any(value, path, found, old)
        if self.one_of:
            count += self._one(value, path, found, old)
        if self.all_of:
            count += self._every(value, path, found, old)
        if self.not_ is not None:
            wrong: Findings = []
            self.not_.run(value, path, wrong, old)
            if not wrong:
                found.append(_composite(f"{quote(path)} must not validate the schema (not)"))
        return count

    def _any(self, value: Any, path: str, found: Findings, old: Any) -> int:
        best, most = None, -1
        for check in self.any_of:
            wrong: Findings = []
            count = check.run(value, path, wrong, old)
            if not wrong:
                return count
            if count > most:
                best, most = wrong, count
        found.append(_composite(f"{quote(path)} must validate at least one schema (anyOf)"))
        found += best or ()
        return most

    def _one(self, value: Any, path: str, found: Findings, old: Any) -> int:
        best, most, first, valid = None, -1, 0, 0
        for check in self.one_of:
            wrong: Findings = []
            count = check.run(value, path, wrong, old)
            if not wrong:
                valid += 1
                first = first or count
            elif not valid and count > most:
                best, most = wrong, count
        if valid == 1:
            return first
        why = f"Found {valid} valid alternatives" if valid else "Found none valid"
        found.append(_composite(f"{quote(path)} must validate one and only one schema (oneOf). {why}"))
        if not valid:
            found += best or ()
        return first or max(most, 0)

    def _every(self, value: Any, path: str, found: Findings, old: Any) -> int:
        valid = count = 0
        for check in self.all_of:
            before = len(found)
            count += check.run(value, path, found, old)
            valid += len(found) == before
        if valid != len(self.all_of):
            more = "" if valid else ". None validated"
            found.append(_composite(f"{quote(path)} must validate all the schemas (allOf){more}"))
        return count


def _composite(message: str) -> Finding:
    return Finding(ErrorType.INVALID, None, "", message)


def _too_many(path: str, actual: int, most: int) -> Finding:
    return Finding(ErrorType.TOO_MANY, path, actual, f"must have at most {most} {'item' if most == 1 else 'items'}")


def _all(schemas: list[JSONSchemaProps] | None) -> tuple[_Check, ...]:
    return tuple(_Check(s, ratchets=False) for s in schemas or ())


def _search(pattern: str) -> patterns.Search | None:
    return patterns.compiled(pattern) if pattern else None


def _number(value: Any) -> Any:
    """The same number is the same enumerated value, however it is written."""
    return shown(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def correlated(old: list[Any], keys: tuple[str, ...]) -> Callable[[Any], Any]:
    """Finds the item of an old list of type map that has the same keys as a new one; NOTHING for new items."""
    by_key: dict[Any, Any] = {}
    for item in old:
        if isinstance(item, dict):
            by_key.setdefault(identity({k: item.get(k) for k in keys}), item)

    def find(item: Any) -> Any:
        if not isinstance(item, dict):
            return NOTHING
        return by_key.get(identity({k: item.get(k) for k in keys}), NOTHING)

    return find
