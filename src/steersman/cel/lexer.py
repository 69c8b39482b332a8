"""Text to tokens, with the values of literals. Linear in the length of the text whatever it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

from steersman.cel.errors import CompileError, Issue

MAX_LENGTH = 100_000
"""The most code points an expression may have."""

_TOKEN = re.compile(
    r"""
      (?P<space>(?:[\t \r\n\f]+|//[^\n]*)+)
    | (?P<text>[bB]?[rR]?(?:"|'))
    | (?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
    | (?P<uint>0x[0-9a-fA-F]+[uU]|\d+[uU])
    | (?P<int>0x[0-9a-fA-F]+|\d+)
    | (?P<ident>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<quoted>`[A-Za-z0-9_.\-/ ]+`)
    | (?P<op>==|!=|<=|>=|&&|\|\||[-\[\](){}<>.,!?:+*/%])
    """,
    re.VERBOSE | re.ASCII,
)
_ENDS = {
    ("'", False): re.compile(r"(?:[^\\'\r\n]|\\.)*'", re.DOTALL),
    ('"', False): re.compile(r'(?:[^\\"\r\n]|\\.)*"', re.DOTALL),
    ("'''", False): re.compile(r"(?:[^\\]|\\.)*?'''", re.DOTALL),
    ('"""', False): re.compile(r'(?:[^\\]|\\.)*?"""', re.DOTALL),
    ("'", True): re.compile(r"[^'\r\n]*'"),
    ('"', True): re.compile(r'[^"\r\n]*"'),
    ("'''", True): re.compile(r".*?'''", re.DOTALL),
    ('"""', True): re.compile(r'.*?"""', re.DOTALL),
}
_ESCAPE = re.compile(
    r"\\(?:(?P<char>[abfnrtv\"'\\?`])|[xX](?P<hex>[0-9a-fA-F]{2})|(?P<oct>[0-3][0-7]{2})"
    r"|u(?P<u4>[0-9a-fA-F]{4})|U(?P<u8>[0-9a-fA-F]{8})|(?P<bad>.?))",
    re.DOTALL,
)
_CHARS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is "int", "uint", "float", "string", "bytes", "ident", "quoted", "end", or an operator's own text."""

    kind: str
    offset: int
    text: str
    value: Any = None


def tokenize(source: str) -> list[Token]:
    """The tokens of a text, the last one of kind "end". Raises CompileError."""
    if len(source) > MAX_LENGTH:
        message = f"expression code point size exceeds limit: size: {len(source)}, limit {MAX_LENGTH}"
        raise CompileError("", [Issue(-1, message)])
    tokens: list[Token] = []
    at, end = 0, len(source)
    while at < end:
        found = _TOKEN.match(source, at)
        if found is None:
            _unrecognized(source, at, at + 1)
        kind = found.lastgroup or ""
        text = found.group()
        if kind == "text":
            token = _string(source, at, text)
            tokens.append(token)
            at += len(token.text)
            continue
        if kind != "space":
            tokens.append(Token(text if kind == "op" else kind, at, text))
        at = found.end()
    tokens.append(Token("end", end, "<EOF>"))
    return tokens


def _unrecognized(source: str, start: int, end: int) -> NoReturn:
    raise CompileError(source, [Issue(start, f"Syntax error: token recognition error at: '{source[start:end]}'")])


def _string(source: str, start: int, opening: str) -> Token:
    """The string or bytes literal that begins at `start`."""
    prefix, quote = opening[:-1].lower(), opening[-1]
    at = start + len(opening) - 1
    if source.startswith(quote * 3, at):
        quote *= 3
    raw = "r" in prefix
    found = _ENDS[quote, raw].match(source, at + len(quote))
    if found is None:
        _unrecognized(source, start, min(len(source), start + 32))
    body = found.group()[: -len(quote)]
    whole = source[start : found.end()]
    if "b" in prefix:
        return Token("bytes", start, whole, body.encode("utf-8", "replace") if raw else _bytes(source, start, body))
    return Token("string", start, whole, body if raw else _text(source, start, body))


def _text(source: str, start: int, body: str) -> str:
    if "\\" not in body:
        return body
    parts, last = [], 0
    for found in _ESCAPE.finditer(body):
        parts.append(body[last : found.start()])
        kind, text = found.lastgroup or "", found.group(found.lastgroup or 0)
        if kind == "bad":
            _unrecognized(source, start, start + found.end() + 1)
        parts.append(_CHARS.get(text, text) if kind == "char" else _rune(source, start, kind, text))
        last = found.end()
    parts.append(body[last:])
    return "".join(parts)


def _rune(source: str, start: int, kind: str, text: str) -> str:
    code = int(text, 8 if kind == "oct" else 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise CompileError(source, [Issue(start, "invalid unicode code point")])
    return chr(code)


def _bytes(source: str, start: int, body: str) -> bytes:
    parts, last = [], 0
    for found in _ESCAPE.finditer(body):
        parts.append(body[last : found.start()].encode("utf-8", "replace"))
        kind, text = found.lastgroup or "", found.group(found.lastgroup or 0)
        if kind in ("bad", "u4", "u8"):
            _unrecognized(source, start, start + found.end() + 1)
        if kind == "char":
            parts.append(_CHARS.get(text, text).encode())
        else:
            parts.append(bytes([int(text, 8 if kind == "oct" else 16)]))
        last = found.end()
    parts.append(body[last:].encode("utf-8", "replace"))
    return b"".join(parts)
