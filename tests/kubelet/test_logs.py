"""Reading container logs: tail, follow, partial lines, rotation, since, limits."""

import asyncio
import os
from datetime import UTC, datetime

import pytest

from steersman.api.clock import FakeClock
from steersman.kubelet.logs import LogOptions, logged_pods, parse_line, read_logs, remove_logs, tail_text

STAMP = "2030-01-01T00:00:{:02d}.{:09d}Z"


def entry(text, second=0, stream="stdout", tag="F"):
    return f"{STAMP.format(second, 123456789)} {stream} {tag} {text}\n"


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "0.log"

    def write(*entries, mode="a"):
        with path.open(mode) as file:
            file.write("".join(entries))
        return str(path)

    return write


class Life:
    """Whether the container runs."""

    def __init__(self, alive=False):
        self.alive = alive

    async def __call__(self):
        return self.alive


async def read(path, alive=None, clock=None, **options):
    chunks = [c async for c in read_logs(path, LogOptions(**options), clock or FakeClock(), alive or Life())]
    return b"".join(chunks).decode()


async def test_all(log):
    assert await read(log(entry("a"), entry("b", stream="stderr"))) == "a\nb\n"


async def test_timestamps(log):
    assert await read(log(entry("a", 7)), timestamps=True) == f"{STAMP.format(7, 123456789)} a\n"


async def test_partial_entries_are_one_line(log):
    path = log(entry("abc", tag="P"), entry("def", tag="P"), entry("ghi"), entry("next"))
    assert await read(path) == "abcdefghi\nnext\n"
    assert (await read(path, timestamps=True)).count("2030") == 2


async def test_partial_entries_of_two_streams(log):
    path = log(entry("out", 1, tag="P"), entry("err", 2, "stderr"), entry("more", 3))
    assert await read(path, timestamps=True) == (
        f"{STAMP.format(1, 123456789)} out{STAMP.format(2, 123456789)} err\nmore\n"
    )


@pytest.mark.parametrize(
    ("lines", "expected"), [(0, ""), (1, "c\n"), (2, "b\nc\n"), (3, "a\nb\nc\n"), (9, "a\nb\nc\n"), (None, "a\nb\nc\n")]
)
async def test_tail(log, lines, expected):
    assert await read(log(*map(entry, "abc")), tail_lines=lines) == expected


async def test_tail_counts_whole_lines(log):
    path = log(entry("a"), entry("b", tag="P"), entry("B"), entry("c", tag="P"), entry("C"))
    assert await read(path, tail_lines=1) == "cC\n"
    assert await read(path, tail_lines=2) == "bB\ncC\n"


async def test_tail_of_a_long_log(log):
    path = log(*(entry(f"{i:05d}" + "x" * 100) for i in range(3000)))
    found = (await read(path, tail_lines=1500)).splitlines()
    assert len(found) == 1500
    assert found[0].startswith("01500")


@pytest.mark.parametrize(("limit", "expected"), [(0, ""), (1, "a"), (3, "abc"), (5, "abc\nd"), (99, "abc\ndef\n")])
async def test_limit(log, limit, expected):
    assert await read(log(entry("abc"), entry("def")), limit_bytes=limit) == expected


@pytest.mark.parametrize(("second", "expected"), [(0, "a\nb\nc\n"), (2, "b\nc\n"), (3, "c\n"), (4, "")])
async def test_since(log, second, expected):
    path = log(*(entry(t, s) for s, t in enumerate("abc", 1)))
    assert await read(path, since=datetime(2030, 1, 1, 0, 0, second, tzinfo=UTC)) == expected


async def test_since_in_a_long_log(log):
    """Parts of the file that hold nothing wanted do not end the reading."""
    path = log(*(entry("old" * 50, 1) for _ in range(2000)), entry("new", 9))
    assert await read(path, since=datetime(2030, 1, 1, 0, 0, 5, tzinfo=UTC)) == "new\n"


@pytest.mark.parametrize(("stream", "expected"), [("All", "o\ne\n"), ("Stdout", "o\n"), ("Stderr", "e\n")])
async def test_stream(log, stream, expected):
    assert await read(log(entry("o"), entry("e", stream="stderr")), stream=stream) == expected


async def test_a_file_cut_by_a_crash(log):
    path = log(entry("a"), "garbage\n", "2030 nowhere F x\n", entry("b"), "2030-01-01T00:00:00Z stdout F hal")
    assert await read(path) == "a\nb\n"


async def test_no_log_yet(tmp_path):
    with pytest.raises(FileNotFoundError):
        await read(str(tmp_path / "none"))


class Following:
    """A follower at work: `got` is what it has read so far."""

    def __init__(self, path, **options):
        self.got, self.life, self.clock = "", Life(True), FakeClock()
        self.task = asyncio.ensure_future(self._run(path, options))

    async def _run(self, path, options):
        async for chunk in read_logs(path, LogOptions(follow=True, **options), self.clock, self.life):
            self.got += chunk.decode()

    async def look(self):
        await self.clock.advance(0.25)
        return self.got

    async def end(self):
        self.life.alive = False
        await self.clock.advance(1)
        await self.task
        return self.got


async def test_follow(log):
    following = Following(log(entry("a")))
    assert await following.look() == "a\n"
    log(entry("b"))
    assert await following.look() == "a\nb\n"
    log(entry("c"))
    assert await following.end() == "a\nb\nc\n"


async def test_follow_from_the_tail(log):
    following = Following(log(entry("a"), entry("b")), tail_lines=1)
    assert await following.look() == "b\n"
    log(entry("c"))
    assert await following.end() == "b\nc\n"


async def test_follow_a_line_that_is_written_in_pieces(log):
    text = entry("whole")
    following = Following(log(text[:40]))
    assert await following.look() == ""
    log(text[40:])
    assert await following.end() == "whole\n"


async def test_follow_over_a_rotation(log, tmp_path):
    following = Following(log(entry("a")))
    await following.look()
    log(entry("late"))
    os.rename(tmp_path / "0.log", tmp_path / "0.log.1")
    log(entry("b"))
    assert await following.end() == "a\nlate\nb\n"


async def test_follow_until_the_limit(log):
    following = Following(log(entry("a")), limit_bytes=3)
    await following.look()
    log(entry("bcd"))
    await following.clock.advance(1)
    await following.task
    assert following.got == "a\nb"


def test_parse_line():
    assert parse_line(b"t stdout P:x some text").partial
    assert parse_line(b"t stdout F").text == b""
    assert parse_line(b"t nothing F x") is None
    assert parse_line(b"short") is None


def test_tail_text(log):
    path = log(*(entry(f"line {i}") for i in range(10)))
    assert tail_text(path, 1000, 2) == "line 8\nline 9\n"
    assert tail_text(path, 4, 2) == "e 9\n"


def test_log_directories(tmp_path):
    for name in ("default_web_u1", "default_web_u2", "odd"):
        (tmp_path / name / "c").mkdir(parents=True)
    assert logged_pods(tmp_path) == {"u1", "u2"}
    remove_logs(tmp_path, "u1")
    remove_logs(tmp_path, "u1")
    assert logged_pods(tmp_path) == {"u2"}
    assert logged_pods(tmp_path / "none") == set()


def test_logs_that_cannot_be_removed_are_told_of(tmp_path):
    (tmp_path / "default_web_u1").write_text("a file where a directory should be")
    with pytest.raises(NotADirectoryError):
        remove_logs(tmp_path, "u1")
