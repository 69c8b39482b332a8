"""The kubelet API's paths: which pod, container and options a request means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from steersman.api.errors import BadRequest
from steersman.api.meta import parse_time
from steersman.kubelet.logs import LogOptions

# Of the largest number of 64 bits.
_DIGITS = 19


@dataclass(frozen=True, slots=True)
class Target:
    """`container` is empty for port-forward; `uid` is empty unless the path names it."""

    verb: str
    namespace: str
    pod: str
    container: str = ""
    uid: str = ""


def parse_target(path: str) -> Target | None:
    """`/<verb>/<namespace>/<pod>[/<uid>]/<container>` for containerLogs, exec, attach and run; portForward has no container."""
    match path.strip("/").split("/"):
        case ["containerLogs" | "exec" | "attach" | "run" as verb, namespace, pod, container]:
            return Target(verb, namespace, pod, container)
        case ["exec" | "attach" | "run" as verb, namespace, pod, uid, container]:
            return Target(verb, namespace, pod, container, uid)
        case ["portForward", namespace, pod]:
            return Target("portForward", namespace, pod)
        case ["portForward", namespace, pod, uid]:
            return Target("portForward", namespace, pod, uid=uid)
    return None


def parse_query(query: str) -> dict[str, list[str]]:
    return parse_qs(query, keep_blank_values=True)


def flag(query: dict[str, list[str]], name: str) -> bool:
    return query.get(name, [""])[-1] in ("1", "true")


def log_options(query: dict[str, list[str]], now: datetime) -> tuple[LogOptions, bool]:
    """PodLogOptions from a query, and whether the previous run's log is meant. Raises BadRequest."""
    since = None
    if seconds := _number(query, "sinceSeconds"):
        try:
            since = now - timedelta(seconds=seconds)
        except OverflowError:
            # Longer ago than there is time: everything is newer.
            since = None
    elif text := query.get("sinceTime", [""])[-1]:
        try:
            since = parse_time(text)
        except ValueError as error:
            raise BadRequest(f"invalid sinceTime {text!r}: {error}") from error
    options = LogOptions(
        follow=flag(query, "follow"),
        timestamps=flag(query, "timestamps"),
        tail_lines=_number(query, "tailLines"),
        limit_bytes=_number(query, "limitBytes"),
        since=since,
        stream=query.get("stream", ["All"])[-1] or "All",
    )
    return options, flag(query, "previous")


def _number(query: dict[str, list[str]], name: str) -> int | None:
    text = query.get(name, [""])[-1]
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS:
        raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)
