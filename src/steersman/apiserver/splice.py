"""Puts the resourceVersion into stored bytes, and takes it out: only the store knows it, so it is not stored."""

from __future__ import annotations

METADATA = b'"metadata":{'
"""Opens the metadata, the third member of an object after kind and apiVersion, whose values cannot contain it."""

VERSION = b'"resourceVersion":"'


def splice(value: bytes, revision: int) -> bytes:
    """The object with `resourceVersion` as the first member of its metadata. ValueError if it has no metadata."""
    at = value.index(METADATA) + len(METADATA)
    # 125 is "}": empty metadata has nothing to be parted from.
    end = b'"' if value[at] == 125 else b'",'
    return b"%b%b%d%b%b" % (value[:at], VERSION, revision, end, value[at:])


def unsplice(body: bytes) -> bytes:
    """What `splice` was given; bytes without a resourceVersion in that place come back as they are."""
    at = body.index(METADATA) + len(METADATA)
    if not body.startswith(VERSION, at):
        return body
    end = body.index(b'"', at + len(VERSION)) + 1
    if body[end : end + 1] == b",":
        end += 1
    return body[:at] + body[end:]
