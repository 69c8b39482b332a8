"""Questions about services' logs."""

import asyncio
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from steersman.api.http import Response
from steersman.kubelet.node_log_query import Query, answer, journal_arguments, parse, problems_of

EARLY, LATE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)


async def text(response):
    return (
        response.body.decode()
        if isinstance(response.body, bytes)
        else b"".join([c async for c in response.body]).decode()
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", None),
        ("x=1", None),
        ("query=kubelet&query=crio", Query(services=["kubelet", "crio"], files=[])),
        ("query=/a.log", Query(services=[], files=["/a.log"])),
        ("query=a%5Cb", Query(services=[], files=["a\\b"])),
        (
            "query=k&sinceTime=2026-01-02T03:04:05Z&tailLines=10&boot=-1&pattern=e.r",
            Query(services=["k"], files=[], since=EARLY, lines=10, boot=-1, pattern="e.r"),
        ),
        ("tailLines=5", Query(services=[], files=[], lines=5)),
    ],
)
def test_what_is_asked(query, found):
    assert parse(query) == found


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("query=", 'query: Invalid value: [""]: may not be empty\n'),
        ("query=%20%20", 'query: Invalid value: ["  "]: may not be empty\n'),
        ("query=a&sinceTime=soon", 'sinceTime: Invalid value: "soon": invalid time format\n'),
        ("query=a&sinceTime=0001-01-01T00:00:00%2B23:00",
         'sinceTime: Invalid value: "0001-01-01T00:00:00+23:00": invalid time format\n'),
        ("query=a&pattern=%00", 'pattern: Invalid value: "\\x00": input contains unsupported characters\n'),
        ("query=a&tailLines=x", 'tailLines: Invalid value: "x": strconv.Atoi: parsing "x": invalid syntax\n'),
    ],
)  # fmt: skip
async def test_what_cannot_be_understood(query, said):
    found = parse(query)
    assert isinstance(found, Response)
    assert (found.status, await text(found)) == (400, said)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (Query(lines=5), "query: Required value: cannot be empty with options"),
        (Query(services=["a" * 257]), "length must be less than 256"),
        (Query(services=["a;b"]), 'query: Invalid value: "a;b": input contains unsupported characters'),
        (Query(services=["--root=x y"]), "input contains unsupported characters"),
        (Query(services=list("abcde")), "query: Too many: 5: must have at most 4 items"),
        (Query(services=["a"], files=["/b"]), "cannot specify a file and service"),
        (Query(files=["/a", "/b"]), "cannot specify more than one file"),
        (Query(files=["/a"], pattern="x"), "cannot specify file with options"),
        (Query(services=["a"], since=LATE, until=EARLY), "must be after `sinceTime`"),
        (Query(services=["a"], boot=1), "boot: Invalid value: 1: must be less than 1"),
        (Query(services=["a"], lines=100_001), "must be between 0 and 100000, inclusive"),
    ],
)
def test_what_is_wrong(query, said):
    (error,) = problems_of(query)
    assert said in str(error)


def test_the_journal_is_asked():
    query = Query(services=["kubelet"], since=EARLY, until=LATE, lines=10, boot=0, pattern="x y")
    assert journal_arguments(query, ["kubelet"]) == [
        "journalctl", "--utc", "--no-pager", "--output=short-precise", "--since=2026-01-02 03:04:05",
        "--until=2026-01-02 03:04:06", "--pager-end", "--lines=10", "--unit=kubelet", "--grep=x y", "--boot", "0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "query", "status", "said"),
    [
        ("a", "query=a", 200, "text"),
        ("a.log", "query=a", 200, "text"),
        ("a/a.log", "query=a", 200, "text"),
        ("b", "query=a", 200, "\nlog not found for a\n"),
        ("a", "query=a&tailLines=3", 200,
         "\noptions present and query resolved to log files for [a]\ntry without specifying options\n"),
        ("a", "query=/a", 200, "text"),
        ("a", "query=/../a", 406, 'query: Invalid value: ["/../a"]: statat /../a: no such file or directory\n'),
        ("a", "query=/b", 406, 'query: Invalid value: ["/b"]: statat /b: no such file or directory\n'),
    ],
)  # fmt: skip
async def test_files_of_services(tmp_path, monkeypatch, file, query, status, said):
    # No journal: what there is are files.
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "log" / file).parent.mkdir(parents=True)
    (tmp_path / "log" / file).write_text("text")
    response = await answer(parse(query), tmp_path / "log", "")
    assert (response.status, await text(response)) == (status, said)


async def test_the_journal_answers(tmp_path, monkeypatch):
    script = tmp_path / "journalctl"
    script.write_text('#!/bin/sh\nif [ "$1" = --field ]; then echo kubelet.service; else echo "$@"; fi\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    query = parse(urlencode({"query": "kubelet", "pattern": "x;y"}))
    assert "--unit=kubelet --grep=x;y\n" in await text(await answer(query, tmp_path, ""))


async def test_who_leaves_while_the_journal_writes(tmp_path, monkeypatch):
    script = tmp_path / "journalctl"
    script.write_text('#!/bin/sh\nif [ "$1" = --field ]; then echo kubelet.service; else yes; fi\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    response = await answer(parse("query=kubelet"), tmp_path, "")
    async with asyncio.timeout(60):
        async for chunk in response.body:
            assert chunk.startswith(b"y\n")
            break
        await response.body.aclose()


async def test_a_path_beside_a_question(tmp_path):
    response = await answer(parse("query=a"), tmp_path, "messages")
    assert (response.status, await text(response)) == (406, "path not allowed in query mode\n")
