"""What the macros need, keys of JSON patches, and the libraries Kubernetes leaves out: math and base64."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Sequence
from typing import Any

from steersman.cel.costs import traverse
from steersman.cel.equality import compare
from steersman.cel.errors import NO_OVERLOAD, EvalError
from steersman.cel.functions import Library, Overload, function
from steersman.cel.library.operators import checked_int, checked_uint
from steersman.cel.types import BOOL, BYTES, DOUBLE, DYN, INT, MAP_OF_AB, PARAM_A, PARAM_B, STRING, UINT, list_of
from steersman.cel.values import MAX_UINT, Uint, Value


def _insert(target: dict[Any, Value], key: Value, value: Value) -> dict[Any, Value]:
    return {**target, key: value}


def _insert_all(target: dict[Any, Value], more: dict[Any, Value]) -> dict[Any, Value]:
    return {**target, **more}


INSERTION = Library(
    "comprehensions",
    [
        function("cel.@mapInsert", "cel_@mapInsert_map_key_value", (MAP_OF_AB, PARAM_A, PARAM_B), MAP_OF_AB, _insert),
        function("cel.@mapInsert", "cel_@mapInsert_map_map", (MAP_OF_AB, MAP_OF_AB), MAP_OF_AB, _insert_all),
    ],
)


def _escape_key(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


JSON_PATCH = Library(
    "kubernetes.jsonpatch",
    [
        function(
            "jsonpatch.escapeKey",
            "string_jsonpatch_escapeKey_string",
            (STRING,),
            STRING,
            _escape_key,
            traverse(same_size=True),
        )
    ],
)


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise EvalError("illegal base64 data") from None


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


ENCODERS = Library(
    "encoders",
    [
        function("base64.decode", "base64_decode_string", (STRING,), BYTES, _decode, traverse()),
        function("base64.encode", "base64_encode_bytes", (BYTES,), STRING, _encode, traverse()),
    ],
)


def _extreme(sign: int) -> Callable[..., Value]:
    def run(*values: Value) -> Value:
        found = values[0] if len(values) == 1 and isinstance(values[0], list) else values
        if not found:
            raise EvalError("math argument must not be empty")
        best = found[0]
        for value in found:
            if type(value) not in (int, Uint, float):
                raise EvalError(NO_OVERLOAD)
            if compare(value, best) == sign:
                best = value
        return best

    return run


def _rounded(run: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: value if math.isnan(value) or math.isinf(value) else float(run(value))


def _round(value: float) -> float:
    return math.copysign(math.floor(abs(value) + 0.5), value)


def _sign(value: Value) -> Value:
    return type(value)((value > 0) - (value < 0))


def _sqrt(value: Value) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


def _shift_left(value: int, by: int) -> Value:
    if by < 0:
        raise EvalError(f"math.bitShiftLeft() negative offset: {by}")
    shifted = (int(value) << by) & MAX_UINT if by < 64 else 0
    return Uint(shifted) if type(value) is Uint else _signed(shifted)


def _shift_right(value: int, by: int) -> Value:
    if by < 0:
        raise EvalError(f"math.bitShiftRight() negative offset: {by}")
    shifted = (int(value) & MAX_UINT) >> by if by < 64 else 0
    return Uint(shifted) if type(value) is Uint else _signed(shifted)


def _signed(bits: int) -> int:
    return bits - 2**64 if bits >= 2**63 else bits


def _bits(run: Callable[[int, int], int]) -> Callable[[Value, Value], Value]:
    return lambda a, b: type(a)(run(int(a), int(b)))


def _math() -> list[Overload]:
    found: list[Overload] = []
    for word, sign in (("least", -1), ("greatest", 1)):
        run = _extreme(sign)
        found += [function(f"math.{word}", f"math_{word}_{count}", (DYN,) * count, DYN, run) for count in range(2, 9)]
        found.append(function(f"math.{word}", f"math_{word}_list", (list_of(DYN),), DYN, run))
        found += [function(f"math.{word}", f"math_{word}_{t.kind}", (t,), t, run) for t in (INT, UINT, DOUBLE)]
    rounding: Sequence[tuple[str, Callable[[float], float]]] = (
        ("ceil", math.ceil),
        ("floor", math.floor),
        ("trunc", math.trunc),
        ("round", _round),
    )
    found += [
        function(f"math.{name}", f"math_{name}_double", (DOUBLE,), DOUBLE, _rounded(run)) for name, run in rounding
    ]
    tests: Sequence[tuple[str, Callable[[float], bool]]] = (
        ("isNaN", math.isnan),
        ("isInf", math.isinf),
        ("isFinite", math.isfinite),
    )
    found += [function(f"math.{name}", f"math_{name}_double", (DOUBLE,), BOOL, run) for name, run in tests]
    for t in (INT, UINT, DOUBLE):
        found.append(function("math.sign", f"math_sign_{t.kind}", (t,), t, _sign))
        found.append(function("math.sqrt", f"math_sqrt_{t.kind}", (t,), DOUBLE, _sqrt))
    found.append(function("math.abs", "math_abs_int", (INT,), INT, lambda a: checked_int(abs(a))))
    found.append(function("math.abs", "math_abs_uint", (UINT,), UINT, checked_uint))
    found.append(function("math.abs", "math_abs_double", (DOUBLE,), DOUBLE, abs))
    return found


def _bitwise() -> list[Overload]:
    found: list[Overload] = []
    operations: Sequence[tuple[str, Callable[[int, int], int]]] = (
        ("bitAnd", lambda a, b: a & b),
        ("bitOr", lambda a, b: a | b),
        ("bitXor", lambda a, b: a ^ b),
    )
    for name, run in operations:
        found += [function(f"math.{name}", f"math_{name}_{t.kind}", (t, t), t, _bits(run)) for t in (INT, UINT)]
    for t in (INT, UINT):
        found.append(function("math.bitShiftLeft", f"math_bitShiftLeft_{t.kind}", (t, INT), t, _shift_left))
        found.append(function("math.bitShiftRight", f"math_bitShiftRight_{t.kind}", (t, INT), t, _shift_right))
    found.append(function("math.bitNot", "math_bitNot_int", (INT,), INT, lambda a: ~a))
    found.append(function("math.bitNot", "math_bitNot_uint", (UINT,), UINT, lambda a: Uint(~int(a) & MAX_UINT)))
    return found


MATH = Library("math", [*_math(), *_bitwise()])
