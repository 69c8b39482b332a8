"""Static checking: every name declared, every call with an overload for its arguments, every node with a type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from steersman.cel.errors import Issue
from steersman.cel.functions import Functions, Overload
from steersman.cel.syntax import (
    Call,
    Comprehension,
    Ident,
    ListLiteral,
    Literal,
    MapLiteral,
    Node,
    ObjectLiteral,
    Select,
)
from steersman.cel.types import (
    BOOL,
    DYN,
    ERROR,
    INT,
    NAMED_TYPES,
    Type,
    is_optional,
    list_of,
    map_of,
    optional_of,
    type_of_type,
    unwrap_optional,
)
from steersman.cel.unify import Bindings, most_general, renamed


class Checker:
    """Checks one tree in an environment and collects what is wrong with it."""

    def __init__(self, variables: Mapping[str, Type], functions: Functions, objects: Mapping[str, Type]) -> None:
        self.issues: list[Issue] = []
        self.used: set[str] = set()
        """The variables of the environment that the tree reads."""
        self.calls: list[Call] = []
        self.aggregates: list[ListLiteral | MapLiteral] = []
        """The literals of lists and maps, without those that only a text is made of."""
        self._formatted = 0
        self._variables = variables
        self._functions = functions
        self._objects = objects
        self._scopes: list[dict[str, Type]] = []
        self._bindings = Bindings()
        self._fresh = 0
        self._nodes: list[Node] = []
        self._seen: set[Node] = set()
        self._visit: dict[type[Node], Callable[[Any], Type]] = {
            Literal: self._literal,
            Ident: self._ident,
            Select: self._select,
            Call: self._call,
            ListLiteral: self._list,
            MapLiteral: self._map,
            ObjectLiteral: self._object,
            Comprehension: self._comprehension,
        }

    def check(self, root: Node) -> Type:
        """The type of the whole; afterwards no node's type has a parameter left."""
        self._check(root)
        if self._bindings or self._fresh:
            for node in self._nodes:
                node.type = self._bindings.substitute(node.type, to_dyn=True)
        return root.type

    def _check(self, node: Node) -> Type:
        """The type of a node; one that a macro uses twice is checked once."""
        if node in self._seen:
            return node.type
        found = self._visit[type(node)](node)
        node.type = found
        self._nodes.append(node)
        self._seen.add(node)
        return found

    def _report(self, offset: int, message: str) -> Type:
        self.issues.append(Issue(offset, message))
        return ERROR

    def _undeclared(self, offset: int, name: str) -> Type:
        return self._report(offset, f"undeclared reference to '{name.removeprefix('.')}' (in container '')")

    def _mismatch(self, offset: int, expected: Type, found: Type) -> Type:
        return self._report(offset, f"expected type '{self._shown(expected)}' but found '{self._shown(found)}'")

    def _shown(self, t: Type) -> str:
        return str(self._bindings.substitute(t, to_dyn=True))

    def _assignable(self, a: Type, b: Type) -> bool:
        return self._bindings.assignable(a, b)

    def _parameter(self) -> Type:
        self._fresh += 1
        return Type("param", f"_var{self._fresh}")

    # -- names -----------------------------------------------------------------------------------------------------

    def _literal(self, node: Literal) -> Type:
        return node.literal_type

    def _ident(self, node: Ident) -> Type:
        found = self._resolve(node, node.name)
        return self._undeclared(node.offset, node.name) if found is None else found

    def _resolve(self, node: Ident, name: str) -> Type | None:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        bare = name.removeprefix(".")
        declared = self._variables.get(bare)
        if declared is not None:
            self.used.add(bare)
            node.name = bare
            return declared
        named = NAMED_TYPES.get(bare) or self._objects.get(bare)
        if named is None:
            return None
        node.constant = named
        return type_of_type(named)

    def _is_local(self, name: str) -> bool:
        return any(name in scope for scope in self._scopes)

    def _qualified(self, node: Node) -> str | None:
        """The dotted name a chain of selections spells, where its root is no local variable."""
        names: list[str] = []
        while isinstance(node, Select) and not node.test and not node.optional:
            names.append(node.name)
            node = node.operand
        if not isinstance(node, Ident) or self._is_local(node.name):
            return None
        return ".".join([node.name.removeprefix("."), *reversed(names)])

    def _select(self, node: Select) -> Type:
        qualified = None if node.test or node.optional else self._qualified(node)
        if qualified is not None:
            whole = Ident(node.offset, qualified)
            found = self._resolve(whole, qualified)
            if found is not None:
                whole.type = found
                node.resolved = whole
                return found
        operand = self._bindings.substitute(self._check(node.operand))
        found = self._field(node, unwrap_optional(operand))
        if node.test:
            return BOOL
        found = self._bindings.substitute(found)
        if node.optional or is_optional(operand):
            return found if is_optional(found) else optional_of(found)
        return found

    def _field(self, node: Select, target: Type) -> Type:
        if target.kind == "map":
            return target.params[1]
        if target.kind == "object":
            field = target.fields.get(node.name)
            if field is not None:
                return field.type
            return DYN if target.open else self._report(node.offset, f"undefined field '{node.name}'")
        if target.kind == "param":
            self._assignable(DYN, target)
        elif target.kind not in ("dyn", "error"):
            self._report(node.offset, f"type '{self._shown(target)}' does not support field selection")
        return DYN

    # -- calls -----------------------------------------------------------------------------------------------------

    def _call(self, node: Call) -> Type:
        if node.member:
            qualified = self._qualified(node.args[0])
            if qualified is not None and f"{qualified}.{node.function}" in self._functions.overloads:
                node.function = f"{qualified}.{node.function}"
                node.args = node.args[1:]
                node.member = False
        node.function = node.function.removeprefix(".")
        self.calls.append(node)
        self._formatted += node.function == "format"
        types = [self._check(arg) for arg in node.args]
        self._formatted -= node.function == "format"
        overloads = self._functions.overloads.get(node.function)
        if overloads is None:
            return self._undeclared(node.offset, node.function)
        if node.function in ("_&&_", "_||_"):
            return self._logical(node, types, overloads)
        return self._overload(node, types, overloads)

    def _logical(self, node: Call, types: list[Type], overloads: tuple[Overload, ...]) -> Type:
        node.overloads = list(overloads)
        sound = True
        for arg, found in zip(node.args, types, strict=True):
            if not self._assignable(found, BOOL):
                self._mismatch(arg.offset, BOOL, found)
                sound = False
        return BOOL if sound else ERROR

    def _overload(self, node: Call, types: list[Type], overloads: tuple[Overload, ...]) -> Type:
        given = tuple(types)
        simple = all(t.simple for t in given)
        key = (node.function, node.member, given)
        known = self._functions.resolved.get(key) if simple else None
        if known is not None:
            node.overloads = known[0]
            return known[1]
        found: list[Overload] = []
        result: Type | None = None
        for overload in overloads:
            if overload.member != node.member or len(overload.args) != len(types):
                continue
            wanted, gives = overload.args, overload.result
            if overload.generic:
                wanted, gives = self._instance(overload)
            if not self._bindings.assignable_all(given, wanted):
                continue
            found.append(overload)
            gives = self._bindings.substitute(gives)
            if result is None:
                result = gives
            elif result.kind != "dyn" and gives != result:
                result = DYN
        if result is None:
            shown = [self._shown(t) for t in types]
            signature = f"{shown[0]}.({', '.join(shown[1:])})" if node.member else f"({', '.join(shown)})"
            return self._report(
                node.offset, f"found no matching overload for '{node.function}' applied to '{signature}'"
            )
        node.overloads = found
        if simple and result.simple:
            self._functions.remember(key, found, result)
        return result

    def _instance(self, overload: Overload) -> tuple[tuple[Type, ...], Type]:
        """An overload's types with parameters of their own."""
        fresh: dict[Type, Type] = {}

        def renew(t: Type) -> None:
            if t.kind == "param" and t not in fresh:
                fresh[t] = self._parameter()
            for param in t.params:
                renew(param)

        for t in (*overload.args, overload.result):
            renew(t)
        return tuple(renamed(fresh, t) for t in overload.args), renamed(fresh, overload.result)

    # -- literals of lists, maps and objects -----------------------------------------------------------------------

    def _join(self, previous: Type | None, current: Type) -> Type:
        if previous is None:
            return current
        return most_general(previous, current) if self._assignable(previous, current) else DYN

    def _present(self, node: Node, found: Type, optional: bool) -> Type:
        """The type of an element, which behind a `?` must be an optional one."""
        if not optional:
            return found
        if not is_optional(found) and found.kind not in ("dyn", "error"):
            return self._mismatch(node.offset, optional_of(found), found)
        return unwrap_optional(found)

    def _list(self, node: ListLiteral) -> Type:
        if not self._formatted:
            self.aggregates.append(node)
        joined: Type | None = None
        for index, element in enumerate(node.elements):
            found = self._present(element, self._check(element), index in node.optional)
            joined = self._join(joined, found)
        return list_of(self._parameter() if joined is None else joined)

    def _map(self, node: MapLiteral) -> Type:
        if not self._formatted:
            self.aggregates.append(node)
        key: Type | None = None
        value: Type | None = None
        for entry in node.entries:
            key = self._join(key, self._check(entry.key))
            found = self._present(entry.value, self._check(entry.value), entry.optional)
            value = self._join(value, found)
        if key is None or value is None:
            return map_of(self._parameter(), self._parameter())
        return map_of(key, value)

    def _object(self, node: ObjectLiteral) -> Type:
        declared = self._objects.get(node.name) or self._nested(node.name)
        if declared is None:
            for field in node.fields:
                self._check(field.value)
            return self._undeclared(node.offset, node.name)
        for field in node.fields:
            found = self._present(field.value, self._check(field.value), field.optional)
            known = declared.fields.get(field.name)
            if known is None and not declared.open:
                self._report(field.offset, f"undefined field '{field.name}'")
            elif known is not None and not self._assignable(known.type, found):
                expected, given = self._shown(known.type), self._shown(found)
                message = f"expected type of field '{field.name}' is '{expected}' but provided type is '{given}'"
                self._report(field.offset, message)
        return declared

    def _nested(self, name: str) -> Type | None:
        """The type `Object.spec.template` of an object whose fields are open."""
        root = self._objects.get(name.partition(".")[0])
        return Type("object", name, open_fields=True) if root is not None and root.open else None

    # -- loops -----------------------------------------------------------------------------------------------------

    def _comprehension(self, node: Comprehension) -> Type:
        over = self._bindings.substitute(self._check(node.range))
        gathered = self._check(node.init)
        first, second = self._iterated(node, over)
        self._scopes.append({node.accumulator: gathered})
        inner = {node.var: first}
        if node.var2 is not None:
            inner[node.var2] = second
        self._scopes.append(inner)
        self._check(node.condition)
        stepped = self._check(node.step)
        if not self._assignable(gathered, stepped):
            self._mismatch(node.step.offset, gathered, stepped)
        self._scopes.pop()
        result = self._check(node.result)
        self._scopes.pop()
        return self._bindings.substitute(result)

    def _iterated(self, node: Comprehension, over: Type) -> tuple[Type, Type]:
        """The types of the loop's variables."""
        if over.kind == "list":
            element = over.params[0]
            return (element, ERROR) if node.var2 is None else (INT, element)
        if over.kind == "map":
            return over.params[0], over.params[1]
        if over.kind in ("dyn", "error", "param"):
            self._assignable(DYN, over)
            return DYN, DYN
        shown = self._shown(over)
        message = f"expression of type '{shown}' cannot be range of a comprehension (must be list, map, or dynamic)"
        self._report(node.range.offset, message)
        return ERROR, ERROR
