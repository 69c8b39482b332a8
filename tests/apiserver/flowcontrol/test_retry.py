"""When to come again."""

from __future__ import annotations

from steersman.apiserver.flowcontrol.retry import RetryAfter


def test_one_second_at_first() -> None:
    retry = RetryAfter()
    assert [retry.note(1000.0) for _ in range(100)] == [1] * 100


def test_doubles_while_many_are_refused_and_falls_when_few_are() -> None:
    retry = RetryAfter()
    time, seen = 1000.0, []
    for _ in range(80):
        for _ in range(100):
            told = retry.note(time)
        seen.append(told)
        time += 1
    assert [told for i, told in enumerate(seen) if i == 0 or told != seen[i - 1]] == [1, 2, 4, 8, 16, 32]
    for _ in range(40):
        time += 40
        told = retry.note(time)
    assert told == 1
