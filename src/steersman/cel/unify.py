"""Which types may stand for which, and what that says about type parameters."""

from __future__ import annotations

from steersman.cel.types import DYN, Type

Bindings = dict[Type, Type]
"""What the type parameters seen so far stand for."""

_NULLABLE = ("opaque", "object", "timestamp", "duration")


def assignable(bindings: Bindings, a: Type, b: Type) -> Bindings | None:
    """The bindings under which values of `a` may be used as `b`, None where they may not."""
    if a is b and a.plain:
        return bindings
    trial = dict(bindings)
    return trial if _assign(trial, a, b) else None


def assignable_all(bindings: Bindings, many: list[Type], wanted: tuple[Type, ...]) -> Bindings | None:
    """The same for types one by one."""
    if len(many) != len(wanted):
        return None
    trial = dict(bindings)
    for a, b in zip(many, wanted, strict=True):
        if not _assign(trial, a, b):
            return None
    return trial


def _assign(bindings: Bindings, a: Type, b: Type) -> bool:
    if b.kind == "param":
        fits, bound = _bind(bindings, a, b)
        if fits or bound:
            return fits
    if a.kind == "param":
        return _bind(bindings, b, a)[0]
    if _wild(a) or _wild(b):
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


def _wild(t: Type) -> bool:
    return t.kind in ("dyn", "error")


def _bind(bindings: Bindings, t: Type, param: Type) -> tuple[bool, bool]:
    """Whether the parameter may stand for a type, and whether it stood for something before."""
    if t == param:
        return True, True
    held = bindings.get(param)
    if held is None:
        if _occurs(bindings, param, t):
            return False, False
        bindings[param] = t
        return True, False
    if t == held:
        return True, True
    if not _assign(bindings, t, held):
        return False, True
    general = most_general(t, held)
    if not _occurs(bindings, param, general):
        bindings[param] = general
    return True, True


def _occurs(bindings: Bindings, param: Type, within: Type) -> bool:
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


def substitute(bindings: Bindings, t: Type, *, to_dyn: bool = False) -> Type:
    """The type with its parameters replaced by what they stand for; `to_dyn` replaces unknown ones too."""
    if t.plain:
        return t
    held = bindings.get(t) if t.kind == "param" else None
    if held is not None:
        return substitute(bindings, held, to_dyn=to_dyn)
    if t.kind == "param":
        return DYN if to_dyn else t
    if not t.params:
        return t
    params = tuple(substitute(bindings, param, to_dyn=to_dyn) for param in t.params)
    return Type(t.kind, t.name, params, max_elements=t.max_elements)
