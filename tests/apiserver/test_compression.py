"""Which answers go out compressed, and to whom."""

import asyncio
import gzip
import json
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.apiserver.conftest import MAPS, Api, config_map

from steersman.api.http import Response
from steersman.apiserver import compression
from steersman.apiserver.compression import THRESHOLD, Packer, takes_gzip
from steersman.apiserver.openapi.service import OpenAPIService

GZIP = {"accept-encoding": "gzip"}


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("", False),
        ("gzip", True),
        ("deflate, gzip", True),
        ("deflate,gzip ,br", True),
        ("gzip;q=0.5", False),
        ("GZIP", False),
        ("identity", False),
        ("zstd", False),
        ("*", False),
    ],
)
def test_what_clients_take(header: str, taken: bool) -> None:
    assert takes_gzip({"accept-encoding": header} if header else {}) is taken


@pytest.mark.parametrize(("size", "packed"), [(0, False), (THRESHOLD, False), (THRESHOLD + 1, True)])
async def test_only_what_is_large(size: int, packed: bool) -> None:
    body = b"x" * size
    answer = await Packer().shrunk(Response(200, {"Vary": "Accept"}, body))
    assert isinstance(answer.body, bytes)
    if not packed:
        assert answer.body == body
        assert "Content-Encoding" not in answer.headers
        return
    assert gzip.decompress(answer.body) == body
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"


async def test_not_too_much_at_once() -> None:
    packer, size = Packer(2 * THRESHOLD + 2), THRESHOLD + 1
    answers = await asyncio.gather(*(packer.shrunk(Response(200, {}, b"x" * size)) for _ in range(4)))
    assert [len(answer.body) == size for answer in answers if isinstance(answer.body, bytes)] == [
        False,
        False,
        True,
        True,
    ]
    assert ["Content-Encoding" in answer.headers for answer in answers] == [True, True, False, False]
    alone = await packer.shrunk(Response(200, {}, b"x" * 3 * size))
    assert alone.headers["Content-Encoding"] == "gzip"


async def test_what_nobody_waits_for_any_more_counts_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on, packed = threading.Event(), threading.Event(), compression._packed

    def slowly(body: bytes) -> bytes:
        begun.set()
        go_on.wait(60)
        return packed(body)

    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    monkeypatch.setattr(compression, "_packed", slowly)
    packer, answer = Packer(2 * THRESHOLD), Response(200, {}, b"x" * 2 * THRESHOLD)
    first = asyncio.ensure_future(packer.shrunk(answer))
    while not begun.is_set():
        await asyncio.wait([first], timeout=0.01)
    first.cancel()
    await asyncio.wait([first])
    assert first.cancelled()
    assert await packer.shrunk(answer) is answer
    go_on.set()
    # In the same thread, and thus afterwards.
    await asyncio.to_thread(int)
    assert (await packer.shrunk(answer)).headers["Content-Encoding"] == "gzip"


async def test_pieces_and_their_end() -> None:
    closed = []

    async def pieces() -> AsyncIterator[bytes]:
        try:
            for number in range(3):
                yield b"%d" % number * 1000
        finally:
            closed.append(True)

    answer = await Packer().shrunk(Response(200, {}, pieces()))
    assert not isinstance(answer.body, bytes)
    assert gzip.decompress(b"".join([p async for p in answer.body])) == b"0" * 1000 + b"1" * 1000 + b"2" * 1000
    assert closed == [True]
    again = await Packer().shrunk(Response(200, {}, pieces()))
    assert not isinstance(again.body, bytes)
    assert await anext(again.body)
    await again.body.aclose()  # type: ignore[attr-defined]
    assert closed == [True, True]


@pytest.mark.parametrize("accept", ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"])
async def test_objects(api: Api, accept: str) -> None:
    await api.post(MAPS, config_map("a", k="v" * 150_000))
    plain = await api.raw("GET", f"{MAPS}/a", headers={"accept": accept})
    small = await api.raw("GET", f"{MAPS}/b", headers={"accept": accept, **GZIP})
    large = await api.raw("GET", f"{MAPS}/a", headers={"accept": accept, **GZIP})
    assert "Content-Encoding" not in {**plain.headers, **small.headers}
    assert (large.headers["Content-Encoding"], large.headers["Content-Type"]) == ("gzip", accept)
    assert isinstance(large.body, bytes)
    assert gzip.decompress(large.body) == plain.body
    listed = await api.raw("GET", MAPS, headers={"accept": accept, **GZIP})
    assert listed.headers["Vary"] == "Accept-Encoding"


async def test_watches_are_not_compressed(api: Api) -> None:
    await api.post(MAPS, config_map("a", k="v" * 150_000))
    ((event),) = await api.watch(f"{MAPS}?watch=1", 1, headers=GZIP)
    assert event["type"] == "ADDED"


async def test_long_lists(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steersman.apiserver.handlers.list.STREAMED", 3)
    for number in range(5):
        await api.post(MAPS, config_map(f"m{number}"))
    answer = await api.raw("GET", MAPS, headers=GZIP)
    assert not isinstance(answer.body, bytes)
    assert len(json.loads(gzip.decompress(b"".join([p async for p in answer.body])))["items"]) == 5


async def test_discovery(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "THRESHOLD", 100)
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    answer = await api.raw("GET", "/apis", headers={"accept": accept, **GZIP})
    assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == ("gzip", "Accept, Accept-Encoding")


@pytest.mark.parametrize("path", ["/openapi/v2", "/openapi/v3", "/openapi/v3/apis/apps/v1"])
async def test_openapi(api: Api, path: str) -> None:
    api.app.openapi = OpenAPIService(api.app.catalog, "v1.37.0")
    plain, small = await api.raw("GET", path), await api.raw("GET", path, headers=GZIP)
    assert isinstance(small.body, bytes)
    assert gzip.decompress(small.body) == plain.body
    assert small.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding, Accept"
    assert "Content-Encoding" not in plain.headers
