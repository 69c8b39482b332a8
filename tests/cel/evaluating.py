"""What the tests of the language share: an environment of everything, and one-line evaluation."""

from __future__ import annotations

from typing import Any

from steersman import cel

VARIABLES = {
    "x": cel.DYN,
    "i": cel.INT,
    "s": cel.STRING,
    "l": cel.list_of(cel.INT),
    "m": cel.map_of(cel.STRING, cel.DYN),
}
VALUES: dict[str, Any] = {"x": {"a": {"b": 2}}, "i": 7, "s": "héllo", "l": [3, 1, 2], "m": {"k": 1, "n": None}}
ENV = cel.Env(VARIABLES, cel.EVERYTHING, homogeneous=False)
KUBERNETES = cel.Env(VARIABLES)


def value(text: str, env: cel.Env = ENV) -> Any:
    """The run-time value of an expression over VALUES."""
    return env.compile(text).measure(VALUES)[0]


def failure(text: str, env: cel.Env = ENV) -> str:
    """The message of the error an expression ends in, "" for none."""
    try:
        env.compile(text).measure(VALUES)
    except cel.EvalError as err:
        return str(err)
    return ""


def report(text: str, env: cel.Env = ENV) -> str:
    """The report of the compiler, "" for none."""
    try:
        env.compile(text)
    except cel.CompileError as err:
        return str(err)
    return ""
