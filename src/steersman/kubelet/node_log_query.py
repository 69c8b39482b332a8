"""Questions about logs of the node (`/logs/?query=kubelet`): what services wrote, from the journal or from files below /var/log."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from steersman.api import field
from steersman.api.http import Response
from steersman.api.meta import parse_time
from steersman.http import programs
from steersman.kubelet import node_logs
from steersman.kubelet.server_paths import parse_query

MOST_SERVICES, LONGEST_SERVICE, MOST_LINES = 4, 256, 100_000
# How long the journal may take, in seconds.
PATIENCE = 30.0
_TEXT = {"Content-Type": "text/plain;charset=UTF-8"}
_UNSAFE = re.compile(r"[^a-zA-Z\-_.:0-9@]")
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Services or one file, and how much of the services' logs."""

    services: Sequence[str] = ()
    files: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    lines: int | None = None
    boot: int | None = None
    pattern: str = ""

    @property
    def optioned(self) -> bool:
        return bool(self.pattern) or any(v is not None for v in (self.since, self.until, self.lines, self.boot))


def parse(query: str) -> Query | Response | None:
    """What is asked; None when nothing is, and the answer to what cannot be understood."""
    given = parse_query(query)
    errors: field.Errors = []
    asked = given.get("query", [])
    files = [one for one in asked if "/" in one or "\\" in one]
    services = [one for one in asked if one not in files and one.strip()]
    if "query" in given and not files and not services:
        errors.append(field.invalid(field.Path("query"), asked, "may not be empty"))
    times: dict[str, datetime | None] = {}
    numbers: dict[str, int | None] = {}
    for name in ("sinceTime", "untilTime"):
        text = given.get(name, [""])[0]
        try:
            times[name] = parse_time(text).astimezone(UTC) if text else None
        except (ValueError, OverflowError):
            errors.append(field.invalid(field.Path(name), text, "invalid time format"))
    for name in ("boot", "tailLines"):
        text = given.get(name, [""])[0]
        if text and not re.fullmatch(r"[+-]?[0-9]{1,18}", text, re.ASCII):
            why = f"strconv.Atoi: parsing {field.quote(text)}: invalid syntax"
            errors.append(field.invalid(field.Path(name), text, why))
        else:
            numbers[name] = int(text) if text else None
    pattern = given.get("pattern", [""])[0]
    if "\0" in pattern:
        errors.append(field.invalid(field.Path("pattern"), pattern, "input contains unsupported characters"))
    if errors:
        return _refusal(400, errors)
    found = Query(
        services=services,
        files=files,
        since=times["sinceTime"],
        until=times["untilTime"],
        lines=numbers["tailLines"],
        boot=numbers["boot"],
        pattern=pattern,
    )
    return found if found != Query(services=[], files=[]) else None


async def answer(query: Query, folder: Path, path: str) -> Response:
    """What is below the folder, or in the journal."""
    if path:
        return Response(406, node_logs.TEXT, b"path not allowed in query mode\n")
    problems = problems_of(query) + await asyncio.to_thread(_missing, query.files, folder)
    if problems:
        return _refusal(406, problems)
    if query.files:
        return await node_logs.answer(folder, query.files[0].replace("\\", "/"))
    return Response(200, _TEXT, _services(query, folder))


def problems_of(query: Query) -> field.Errors:
    """What is wrong with a question that can be understood."""
    at = field.Path("query")
    errors: field.Errors = []
    for service in query.services:
        if len(service) > LONGEST_SERVICE:
            errors.append(field.invalid(at, service, f"length must be less than {LONGEST_SERVICE}"))
        elif _UNSAFE.search(service):
            errors.append(field.invalid(at, service, "input contains unsupported characters"))
    if len(query.services) > MOST_SERVICES:
        errors.append(field.too_many(at, len(query.services), MOST_SERVICES))
    if not query.files and not query.services:
        errors.append(field.required(at, "cannot be empty with options"))
    elif query.files and query.services:
        errors.append(field.invalid(at, f"{query.files}, {query.services}", "cannot specify a file and service"))
    elif len(query.files) > 1:
        errors.append(field.invalid(at, query.files, "cannot specify more than one file"))
    elif query.files and query.optioned:
        errors.append(field.invalid(at, query.files, "cannot specify file with options"))
    if query.since and query.until and query.since > query.until:
        errors.append(field.invalid(field.Path("untilTime"), query.until.isoformat(), "must be after `sinceTime`"))
    if query.boot is not None and query.boot > 0:
        errors.append(field.invalid(field.Path("boot"), query.boot, "must be less than 1"))
    if query.lines is not None and not 0 <= query.lines <= MOST_LINES:
        text = f"must be between 0 and {MOST_LINES}, inclusive"
        errors.append(field.invalid(field.Path("tailLines"), query.lines, text))
    return errors


def _missing(files: Sequence[str], folder: Path) -> field.Errors:
    if len(files) != 1:
        return []
    try:
        found = node_logs.open_below(folder, files[0].replace("\\", "/"))
    except OSError:
        text = "no such file or directory"
        return [field.invalid(field.Path("query"), list(files), f"statat {files[0]}: {text}")]
    if isinstance(found, node_logs.Opened):
        found.close()
    return []


def journal_arguments(query: Query, services: Sequence[str]) -> list[str]:
    """The journalctl command for services that log there."""
    command = ["journalctl", "--utc", "--no-pager", "--output=short-precise"]
    for name, when in (("since", query.since), ("until", query.until)):
        if when is not None:
            command.append(f"--{name}={when:%Y-%m-%d %H:%M:%S}")
    if query.lines is not None:
        command += ["--pager-end", f"--lines={query.lines}"]
    command += [f"--unit={service}" for service in services]
    if query.pattern:
        command.append(f"--grep={query.pattern}")
    if query.boot is not None:
        command += ["--boot", str(query.boot)]
    return command


async def _services(query: Query, folder: Path) -> AsyncIterator[bytes]:
    units = b"".join([chunk async for chunk in _output(["journalctl", "--field", "_SYSTEMD_UNIT"])]).decode(
        errors="replace"
    )
    native = [service for service in query.services if f"{service}.service" in units]
    if native:
        async for chunk in _output(journal_arguments(query, native)):
            yield chunk
    others = [service for service in query.services if service not in native]
    if others and query.optioned:
        text = f"\noptions present and query resolved to log files for [{' '.join(others)}]\ntry without specifying options\n"
        yield text.encode()
        return
    for service in others:
        async for chunk in _file(folder, service):
            yield chunk


async def _file(folder: Path, service: str) -> AsyncIterator[bytes]:
    """The first of the files that a service may write."""
    for name in (service, f"{service}.log", f"{service}/{service}.log"):
        try:
            found = await asyncio.to_thread(node_logs.open_below, folder, name)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield f"\nerror getting log for {service}: {error.strerror}\n".encode()
            return
        if isinstance(found, node_logs.Opened):
            async for chunk in node_logs.read(found):
                yield chunk
            return
    yield f"\nlog not found for {service}\n".encode()


async def _output(command: Sequence[str]) -> AsyncIterator[bytes]:
    """What a command writes, for as long as it may take; nothing where there is no such command."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    try:
        async with programs.running(command, join_errors=True) as (_, output):
            while chunk := await asyncio.wait_for(output.read(_CHUNK), max(0.0, end - loop.time())):
                yield chunk
    except TimeoutError:
        yield b"\ncontext error: context deadline exceeded\n"
    except OSError:
        return


def _refusal(status: int, errors: field.Errors) -> Response:
    return Response(status, node_logs.TEXT, f"{field.aggregate(errors)}\n".encode())
