"""What evaluation costs, and what it is estimated to cost: figures of the API, by which rules are stopped and refused."""

import pytest
from tests.cel.evaluating import VALUES

from steersman import cel

SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "t": {"type": "string"},
        "short": {"type": "string", "maxLength": 10},
        "list": {"type": "array", "items": {"type": "integer"}, "maxItems": 10},
        "texts": {"type": "array", "maxItems": 5, "items": {"type": "string", "maxLength": 20}},
        "many": {"type": "array", "items": {"type": "number"}},
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
        "at": {"type": "string", "format": "date-time"},
        "state": {"type": "string", "enum": ["Ready", "Broken"]},
        "o": {"type": "object", "properties": {"f": {"type": "string"}}},
    },
}
TYPE = cel.schema_type(SCHEMA)
assert TYPE is not None
ENV = cel.Env({"self": TYPE})
DATA = {
    "self": {
        "n": 5,
        "t": "abcdefghijklmnop",
        "short": "abc",
        "list": [1, 2, 3],
        "texts": ["a", "b"],
        "many": [1, 2],
        "map": {"k": "v"},
        "state": "Ready",
        "o": {"f": "x"},
    }
}


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("true", 0),
        ("self.n == 5", 3),
        ("self.n > 1 && self.n < 9", 6),
        ("self.n < 1 && self.n < 9", 3),
        ("self.t == self.t", 6),
        ("has(self.o.f)", 2),
        ("has(self.o)", 1),
        ("[1, 2, 3] == [1, 2, 3]", 1),
        ("[self.n]", 12),
        ("{'a': self.n}", 32),
        ("self.state in ['Ready', 'Broken']", 2),
        ("2 in self.list", 5),
        ("self.list.all(v, v > 0)", 2 + 3 * 5 + 1),
        ("self.list.exists(v, v == 1)", 2 + 6 + 3 + 1),
        ("self.list.exists(v, v == 3)", 2 + 3 * 6 + 1),
        ("self.list.exists_one(v, v == 1)", 2 + 3 * 2 + 2 + 2),
        ("self.list.map(v, v + 1)", 2 + 3 * (12 + 2) + 1),
        ("self.list.map(v, 1)", 2 + 3 * 2 + 1),
        ("self.list.filter(v, v > 2)", 2 + 3 * 2 + 13 + 1),
        ("self.n > 1 ? self.n : self.n + 1", 3 + 1),
        ("self.list[self.n - 4]", 2 + 1 + 3),
        ("self.map['k']", 3),
        ("self.t.matches('^[a-z]*$')", 2 + 2 * 2),
        ("self.t.contains('abc')", 2 + 2),
        ("self.t.startsWith('abc')", 3),
        ("self.t + self.t", 4 + 4),
        ("isQuantity(self.short)", 2 + 1),
        ("self.?o.?f.orValue('')", 3),
        ("self.?at.hasValue()", 1 + 1),
        ("duration('1h') > duration('1m')", 1),
    ],
)
def test_what_evaluation_costs(text: str, cost: int) -> None:
    assert ENV.compile(text).measure(DATA)[1] == cost


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("self.n == 5", 2, 2),
        ("self.n > 1 && self.n < 9", 3, 6),
        ("has(self.o.f)", 2, 2),
        ("self.short == 'abc'", 3, 3),
        ("self.t == self.t", 5, 314577),
        ("self.list.all(v, v > 0)", 3, 2 + 10 * 5 + 1),
        ("self.list.all(a, self.list.all(b, a != b))", 3, 2 + 10 * (3 + 2 + 10 * 5 + 1) + 1),
        ("self.many.all(v, true)", 3, 2 + 1572863 * 3 + 1),
        ("self.map.all(k, k != '')", 3, 3 + 393215 * 4),
        ("self.texts.all(v, v.startsWith('abc'))", 3, 2 + 5 * 5 + 1),
        ("self.texts.exists(v, v.contains(self.short))", 3, 2 + 5 * (4 + 3 + 8 * 4) + 1),
        ("self.texts.map(v, v + self.short).all(v, v.size() < 9)", 14, 148 + 5 * 6 + 1),
        ("self.short.matches('[a-z]+')", 4, 2 + 5 * 2),
        ("self.n > 1 ? self.n : size(self.t)", 5, 6),
        ("self.texts.join(',')", 2, 2 + 41),
        ("self.short.replace('a', 'bb').size()", 3, 11),
        ("self.short.split('').size()", 3, 11),
        ("cidr('10.0.0.0/8').containsIP(self.short)", 4, 1 + 2 + 4 + 4),
    ],
)
def test_what_evaluation_is_estimated_to_cost(text: str, low: int, high: int) -> None:
    assert ENV.compile(text).cost_estimate() == (low, high)


@pytest.mark.parametrize(
    "text",
    [
        "self.list.all(v, v > 0)",
        "self.texts.exists(v, v.contains(self.short))",
        "self.list.map(v, v * 2).filter(v, v > 2).size() == 2",
        "self.short.matches('[a-z]+') || self.t == self.t",
        "self.texts.map(v, v + self.short).all(v, v.size() < 9)",
    ],
)
def test_the_estimate_bounds_the_cost(text: str) -> None:
    program = ENV.compile(text)
    cost = program.measure(DATA)[1]
    assert cost <= program.cost_estimate().high + 3  # leaving a loop early looks at its condition once more


def test_a_rule_too_dear_is_known_beforehand() -> None:
    program = ENV.compile("self.many.all(a, self.many.all(b, a == b))")
    assert program.cost_estimate().high > cel.RULE_ESTIMATE_LIMIT


def test_the_limit_stops_an_evaluation_and_nothing_absorbs_it() -> None:
    program = ENV.compile("self.list.all(v, v > 0) || true")
    assert program.evaluate(DATA, cost_limit=100) is True
    with pytest.raises(cel.CostLimitExceeded, match="operation cancelled: actual cost limit exceeded") as caught:
        program.evaluate(DATA, cost_limit=9)
    assert caught.value.cost > 9


def test_the_limit_holds_without_a_loop() -> None:
    program = ENV.compile("self.n == 5")
    assert program.measure(DATA, cost_limit=3) == (True, 3)
    with pytest.raises(cel.CostLimitExceeded):
        program.measure(DATA, cost_limit=2)


def test_values_of_the_shared_environment_are_unchanged() -> None:
    assert VALUES["l"] == [3, 1, 2]
