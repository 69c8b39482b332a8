"""Long work in pieces: of all that is done in pieces, one goes on in each turn of the event loop."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Lets one through in each turn, first come, first served: who has more to do comes again, and others have a turn between."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        """Until it is our turn; at once if nobody has had this one."""
        loop = asyncio.get_running_loop()
        if not self._taken:
            self._taken = True
            loop.call_soon(self._next)
            return
        turn = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                asyncio.get_running_loop().call_soon(self._next)
                return
        self._taken = False
