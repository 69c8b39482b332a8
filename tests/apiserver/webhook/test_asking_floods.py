"""Servers that are asked more than they answer: connections to them, and who waits for them, are bounded."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from steersman.apiserver.backend import Backends, read_limited
from steersman.apiserver.webhook import asking
from steersman.apiserver.webhook.asking import Connection, Unanswered
from steersman.apiserver.webhook.client import MAX_ANSWER, most_of
from steersman.apiserver.webhook.conversation import BadAnswer, decode
from steersman.apiserver.webhook.kubeconfig import Remote


async def test_questions_to_a_server_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "AT_ONCE", 2)
    monkeypatch.setattr(asking, "MOST_ASKED", 4)
    heard = asyncio.Event()
    count = 0
    hanging: list[asyncio.Task[Any] | None] = []

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        hanging.append(asyncio.current_task())
        count += 1
        if count == 2:
            heard.set()
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    backends = Backends()
    post = Connection(Remote("127.0.0.1", server.sockets[0].getsockname()[1], "/hook", secure=False), backends)
    waiting = [asyncio.ensure_future(post(b"?")) for _ in range(4)]
    await heard.wait()
    with pytest.raises(Unanswered, match="too many questions wait for an answer"):
        await post(b"?")
    assert count == 2
    for one in waiting:
        one.cancel()
    await asyncio.wait(waiting)
    # Whoever has gone makes room.
    again = asyncio.ensure_future(post(b"?"))
    done, _ = await asyncio.wait((again,), timeout=0.05)
    assert not done
    again.cancel()
    await asyncio.wait((again,))
    await backends.close()
    server.close()
    # Else their connections would be found open when this test is long over.
    await asyncio.gather(*(task for task in hanging if task is not None))


async def test_one_large_answer_at_a_time() -> None:
    large, seen, go_on = asyncio.Lock(), [], asyncio.Event()

    class Body:
        """Much at once, and then nothing until it is told."""

        def __init__(self, name: str) -> None:
            self.name, self.pieces = name, [b"x" * 300_000, b"y" * 300_000]

        def __aiter__(self) -> Body:
            return self

        async def __anext__(self) -> bytes:
            if not self.pieces:
                raise StopAsyncIteration
            if len(self.pieces) == 1:
                seen.append(self.name)
                await go_on.wait()
            return self.pieces.pop(0)

    reading = [asyncio.ensure_future(read_limited(Body(name), 1_000_000, large)) for name in ("a", "b", "c")]
    await asyncio.wait(reading, timeout=0.05)
    assert seen == ["a"]
    go_on.set()
    assert [len(await one) for one in reading] == [600_000] * 3
    assert seen == ["a", "b", "c"]


def test_the_answer_may_be_as_long_as_the_question_asks_for() -> None:
    assert most_of(b"") == 6 * 1024 * 1024
    assert most_of(b"x" * 1024 * 1024) == 10 * 1024 * 1024
    assert most_of(b"x" * MAX_ANSWER) == MAX_ANSWER


def test_answers_of_too_many_values() -> None:
    answer = b'{"response":{"status":{"a":[' + b"{}," * 100_000 + b"{}]}}}"
    with pytest.raises(BadAnswer, match="too many values"):
        decode(answer, "v1", "u", mutating=False)
