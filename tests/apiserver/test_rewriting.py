"""Pages from behind a proxy."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api.http import unbounded
from steersman.apiserver import rewriting
from steersman.apiserver.rewriting import View, rewrite_html, rewritten

PREFIX = "/api/v1/namespaces/n/pods/p/proxy"
VIEW = View("10.0.0.1:80", "api:6443", PREFIX)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/x", f"{PREFIX}/x"),
        ("/", f"{PREFIX}/"),
        ("/a/../b/?q=1#f", f"{PREFIX}/b/?q=1#f"),
        ("http://10.0.0.1:80/x", f"{PREFIX}/x"),
        ("https://api:6443/x", f"https://api:6443{PREFIX}/x"),
        (f"{PREFIX}/x", f"{PREFIX}/x"),
        ("http://elsewhere/x", "http://elsewhere/x"),
        ("x/y", "x/y"),
        ("#top", "#top"),
        ("", ""),
        ("mailto:a@b", "mailto:a@b"),
        ("http://[bad/", "http://[bad/"),
    ],
)
def test_urls(url: str, expected: str) -> None:
    assert VIEW.rewrite(url) == expected


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ('<a href="/x">test</a>', f'<a href="{PREFIX}/x">test</a>'),
        ("<A HREF=/x CLASS=b hidden>", f'<a href="{PREFIX}/x" class="b" hidden>'),
        ('<p>ä\r\n<img src="/i?a=1&amp;b=2"/>\n</p>', f'<p>ä\r\n<img src="{PREFIX}/i?a=1&amp;b=2"/>\n</p>'),
        ("<video src='/v' poster='/p'>", f'<video src="{PREFIX}/v" poster="{PREFIX}/p">'),
        ('<a href="x">', '<a href="x">'),
        ('<p href="/x">', '<p href="/x">'),
        (
            '<!-- <a href="/x"> --><script>"<a href=/x>"</script>',
            '<!-- <a href="/x"> --><script>"<a href=/x>"</script>',
        ),
        ("<a href", "<a href"),
        ("", ""),
    ],
)
def test_pages(page: str, expected: str) -> None:
    assert rewrite_html(page.encode(), VIEW.rewrite).decode() == expected


@given(st.binary(max_size=200))
def test_nothing_to_rewrite_changes_nothing(page: bytes) -> None:
    assert rewrite_html(page, lambda url: url) == page


async def body(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def whole(content: AsyncIterator[bytes] | bytes) -> bytes:
    return content if isinstance(content, bytes) else b"".join([c async for c in content])


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PAGE, SEEN = b'<a href="/x">', f'<a href="{PREFIX}/x">'.encode()
HTML = {"Content-Type": "text/html; charset=utf-8"}


async def test_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    headers, content = await rewritten(
        {"content-type": "text/plain", "Location": "/y"}, body(PAGE), VIEW, unbounded, asyncio.Semaphore(1)
    )
    assert (headers["Location"], await whole(content)) == (f"{PREFIX}/y", PAGE)
    _, content = await rewritten(HTML, body(PAGE[:5], PAGE[5:]), VIEW, unbounded, asyncio.Semaphore(1))
    assert await whole(content) == SEEN
    _, content = await rewritten(
        {**HTML, "Content-Encoding": "gzip"}, body(gzip.compress(PAGE)), VIEW, unbounded, asyncio.Semaphore(1)
    )
    assert gzip.decompress(await whole(content)) == SEEN
    _, content = await rewritten(
        {**HTML, "Content-Encoding": "deflate"}, body(deflated(PAGE)), VIEW, unbounded, asyncio.Semaphore(1)
    )
    assert zlib.decompress(await whole(content), -zlib.MAX_WBITS) == SEEN
    for packing, data in (("br", PAGE), ("gzip", b"no gzip")):
        _, content = await rewritten(
            {**HTML, "Content-Encoding": packing}, body(data), VIEW, unbounded, asyncio.Semaphore(1)
        )
        assert await whole(content) == data
    monkeypatch.setattr(rewriting, "_LIMIT", 4)
    _, content = await rewritten(HTML, body(PAGE[:5], PAGE[5:]), VIEW, unbounded, asyncio.Semaphore(1))
    assert await whole(content) == PAGE


async def test_a_page_that_grows_beyond_the_limit_when_unpacked_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewriting, "_LIMIT", 10_000)
    bomb = gzip.compress(PAGE * 100_000)
    assert len(bomb) < 10_000
    _, content = await rewritten(
        {**HTML, "Content-Encoding": "gzip"}, body(bomb), VIEW, unbounded, asyncio.Semaphore(1)
    )
    assert await whole(content) == bomb
    cut = gzip.compress(PAGE)[:-9]
    _, content = await rewritten({**HTML, "Content-Encoding": "gzip"}, body(cut), VIEW, unbounded, asyncio.Semaphore(1))
    assert await whole(content) == cut


@pytest.mark.parametrize("begin", [b"<a ", b"<script>", b"<!--", b'<a href="/'])
async def test_a_part_without_end_is_not_worked_on(begin: bytes) -> None:
    page = b'<a href="/x">' + begin + b"a " * 400_000
    kept: list[int] = []
    _, content = await rewritten(HTML, body(page), VIEW, kept.append, asyncio.Semaphore(1))
    assert content == page
    assert kept[-1] > 2 * len(page)


async def test_lines_and_links_without_number() -> None:
    page = b"\n" * 200_000 + b'<a href="/x">\n' * 20_000
    _, content = await rewritten(HTML, body(page), VIEW, unbounded, asyncio.Semaphore(1))
    assert isinstance(content, bytes)
    assert content.count(VIEW.prefix.encode() + b"/x") == 20_000
