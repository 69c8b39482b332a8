"""The macros: calls that become loops, bindings and tests before anything is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from steersman.cel.syntax import (
    ACCUMULATOR,
    Call,
    Comprehension,
    Ident,
    ListLiteral,
    Literal,
    MapLiteral,
    Node,
    Select,
)
from steersman.cel.types import BOOL, INT

Expander = Callable[[int, list[Node]], Node | None]
"""From the place of a call and its arguments, receiver first, to what it means; None where it is an ordinary call."""
Macros = Mapping[tuple[str, int, bool], Expander]

_SORT_INPUT = "@sort_input"


class MacroError(Exception):
    """A macro's arguments are not of its form."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


def _has(offset: int, args: list[Node]) -> Node:
    target = args[0]
    if not isinstance(target, Select) or target.test:
        raise MacroError(target.offset, "invalid argument to has() macro")
    return Select(offset, target.operand, target.name, test=True, optional=target.optional)


def _variable(node: Node) -> str:
    if not isinstance(node, Ident) or node.name.startswith("."):
        raise MacroError(node.offset, "argument must be a simple name")
    if node.name == "__result__":
        raise MacroError(node.offset, "iteration variable overwrites accumulator variable")
    return node.name


def _names(args: list[Node], two: bool) -> tuple[str, str | None]:
    first = _variable(args[1])
    if not two:
        return first, None
    second = _variable(args[2])
    if first == second:
        raise MacroError(args[2].offset, f"duplicate variable name: {first}")
    return first, second


def _gather(offset: int) -> Node:
    return Ident(offset, ACCUMULATOR)


def _true(offset: int) -> Node:
    return Literal(offset, True, BOOL)


def _quantifier(macro: str, two: bool) -> Expander:
    """all and exists, over one variable or two."""
    is_all = macro == "all"

    def expand(offset: int, args: list[Node]) -> Node:
        var, var2 = _names(args, two)
        body = args[-1]
        tested = _gather(offset) if is_all else Call(offset, "!_", [_gather(offset)])
        return Comprehension(
            offset,
            range=args[0],
            var=var,
            var2=var2,
            accumulator=ACCUMULATOR,
            init=Literal(offset, is_all, BOOL),
            condition=Call(offset, "@not_strictly_false", [tested]),
            step=Call(offset, "_&&_" if is_all else "_||_", [_gather(offset), body]),
            result=_gather(offset),
            macro=macro,
            body=(body,),
        )

    return expand


def _exists_one(two: bool) -> Expander:
    def expand(offset: int, args: list[Node]) -> Node:
        var, var2 = _names(args, two)
        counted = Call(offset, "_+_", [_gather(offset), Literal(offset, 1, INT)])
        return Comprehension(
            offset,
            range=args[0],
            var=var,
            var2=var2,
            accumulator=ACCUMULATOR,
            init=Literal(offset, 0, INT),
            condition=_true(offset),
            step=Call(offset, "_?_:_", [args[-1], counted, _gather(offset)]),
            result=Call(offset, "_==_", [_gather(offset), Literal(offset, 1, INT)]),
            macro="exists_one",
            body=(args[-1],),
        )

    return expand


def _gathering(macro: str, two: bool, filtered: bool) -> Expander:
    """map, filter, transformList, transformMap and transformMapEntry."""

    def expand(offset: int, args: list[Node]) -> Node:
        var, var2 = _names(args, two)
        start = 3 if two else 2
        predicate = args[start] if filtered else None
        body = Ident(args[1].offset, var) if macro == "filter" else args[-1]
        step = _append(macro, offset, var, body)
        if predicate is not None:
            step = Call(offset, "_?_:_", [predicate, step, _gather(offset)])
        is_map = macro in ("transformMap", "transformMapEntry")
        return Comprehension(
            offset,
            range=args[0],
            var=var,
            var2=var2,
            accumulator=ACCUMULATOR,
            init=MapLiteral(offset, []) if is_map else ListLiteral(offset, []),
            condition=_true(offset),
            step=step,
            result=_gather(offset),
            macro="map" if macro in ("filter", "transformList") else macro,
            body=(body,) if predicate is None else (body, predicate),
        )

    return expand


