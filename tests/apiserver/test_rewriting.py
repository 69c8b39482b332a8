"""Pages from behind a proxy."""

from __future__ import annotations

import asyncio
import gzip
import time
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
        ("<A HREF=/x CLASS=b hidden>", f'<A HREF="{PREFIX}/x" CLASS=b hidden>'),
        ("<a\n/title='a > b'href\t=\n'/x'>", f"<a\n/title='a > b'href\t=\n\"{PREFIX}/x\">"),
        ("<img src=/a longdesc=/b/>", f'<img src="{PREFIX}/a" longdesc="{PREFIX}/b/">'),
        ('<p>ä\r\n<img src="/i?a=1&amp;b=2"/>\n</p>', f'<p>ä\r\n<img src="{PREFIX}/i?a=1&amp;b=2"/>\n</p>'),
        ("<video src='/v' poster='/p'>", f'<video src="{PREFIX}/v" poster="{PREFIX}/p">'),
        ('<a href="x">', '<a href="x">'),
        ('<p href="/x">', '<p href="/x">'),
        (
            '<!-- <a href="/x"> --><script>"<a href=/x>"</script>',
            '<!-- <a href="/x"> --><script>"<a href=/x>"</script>',
        ),
        ('<!--> <a href="/x"> <!-- --!><a href="/y">', f'<!--> <a href="{PREFIX}/x"> <!-- --!><a href="{PREFIX}/y">'),
        ('<!x <a href="/x"></ <a href="/x"><? <a href="/x">', '<!x <a href="/x"></ <a href="/x"><? <a href="/x">'),
        ('<TITLE><a href="/x"></title\n><a href="/y">', f'<TITLE><a href="/x"></title\n><a href="{PREFIX}/y">'),
        ('<plaintext><a href="/x">', '<plaintext><a href="/x">'),
        ('</a href="/x">< a href="/x"><1 href="/x">', '</a href="/x">< a href="/x"><1 href="/x">'),
        ('<a href="/x?a=1&copy=2&eacute;&#47;">', f'<a href="{PREFIX}/x?a=1&amp;copy=2é/">'),
        (f'<a href="/&#{"9" * 5000};/">', f'<a href="{PREFIX}/&amp;#{"9" * 5000};/">'),
        ("<a href", "<a href"),
        ('<a href="/x', '<a href="/x'),
        ("<a href=\"/x ' >", "<a href=\"/x ' >"),
        ("<a href=>", "<a href=>"),
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


@pytest.mark.parametrize(
    "begin",
    [
        b"<", b"<a ", b"<a b=", b"<a b='", b"<a /", b"<a href=x/", b"<a  ", b"</", b"<!", b"<?", b"<!--", b"<![CDATA[",
        b"<script>", b"<script></scrip", b'<a href="/', b"&#1", b"\n",
    ],
)  # fmt: skip
async def test_a_page_takes_time_that_grows_with_its_size(begin: bytes) -> None:
    page = b'<a href="/x">' + begin * (1_000_000 // len(begin))
    kept: list[int] = []
    began = time.process_time()
    _, content = await rewritten(HTML, body(page), VIEW, kept.append, asyncio.Semaphore(1))
    # Some hundredths of a second. What is looked at again from each of its bytes on takes hours.
    assert time.process_time() - began < 10
    assert content == SEEN + page[13:]
    assert kept[-1] > 2 * len(page)


@pytest.mark.parametrize("end", [b">", b' b="">'])
async def test_a_large_tag_takes_time_that_grows_with_its_size(end: bytes) -> None:
    for part in (b"/", b" ", b"b ", b"b=c "):
        page = b'<a href="/x"' + part * (1_000_000 // len(part)) + end
        began = time.process_time()
        _, content = await rewritten(HTML, body(page), VIEW, unbounded, asyncio.Semaphore(1))
        assert time.process_time() - began < 10
        assert content == SEEN[:-1] + page[12:]


async def test_a_page_that_would_become_too_large_stays_as_it_is() -> None:
    page = b"<a " + b"href=/x " * 130_000 + b">"
    _, content = await rewritten(HTML, body(page), VIEW, unbounded, asyncio.Semaphore(1))
    assert content == page


async def test_lines_and_links_without_number() -> None:
    page = b"\n" * 200_000 + b'<a href="/x">\n' * 20_000
    _, content = await rewritten(HTML, body(page), VIEW, unbounded, asyncio.Semaphore(1))
    assert isinstance(content, bytes)
    assert content.count(VIEW.prefix.encode() + b"/x") == 20_000
