"""Pages from behind a proxy: links that begin at a backend's root are made to begin where the proxy shows that root."""

from __future__ import annotations

import asyncio
import gzip
import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape, unescape
from posixpath import normpath
from urllib.parse import urlsplit, urlunsplit

# A page that is larger is passed on as it is; and one that would become larger than the second, by links without number.
_LIMIT, _MOST = 1024 * 1024, 4 * 1024 * 1024
# What a connection to a backend takes.
_BUFFERS = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS
# The attributes that hold a URL, by element.
_LINKS: Mapping[str, tuple[str, ...]] = {
    "a": ("href",), "applet": ("codebase",), "area": ("href",), "audio": ("src",), "base": ("href",),
    "blockquote": ("cite",), "body": ("background",), "button": ("formaction",), "command": ("icon",), "del": ("cite",),
    "embed": ("src",), "form": ("action",), "frame": ("longdesc", "src"), "head": ("profile",), "html": ("manifest",),
    "iframe": ("longdesc", "src"), "img": ("longdesc", "src", "usemap"), "input": ("src", "formaction", "usemap"),
    "ins": ("cite",), "link": ("href",), "object": ("classid", "codebase", "data", "usemap"), "q": ("cite",),
    "script": ("src",), "source": ("src",), "video": ("poster", "src"),
}  # fmt: skip
# Where a tag, a comment or a declaration begins, and how they end. Nothing is looked at again and again: pages are the backends'.
_MARKUP = re.compile(r"<(?:(?P<end>/?)(?P<name>[a-zA-Z][^ \t\n\r\f/>]*+)|!--|[!?/])")
_END, _COMMENT_END = re.compile(">"), re.compile("--!?>")
_ATTRIBUTE = re.compile(
    r"""(?P<name>[^ \t\n\r\f/>][^ \t\n\r\f/>=]*+)
    (?:[ \t\n\r\f]*+=[ \t\n\r\f]*+(?P<value>"[^"]*+"|'[^']*+'|(?!["'])[^ \t\n\r\f>]*+)|(?![ \t\n\r\f]*+=))""",
    re.VERBOSE,
)
_ATTRIBUTES = re.compile(rf"[ \t\n\r\f/]*+(?:{_ATTRIBUTE.pattern}[ \t\n\r\f/]*+)*+>", re.VERBOSE)
# What they contain is text, up to their end.
_RAW = {
    name: re.compile(rf"</{name}[ \t\n\r\f/>]", re.IGNORECASE)
    for name in ("iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp")
} | {"plaintext": re.compile("(?!)")}
# Only what is complete: `&copy=` is a parameter of a URL.
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")


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


def _tags(text: str) -> Iterator[tuple[str, int, int]]:
    """The start tags of a page: their names, and where what follows the name begins and ends.

    In time that grows with the page, whatever it is: what begins and does not end takes the rest of the page.
    """
    at = 0
    while begin := _MARKUP.search(text, at):
        name = begin["name"]
        if name is None:
            end = _COMMENT_END.search(text, begin.end() - 2) if begin[0] == "<!--" else _END.search(text, begin.end())
        else:
            end = _ATTRIBUTES.match(text, begin.end())
        if end is None:
            return
        at = end.end()
        if name is None or begin["end"]:
            continue
        name = name.lower()
        yield name, begin.end(), at
        if name in _RAW:
            end = _RAW[name].search(text, at)
            if end is None:
                return
            at = end.start()


def rewrite_html(page: bytes, rewrite: Callable[[str], str]) -> bytes:
    """The page with its links rewritten; whatever has none stays as it is, byte for byte. Raises TooLarge."""
    # One character for each byte: what is not ASCII is only carried along.
    text = page.decode("ascii", "surrogateescape")
    out, done = bytearray(), 0
    for name, begin, end in _tags(text):
        links = _LINKS.get(name)
        if links is None:
            continue
        for found in _ATTRIBUTE.finditer(text, begin, end):
            value = found["value"]
            if not value or found["name"].lower() not in links:
                continue
            url = _REFERENCE.sub(_character, value[1:-1] if value[0] in "\"'" else value)
            new = rewrite(url)
            if new != url:
                out += _encoded(f'{text[done : found.start("value")]}"{escape(new)}"')
                done = found.end("value")
                if len(out) > _MOST:
                    raise TooLarge
    return bytes(out + _encoded(text[done:]))


def _character(reference: re.Match[str]) -> str:
    return unescape(reference[0])


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


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
    """A page that is small only as long as it is packed, or not rewritten."""


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
