"""/healthz and its checks by name, in the words of Kubernetes' components."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from steersman.api.errors import NotFound
from steersman.api.http import Response

_TEXT = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
Check = Callable[[], str]
"""Says what is wrong; nothing when all is well."""


def answer(checks: Mapping[str, Check], name: str, query: str, told: Callable[[str, bool], None]) -> Response:
    """`name` is the check that is meant, or empty for all of them, of which `told` hears how each went. Raises NotFound."""
    if name:
        if name not in checks:
            raise NotFound("404 page not found")
        problem = checks[name]()
        text = f"internal server error: {problem}\n" if problem else "ok"
        return Response(500 if problem else 200, _TEXT, text.encode())
    options = parse_qs(query, keep_blank_values=True)
    excluded = set(options.get("exclude", ()))
    failed, lines = [], []
    for known, check in checks.items():
        if known in excluded:
            lines.append(f"[+]{known} excluded: ok\n")
            continue
        problem = check()
        told(known, not problem)
        if problem:
            failed.append(known)
            lines.append(f"[-]{known} failed: reason withheld\n")
        else:
            lines.append(f"[+]{known} ok\n")
    if strange := sorted(excluded - checks.keys()):
        words = ", ".join(f'"{one}"' for one in strange)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {words}\n")
    if failed:
        return Response(500, _TEXT, f"{''.join(lines)}healthz check failed\n".encode())
    if "verbose" in options:
        return Response(200, _TEXT, f"{''.join(lines)}healthz check passed\n".encode())
    return Response(200, _TEXT, b"ok")
