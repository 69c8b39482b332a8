"""Equal questions at the same time are one: whoever gives up, whoever comes late, and whatever goes wrong."""

from __future__ import annotations

import asyncio
import gc

import pytest

from steersman.api.clock import FakeClock
from steersman.apiserver.webhook.answers import Answers


class Source:
    """Answers when it is let to; counts how often it was asked, and how often that was given up."""

    def __init__(self) -> None:
        self.asked = self.given_up = 0
        self.gate = asyncio.Event()
        self.seconds = 0.0
        self.error: Exception | None = None

    async def __call__(self) -> tuple[int, float]:
        self.asked += 1
        number = self.asked
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if self.error is not None:
            raise self.error
        return number, self.seconds


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def start(answers: Answers[int], source: Source, count: int, key: bytes = b"k") -> list[asyncio.Task[int]]:
    return [asyncio.ensure_future(answers.ask(key, source)) for _ in range(count)]


async def test_equal_questions_are_asked_once() -> None:
    answers, source = Answers[int](FakeClock(), 10), Source()
    asking = start(answers, source, 50)
    await turns()
    others = start(answers, source, 2, b"other")
    await turns()
    asking += start(answers, source, 1)
    await turns()
    assert source.asked == 2
    source.gate.set()
    assert set(await asyncio.gather(*asking)) == {1}
    assert set(await asyncio.gather(*others)) == {2}
    # Nothing is remembered that counts for no time, and nothing is left.
    assert await answers.ask(b"k", source) == 3
    assert answers._under_way == {}


@pytest.mark.parametrize("first", [True, False])
async def test_who_gives_up_leaves_the_others_their_answer(first: bool) -> None:
    answers, source = Answers[int](FakeClock(), 10), Source()
    asking = start(answers, source, 3)
    await turns()
    gone = asking.pop(0 if first else -1)
    gone.cancel()
    await turns()
    assert gone.cancelled()
    assert (source.asked, source.given_up) == (1, 0)
    source.gate.set()
    assert await asyncio.gather(*asking) == [1, 1]


async def test_nobody_is_asked_for_nobody() -> None:
    answers, source = Answers[int](FakeClock(), 10), Source()
    asking = start(answers, source, 3)
    await turns()
    for task in asking:
        task.cancel()
    await turns()
    assert (source.asked, source.given_up) == (1, 1)
    assert answers._under_way == {}
    # Who comes later is not told of that.
    later = start(answers, source, 1)
    await turns()
    source.gate.set()
    assert await later[0] == 2


async def test_who_comes_while_it_is_given_up_asks_anew() -> None:
    answers, source = Answers[int](FakeClock(), 10), Source()
    gone = start(answers, source, 1)[0]
    await turns()
    gone.cancel()
    later = start(answers, source, 1)[0]
    source.gate.set()
    assert await later == 2
    assert gone.cancelled()


async def test_failures_are_everybodys_and_not_remembered() -> None:
    answers, source = Answers[int](FakeClock(), 10), Source()
    source.seconds, source.error = 100.0, ValueError("down")
    asking = start(answers, source, 3)
    await turns()
    source.gate.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [str(error) for error in found] == ["down"] * 3
    assert answers.get(b"k") is None
    source.error = None
    assert await answers.ask(b"k", source) == 2


async def test_a_failure_that_nobody_waited_for_is_not_told_of(caplog: pytest.LogCaptureFixture) -> None:
    answers, source = Answers[int](FakeClock(), 10), Source()
    source.error = ValueError("down")
    gone = start(answers, source, 1)[0]
    await turns()
    # The answer comes in the same moment as the end of who has asked.
    source.gate.set()
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait((gone,))
    await turns()
    del gone
    gc.collect()
    assert caplog.text == ""


async def test_answers_count_for_a_while() -> None:
    clock = FakeClock()
    answers, source = Answers[int](clock, 2), Source()
    source.gate.set()
    source.seconds = 10.0
    assert await answers.ask(b"a", source) == 1
    assert answers.get(b"a") == 1
    await clock.advance(10)
    assert answers.get(b"a") is None
    for key in (b"a", b"b", b"c"):
        await answers.ask(key, source)
    assert [answers.get(key) for key in (b"a", b"b", b"c")] == [None, 3, 4]
