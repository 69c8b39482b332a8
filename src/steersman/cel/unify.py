"""Which types may stand for which, and what that says about type parameters."""

from __future__ import annotations

from steersman.cel.types import DYN, Type

_NULLABLE = ("opaque", "object", "timestamp", "duration")


class Bindings:
    """What the type parameters seen so far stand for. What a failed attempt has changed is undone."""

    __slots__ = ("_held", "_trail")

    def __init__(self) -> None:
        self._held: dict[Type, Type] = {}
        self._trail: list[tuple[Type, Type | None]] = []

    def __bool__(self) -> bool:
        return bool(self._held)

    def bind(self, param: Type, t: Type) -> None:
        self._trail.append((param, self._held.get(param)))
        self._held[param] = t

    def get(self, param: Type) -> Type | None:
        return self._held.get(param)

    def assignable(self, a: Type, b: Type) -> bool:
        """Whether values of `a` may be used as `b`; if so the bindings say what that takes."""
        return (a is b and a.plain) or self.assignable_all((a,), (b,))

    def assignable_all(self, many: tuple[Type, ...], wanted: tuple[Type, ...]) -> bool:
        """The same for types one by one."""
        start = len(self._trail)
        if all(_assign(self, a, b) for a, b in zip(many, wanted, strict=True)):
            self._trail.clear()
            return True
        while len(self._trail) > start:
            param, before = self._trail.pop()
            if before is None:
                del self._held[param]
            else:
                self._held[param] = before
        return False

    def substitute(self, t: Type, *, to_dyn: bool = False) -> Type:
        """The type with its parameters replaced by what they stand for; `to_dyn` replaces unknown ones too."""
        if t.closed:
            return t
        held = self._held.get(t) if t.kind == "param" else None
        if held is not None:
            return self.substitute(held, to_dyn=to_dyn)
        if t.kind == "param":
            return DYN if to_dyn else t
        params = tuple(self.substitute(param, to_dyn=to_dyn) for param in t.params)
        return Type(t.kind, t.name, params, max_elements=t.max_elements)


def renamed(fresh: dict[Type, Type], t: Type) -> Type:
    """The type with other parameters in place of its own."""
    if t.closed:
        return t
    if t.kind == "param":
        return fresh[t]
    return Type(t.kind, t.name, tuple(renamed(fresh, param) for param in t.params))


def _assign(bindings: Bindings, a: Type, b: Type) -> bool:
    if b.kind == "param":
        fits, bound = _bind(bindings, a, b)
        if fits or bound:
            return fits
    if a.kind == "param":
        return _bind(bindings, b, a)[0]
    if a.kind in ("dyn", "error") or b.kind in ("dyn", "error"):
        return True
    if a.kind == "null":
        return b.kind == "null" or b.kind in _NULLABLE
    if b.kind == "null":
        return a.kind in _NULLABLE
    if a.kind != b.kind:
        return False
    if a.kind == "type":
        return True
    if a.kind in ("opaque", "list", "map"):
        return (
            a.name == b.name
            and len(a.params) == len(b.params)
            and all(_assign(bindings, x, y) for x, y in zip(a.params, b.params, strict=True))
        )
    return a == b


def _bind(bindings: Bindings, t: Type, param: Type) -> tuple[bool, bool]:
    """Whether the parameter may stand for a type, and whether it stood for something before."""
    if t == param:
        return True, True
    held = bindings.get(param)
    if held is None:
        if _occurs(bindings, param, t):
            return False, False
        bindings.bind(param, t)
        return True, False
    if t == held:
        return True, True
    if not _assign(bindings, t, held):
        return False, True
    general = most_general(t, held)
    if general != held and not _occurs(bindings, param, general):
        bindings.bind(param, general)
    return True, True


def _occurs(bindings: Bindings, param: Type, within: Type) -> bool:
    if within.closed:
        return False
    if within == param:
        return True
    if within.kind == "param":
        held = bindings.get(within)
        return held is not None and _occurs(bindings, param, held)
    return any(_occurs(bindings, param, inner) for inner in within.params)


def most_general(a: Type, b: Type) -> Type:
    """The less specific of two types that fit each other."""
    return a if less_specific(a, b) else b


def less_specific(a: Type, b: Type) -> bool:
    """Whether `a` is `b`, or says less."""
    if a.kind in ("dyn", "param"):
        return True
    if b.kind in ("dyn", "param") or a.kind != b.kind:
        return False
    if a.kind in ("opaque", "list", "map"):
        return (
            a.name == b.name
            and len(a.params) == len(b.params)
            and all(less_specific(x, y) for x, y in zip(a.params, b.params, strict=True))
        )
    return a.kind == "type" or a == b
