"""Expands `$(NAME)` references in commands, arguments and environment values as Kubernetes does."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(\$|\(([^)]*)\)|.|$)", re.DOTALL)


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$(NAME)` becomes its value, or stays as it is when unknown; `$$` is a plain dollar."""
    if "$" not in text:
        return text

    def replace(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        name = match[2]
        if name is None:
            return match[0]
        return values.get(name, match[0])

    return _REFERENCE.sub(replace, text)
