"""Counts what the kubelet asks of the API server, between its client and the wire."""

from __future__ import annotations

from steersman.api.http import Request, Response
from steersman.client.transport import Transport
from steersman.kubelet.instruments import Instruments


class CountedTransport:
    """A transport as it is, with its requests in `instruments`. `host` is the server's name and port."""

    def __init__(self, inner: Transport, instruments: Instruments, host: str) -> None:
        self._inner = inner
        self._instruments = instruments
        self._host = host

    async def send(self, request: Request, *, stream: bool = False) -> Response:
        counted = self._instruments
        code = "<error>"
        try:
            with counted.timed(counted.api_seconds, request.method, self._host):
                response = await self._inner.send(request, stream=stream)
            code = str(response.status)
            return response
        finally:
            counted.api_requests.add(code, request.method, self._host)

    async def close(self) -> None:
        await self._inner.close()
