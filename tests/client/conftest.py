"""A transport that answers from a script: what the client makes of answers, without an API server."""

from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace

import msgspec
import pytest

from steersman.api.http import Request, Response

Answer = Response | Callable[[Request], Response] | Exception


def answer(status: int, body: object) -> Response:
    return Response(status, {"content-type": "application/json"}, msgspec.json.encode(body))


def stream(*chunks: bytes) -> Response:
    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return Response(200, {}, body())


class Scripted:
    """Gives the answers in order and keeps the requests."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    async def send(self, request: Request, *, stream: bool = False) -> Response:
        self.requests.append(request)
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, Response) else found(request)

    async def close(self) -> None:
        self.answers.clear()


@pytest.fixture(scope="session")
def script():
    """`script.transport(*answers)`, `script.answer(status, body)`, `script.stream(*chunks)`."""
    return SimpleNamespace(transport=Scripted, answer=answer, stream=stream)
