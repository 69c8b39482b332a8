"""Variables that are evaluated when they are asked for, and what expressions cost."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.apiserver.policies.evaluation import Evaluation, Expression, Failed, OutOfBudget
from steersman.cel import RUNTIME_BUDGET
from steersman.cel.library.authz import Authorizer, Question
from steersman.kinds.admissionregistration.expressions import Composition

ENDPOINTS = {"metadata": {"name": "endpoints1"}, "subsets": [{}]}
VALUES = {
    "object": ENDPOINTS,
    "oldObject": None,
    "authorizer": Authorizer(lambda question: (False, "", ""), Question("")),
}


def run(*texts: str, budget: int = RUNTIME_BUDGET, **variables: str) -> tuple[list[Any], int]:
    """The values of the expressions, and what is left of the budget."""
    composition = Composition(params=False)

    def made(text: str, name: str = "") -> Expression:
        return Expression.made(text, lambda: composition.define(name, text) if name else composition.compile(text))

    definitions = {name: made(text, name) for name, text in variables.items()}
    evaluation = Evaluation(VALUES, definitions, budget)
    return [evaluation.value(made(text)) for text in texts], evaluation.left


CHECK = "!authorizer.group('').resource('endpoints').check('create').allowed()"


@pytest.mark.parametrize(
    ("texts", "budget", "left"),
    [
        (["oldObject == null", "object.subsets.size() > 2"], 10, 4),
        (["oldObject == null", "object.subsets.size() > 2"], 6, 0),
        (["oldObject == null", "object.subsets.size() > 2", "true"], 6, 0),
        ([CHECK], 350_005, 0),
        ([CHECK, CHECK], 700_011, 1),
        (["[1,2,3,4].isSorted()"], 4, 0),
        (["url('https:://kubernetes.io/').getHostname() == 'kubernetes.io'"], 4, 0),
        (["size('abc 123 def 123'.split(' ')) > 0"], 5, 0),
        (["size(['aa', 'bb', 'cc', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].join(' ')) > 0"], 7, 0),
        (["size('abc 123 def 123'.find('123')) > 0"], 4, 0),
        (['quantity("200M") == quantity("0.2G") && quantity("0.2G") == quantity("200M")'], 6, 0),
    ],
)
def test_costs(texts: list[str], budget: int, left: int) -> None:
    assert run(*texts, budget=budget)[1] == left
    with pytest.raises(OutOfBudget):
        run(*texts, budget=budget - left - 1)


@pytest.mark.parametrize(
    ("variables", "text", "expected"),
    [
        ({"name": "object.metadata.name"}, "variables.name == 'endpoints1'", True),
        ({"list": "[1, 2, 3, 4]"}, "variables.list.sum() == 10", True),
        ({"dict": '{"foo": "bar"}'}, "variables.dict['foo'].contains('bar')", True),
        ({"a": "1", "b": "variables.a + 1"}, "variables.b", 2),
        ({"a": "object.nothing"}, "has(variables.a)", True),
        ({"a": "object.nothing", "b": "2"}, "variables.a == 1 || variables.b == 2", True),
        ({"a": "null"}, "variables.a == null", True),
    ],
)
def test_variables(variables: dict[str, str], text: str, expected: object) -> None:
    assert run(text, **variables)[0] == [expected]


@pytest.mark.parametrize(
    ("variables", "text", "why"),
    [
        ({"name": "1 == '1'"}, "variables.name", "found no matching overload for '_==_' applied to '(int, string)'"),
        ({"count": "object.subsets[114514].x"}, "variables.count == 810",
         'composited variable "count" fails to evaluate: index out of bounds: 114514'),
        ({"list": "[1, 2]"}, "variables.list['a']", "found no matching overload for '_[_]' applied to '(list(int), string)'"),
        ({"list": "['1']"}, "variables.list[0] == 1", "found no matching overload for '_==_' applied to '(string, int)'"),
        ({}, "variables.x", "undeclared reference to 'variables' (in container '')"),
        ({"a": "1"}, "variables.x", "undefined field 'x'"),
    ],
)  # fmt: skip
def test_failures(variables: dict[str, str], text: str, why: str) -> None:
    with pytest.raises(Failed) as error:
        run(text, **variables)
    assert why in str(error.value)


def test_a_variable_costs_once() -> None:
    text = "variables.name == 'endpoints1'"
    assert run(f"{text} && {text}", name="object.metadata.name", budget=10)[0] == [True]
    with pytest.raises(OutOfBudget):
        run(text, name="object.metadata.name", budget=4)
    with pytest.raises(OutOfBudget):
        run("size(variables.dict) > 0", dict="'abc 123 def 123'.split(' ')", budget=5)
