"""Pages from behind a proxy: links that begin at a backend's root are made to begin where the proxy shows that root."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from posixpath import normpath
from urllib.parse import urlsplit, urlunsplit

# A page that is larger is passed on as it is.
_LIMIT = 1024 * 1024
# What the parser is given at a time, and the most that it may not have got through: a tag, or a script, of a page that is worked on.
_PIECE, _UNREAD = 16 * 1024, 256 * 1024
# What a connection to a backend takes.
_BUFFERS = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS
# The attributes that hold a URL, by element.
_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "a": ("href",), "applet": ("codebase",), "area": ("href",), "audio": ("src",), "base": ("href",),
    "blockquote": ("cite",), "body": ("background",), "button": ("formaction",), "command": ("icon",), "del": ("cite",),
    "embed": ("src",), "form": ("action",), "frame": ("longdesc", "src"), "head": ("profile",), "html": ("manifest",),
    "iframe": ("longdesc", "src"), "img": ("longdesc", "src", "usemap"), "input": ("src", "formaction", "usemap"),
    "ins": ("cite",), "link": ("href",), "object": ("classid", "codebase", "data", "usemap"), "q": ("cite",),
    "script": ("src",), "source": ("src",), "video": ("poster", "src"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """How a backend is seen: its own host and port, the host that the client asked, and the path in front of its root."""

    backend: str
    client: str
    prefix: str

    def rewrite(self, url: str) -> str:
        """A URL of the backend as its clients must ask for it; others, and relative ones, stay as they are."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return url
        elsewhere = parts.netloc not in ("", self.backend, self.client)
        if elsewhere or not parts.path.startswith("/") or parts.path.startswith(self.prefix):
            return url
        path = normpath(f"{self.prefix}/{parts.path}")
        if parts.path.endswith("/"):
            path += "/"
        if parts.netloc != self.client:
            parts = parts._replace(scheme="", netloc="")
        return urlunsplit(parts._replace(path=path))


class _Links(HTMLParser):
    """Finds start tags with links; `page` is the text up to the last of them, with what is to stand in their place."""

    def __init__(self, text: str, rewrite: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=False)
        self._text, self._rewrite = text, rewrite
        # A line, and where it begins. The parser ends them by line feeds alone.
        self._line = 1, 0
        self.page, self.done = bytearray(), 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = _ATTRIBUTES.get(tag)
        raw = self.get_starttag_text()
        if names is None or raw is None or not any(name in names for name, _ in attributes):
            return
        new = [(n, self._rewrite(v) if n in names and v is not None else v) for n, v in attributes]
        if new != attributes:
            line, column = self.getpos()
            known, begin = self._line
            for _ in range(line - known):
                begin = self._text.index("\n", begin) + 1
            self._line = line, begin
            start = begin + column
            inside = "".join(f" {n}" if v is None else f' {n}="{escape(v)}"' for n, v in new)
            new_tag = f"<{tag}{inside}{'/' if raw.endswith('/>') else ''}>"
            self.page += _encoded(self._text[self.done : start] + new_tag)
            self.done = start + len(raw)


def rewrite_html(page: bytes, rewrite: Callable[[str], str]) -> bytes:
    """The page with its links rewritten; whatever has none stays as it is, byte for byte. Raises TooLarge for a tag."""
    # One character for each byte: what is not ASCII is only carried along.
    text = page.decode("latin-1")
    links = _Links(text, rewrite)
    for start in range(0, len(text), _PIECE):
        links.feed(text[start : start + _PIECE])
        if len(links.rawdata) > _UNREAD:
            raise TooLarge
    links.close()
    return bytes(links.page + _encoded(text[links.done :]))


def _encoded(text: str) -> bytes:
    return text.encode("latin-1", "xmlcharrefreplace")


async def rewritten(
    headers: Mapping[str, str],
    body: AsyncIterator[bytes],
    view: View,
    keep: Callable[[int], None],
    at_once: asyncio.Semaphore,
) -> tuple[dict[str, str], AsyncIterator[bytes] | bytes]:
    """An answer with its links rewritten: those of a page, and that of a redirect. `keep` is told how much of it has come; so many
    pages are worked on `at_once`."""
    out = dict(headers)
    found = {name.lower(): name for name in headers}
    if "location" in found:
        out[found["location"]] = view.rewrite(headers[found["location"]])
    media = headers[found["content-type"]].partition(";")[0].strip() if "content-type" in found else ""
    packing = headers[found["content-encoding"]] if "content-encoding" in found else ""
    if media != "text/html" or packing not in ("", "gzip", "deflate"):
        return out, body
    begun: list[bytes] = []
    size = 0
    async for chunk in body:
        begun.append(chunk)
        size += len(chunk)
        keep(_BUFFERS + 2 * size)
        if size > _LIMIT:
            return out, _rest(begun, body)
    page = b"".join(begun)
    try:
        async with at_once:
            return out, await asyncio.to_thread(_rewritten_page, page, packing, view)
    except TooLarge:
        return out, page
    except (OSError, EOFError, zlib.error):
        # Not packed as it says: that is for the client to find out.
        return out, page


async def _rest(begun: list[bytes], body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in begun:
        yield chunk
    async for chunk in body:
        yield chunk


class TooLarge(Exception):
    """A page that is small only as long as it is packed, or that has too large a part."""


def _rewritten_page(page: bytes, packing: str, view: View) -> bytes:
    return _packed(rewrite_html(_unpacked(page, packing), view.rewrite), packing)


def _unpacked(page: bytes, packing: str) -> bytes:
    if not packing:
        return page
    unpacker = zlib.decompressobj(_GZIP if packing == "gzip" else -zlib.MAX_WBITS)
    found = unpacker.decompress(page, _LIMIT)
    if unpacker.unconsumed_tail:
        raise TooLarge
    if not unpacker.eof:
        raise EOFError("the page is cut off")
    return found


def _packed(page: bytes, packing: str) -> bytes:
    if packing == "gzip":
        return gzip.compress(page, 6)
    if not packing:
        return page
    deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(page) + deflate.flush()