def _append(macro: str, offset: int, var: str, body: Node) -> Node:
    if macro == "transformMap":
        return Call(offset, "cel.@mapInsert", [_gather(offset), Ident(offset, var), body])
    if macro == "transformMapEntry":
        return Call(offset, "cel.@mapInsert", [_gather(offset), body])
    return Call(offset, "_+_", [_gather(offset), ListLiteral(offset, [body])])


def _bound(offset: int, name: str, value: Node, result: Node) -> Node:
    """`result` with a name for a value, evaluated once."""
    return Comprehension(
        offset,
        range=ListLiteral(offset, []),
        var="#unused",
        var2=None,
        accumulator=name,
        init=value,
        condition=Literal(offset, False, BOOL),
        step=Ident(offset, name),
        result=result,
        macro="bind",
        body=(result,),
    )


def _bind(offset: int, args: list[Node]) -> Node | None:
    if not isinstance(args[0], Ident) or args[0].name != "cel":
        return None
    if not isinstance(args[1], Ident):
        raise MacroError(args[1].offset, "cel.bind() variable names must be simple identifiers")
    return _bound(offset, args[1].name, args[2], args[3])


def _optional_map(flat: bool) -> Expander:
    def expand(offset: int, args: list[Node]) -> Node:
        name = "optFlatMap()" if flat else "optMap()"
        if not isinstance(args[1], Ident):
            raise MacroError(args[1].offset, f"{name} variable name must be a simple identifier")
        target, var = args[0], args[1].name
        unwrapped = Call(offset, "value", [target], member=True)
        inner = _bound(offset, var, unwrapped, args[2])
        then = inner if flat else Call(offset, "optional.of", [inner])
        present = Call(offset, "hasValue", [target], member=True)
        return Call(offset, "_?_:_", [present, then, Call(offset, "optional.none", [])])

    return expand


def _sort_by(offset: int, args: list[Node]) -> Node:
    mapped = _gathering("map", two=False, filtered=False)(offset, [Ident(offset, _SORT_INPUT), args[1], args[2]])
    assert mapped is not None
    ordered = Call(offset, "@sortByAssociatedKeys", [Ident(offset, _SORT_INPUT), mapped], member=True)
    return _bound(offset, _SORT_INPUT, args[0], ordered)


MACROS: dict[tuple[str, int, bool], Expander] = {
    ("has", 1, False): _has,
    ("all", 3, True): _quantifier("all", two=False),
    ("exists", 3, True): _quantifier("exists", two=False),
    ("exists_one", 3, True): _exists_one(two=False),
    ("existsOne", 3, True): _exists_one(two=False),
    ("map", 3, True): _gathering("map", two=False, filtered=False),
    ("map", 4, True): _gathering("map", two=False, filtered=True),
    ("filter", 3, True): _gathering("filter", two=False, filtered=True),
    ("all", 4, True): _quantifier("all", two=True),
    ("exists", 4, True): _quantifier("exists", two=True),
    ("exists_one", 4, True): _exists_one(two=True),
    ("existsOne", 4, True): _exists_one(two=True),
    ("transformList", 4, True): _gathering("transformList", two=True, filtered=False),
    ("transformList", 5, True): _gathering("transformList", two=True, filtered=True),
    ("transformMap", 4, True): _gathering("transformMap", two=True, filtered=False),
    ("transformMap", 5, True): _gathering("transformMap", two=True, filtered=True),
    ("transformMapEntry", 4, True): _gathering("transformMapEntry", two=True, filtered=False),
    ("transformMapEntry", 5, True): _gathering("transformMapEntry", two=True, filtered=True),
    ("optMap", 3, True): _optional_map(flat=False),
    ("optFlatMap", 3, True): _optional_map(flat=True),
    ("sortBy", 3, True): _sort_by,
}
"""Macros by name, number of arguments with the receiver, and whether there is a receiver."""

BINDINGS: dict[tuple[str, int, bool], Expander] = {("bind", 4, True): _bind}
"""cel.bind(name, value, expression), which Kubernetes leaves out."""
