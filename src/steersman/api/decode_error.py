"""The error of input that is no object of its type."""

from __future__ import annotations

from steersman.api.errors import BadRequest


class DecodeError(BadRequest):
    """Broken JSON or YAML (`syntax`), a wrong type, a malformed quantity or time. The message is worded as in Go."""

    def __init__(self, message: str, *, syntax: bool = False) -> None:
        super().__init__(message)
        self.syntax = syntax
