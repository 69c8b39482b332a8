"""Request heads: the request line and the header fields, and what they say of the body and the connection.

Read strictly. What another program on the way could read differently is refused, because whoever can make two of them disagree
about where a request ends can put words into somebody else's mouth.
"""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterator, Mapping
from urllib.parse import quote, unquote

from steersman.http.limits import MAX_BLOCK, MAX_FIELD, MAX_FIELDS, MAX_LINE, Malformed

CHUNKED = -1
"""The length of a body that comes in chunks."""

_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}) ([^\x00-\x20\x7f]+) HTTP/1\.([01])").fullmatch
_OTHER_VERSION = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [^\x00-\x20\x7f]+ HTTP/[0-9](\.[0-9])?").fullmatch
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII).fullmatch
_ABSOLUTE = re.compile(r"https?://[^/?#]+", re.IGNORECASE).match

_REMEMBERED = 256
_REMEMBERED_SIZE = 4096


class _Repeated(Mapping[str, str]):
    """Header fields of which some come more than once: the first counts, but all of them are items."""

    __slots__ = ("_first", "pairs")

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs
        self._first: dict[str, str] = {}
        for name, value in pairs:
            self._first.setdefault(name, value)

    def __getitem__(self, name: str) -> str:
        return self._first[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def items(self) -> ItemsView[str, str]:
        return _Pairs(self)


class _Pairs(ItemsView[str, str]):
    def __init__(self, fields: _Repeated) -> None:
        super().__init__(fields)
        self._pairs = fields.pairs

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)


def of_pairs(pairs: list[tuple[str, str]]) -> Mapping[str, str]:
    """Header fields, of which some may come more than once; their names are in lower case."""
    headers = dict(pairs)
    return headers if len(headers) == len(pairs) else _Repeated(pairs)


class Fields:
    """The header fields of a request. Shared by all requests that have the same, so nothing in it may be changed.

    `length` is that of the body, or `CHUNKED`. `close` and `keep` are the wishes for the connection, `expects` that for a word
    before the body is sent.
    """

    __slots__ = ("close", "expects", "has_host", "headers", "keep", "length", "upgrade")

    def __init__(self, block: bytes) -> None:
        pairs = _pairs(block)
        headers = of_pairs(pairs)
        if isinstance(headers, _Repeated):
            _check_single(pairs)
        self.headers = headers
        self.length = _length(headers)
        self.has_host = "host" in headers
        self.upgrade = "upgrade" in headers
        self.expects = _expects(headers.get("expect"))
        self.close = self.keep = False
        if "connection" in headers:
            wishes = {w.strip().lower() for n, v in pairs if n == "connection" for w in v.split(",")}
            self.close, self.keep = "close" in wishes, "keep-alive" in wishes


def _pairs(block: bytes) -> list[tuple[str, str]]:
    lines = block.split(b"\r\n")
    if len(lines) > MAX_FIELDS + 1:
        raise Malformed("too many header fields", 431)
    pairs = []
    for line in lines[:-1]:
        if len(line) > MAX_FIELD:
            raise Malformed("a header field is too large", 431)
        name, colon, value = line.partition(b":")
        # A line that begins with a space, once a continuation of the one before, has no name either.
        if not colon or not _NAME(name):
            raise Malformed("malformed header field")
        value = value.strip(b" \t")
        if _CONTROL(value):
            raise Malformed("malformed value of a header field")
        pairs.append((name.decode("ascii").lower(), value.decode("utf-8", "surrogateescape")))
    return pairs


def _check_single(pairs: list[tuple[str, str]]) -> None:
    names = [name for name, _ in pairs]
    for name in ("host", "content-length", "transfer-encoding"):
        if names.count(name) > 1:
            raise Malformed(f"more than one {name}")


def _length(headers: Mapping[str, str]) -> int:
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    if coding is not None:
        if length is not None:
            raise Malformed("both content-length and transfer-encoding")
        if coding.lower() != "chunked":
            raise Malformed("unsupported transfer-encoding", 501)
        return CHUNKED
    if length is None:
        return 0
    if not _LENGTH(length):
        raise Malformed("malformed content-length")
    return int(length)


def _expects(expectation: str | None) -> bool:
    if expectation is None:
        return False
    if expectation.lower() != "100-continue":
        raise Malformed("unknown expectation", 417)
    return True


class Memory:
    """Header fields that were read before: clients send the same with most of their requests."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, Fields] = {}

    def fields(self, block: bytes) -> Fields:
        """The header fields in these lines, each with its end. Raises Malformed."""
        known = self._known.get(block)
        if known is None:
            known = Fields(block)
            if len(block) <= _REMEMBERED_SIZE:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[block] = known
        return known


def check_sizes(line: int, block: int) -> None:
    """Whether a request line and the header fields may be so many bytes long. Raises Malformed."""
    if line > MAX_LINE:
        raise Malformed("the request line is too long", 414)
    if block > MAX_BLOCK:
        raise Malformed("the header fields are too large", 431)


def check_version(fields: Fields, current: bool) -> None:
    """Whether these are for that version of HTTP: 1.1, or before it. Raises Malformed."""
    if current:
        if not fields.has_host:
            raise Malformed("missing host")
    elif fields.length == CHUNKED:
        raise Malformed("transfer-encoding in HTTP/1.0")


def check_partial(ahead: bytes | bytearray, searched: int) -> None:
    """Whether a head that is not complete can become one; what has been looked at before is left out. Raises Malformed."""
    newline = ahead.find(b"\n", searched)
    while newline >= 0:
        if newline == 0 or ahead[newline - 1] != 13:
            raise Malformed("a line ends without a carriage return")
        newline = ahead.find(b"\n", newline + 1)
    if len(ahead) > MAX_LINE:
        line = ahead.find(b"\r\n", 0, MAX_LINE + 2)
        check_sizes(MAX_LINE + 1 if line < 0 else 0, len(ahead) - line)


_TARGET = "".join(chr(code) for code in range(0x21, 0x7F))


def is_text(value: str) -> bool:
    """Whether a field's value is UTF-8, which it need not be: what is not can be written nowhere else."""
    return value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value)


def request_line(line: bytes) -> tuple[str, str, bool]:
    """Method, target (a path with its query) and whether the version is 1.1, not 1.0. Raises Malformed."""
    match = _LINE(line)
    if match is None:
        if _OTHER_VERSION(line):
            raise Malformed("unsupported version of HTTP", 505)
        raise Malformed("malformed request line")
    method = match[1].decode("ascii")
    # Some write other bytes than ASCII as they are, instead of escapes; they need not even be UTF-8.
    target = match[2].decode("ascii") if match[2].isascii() else quote(match[2], _TARGET)
    if target[0] != "/":
        target = _path_of(method, target)
    return method, target, match[3] == b"1"


def _path_of(method: str, target: str) -> str:
    """The path of a target that is written in another form."""
    if target == "*" and method == "OPTIONS":
        return target
    authority = _ABSOLUTE(target)
    if authority is None:
        raise Malformed("malformed request target")
    rest = target[authority.end() :]
    return rest if rest.startswith("/") else "/" + rest


def decode_path(raw: str) -> str:
    """A path with its escapes decoded, except escaped slashes, which stay inside their segment."""
    if "%" not in raw:
        return raw
    if "%2f" not in raw.lower():
        return unquote(raw)
    return "/".join("%2F".join(unquote(p) for p in s.replace("%2f", "%2F").split("%2F")) for s in raw.split("/"))
