"""The tree of an expression. The checker fills in each node's type and the overloads of each call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from steersman.cel.types import ERROR, Type

if TYPE_CHECKING:
    from steersman.cel.functions import Overload

ACCUMULATOR = "@result"
"""The variable in which a macro gathers its result; no text can spell it."""

RESERVED = frozenset(
    (
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    )
)
"""Words that no name may be, besides the literals and `in`."""


@dataclass(slots=True, eq=False)
class Node:
    """Any expression; `offset` is the place messages point at."""

    offset: int
    type: Type = field(default=ERROR, init=False)


@dataclass(slots=True, eq=False)
class Literal(Node):
    value: Any
    literal_type: Type


@dataclass(slots=True, eq=False)
class Ident(Node):
    name: str
    constant: Type | None = field(default=None, init=False)
    """The type a name stands for, where it is no variable."""


@dataclass(slots=True, eq=False)
class Select(Node):
    operand: Node
    name: str
    test: bool = False
    optional: bool = False
    resolved: Ident | None = field(default=None, init=False)
    """What the dotted name stands for, where it is the name of a variable or a type."""


@dataclass(slots=True, eq=False)
class Call(Node):
    function: str
    args: list[Node]
    """The receiver first, where there is one."""
    member: bool = False
    overloads: list[Overload] = field(default_factory=list, init=False)


@dataclass(slots=True, eq=False)
class ListLiteral(Node):
    elements: list[Node]
    optional: frozenset[int] = frozenset()


@dataclass(slots=True, eq=False)
class Entry:
    offset: int
    key: Node
    value: Node
    optional: bool


@dataclass(slots=True, eq=False)
class MapLiteral(Node):
    entries: list[Entry]


@dataclass(slots=True, eq=False)
class FieldInit:
    offset: int
    name: str
    value: Node
    optional: bool


@dataclass(slots=True, eq=False)
class ObjectLiteral(Node):
    name: str
    fields: list[FieldInit]


@dataclass(slots=True, eq=False)
class Comprehension(Node):
    """A loop over a list or a map, which all the macros become.

    `macro` and `body` say which macro it was and what it applies, for evaluation; the rest is its meaning.
    """

    range: Node
    var: str
    var2: str | None
    accumulator: str
    init: Node
    condition: Node
    step: Node
    result: Node
    macro: str
    body: tuple[Node, ...]


def is_path(node: Node) -> bool:
    """Whether a node is a path from a variable or a value, which is charged as one thing and one unit per part."""
    if isinstance(node, Call):
        return node.function in ("_[_]", "_[?_]")
    return isinstance(node, Select) or (isinstance(node, Ident) and node.constant is None)


def extends(node: Node) -> bool:
    """Whether a selection from a node only lengthens its path."""
    return is_path(node) or (isinstance(node, Call) and node.function == "_?_:_")
