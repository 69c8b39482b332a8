"""Expressions are timed."""

import pytest

from steersman.cel import INT, CompileError, Env, EvalError, timing


def counted() -> tuple[int, int]:
    for samples in (timing.compiled, timing.evaluated):
        samples.fold()
    return sum(timing.compiled.counts), sum(timing.evaluated.counts)


def test_each_is_counted_whatever_comes_of_it() -> None:
    compiled, evaluated = counted()
    program = Env({"x": INT}).compile("1 / x")
    program.evaluate({"x": 1})
    with pytest.raises(EvalError):
        program.evaluate({"x": 0})
    with pytest.raises(CompileError):
        Env({}).compile("1 +")
    assert counted() == (compiled + 2, evaluated + 2)
    assert "apiserver_cel_evaluation_duration_seconds_count " in timing.TIMES.render()
