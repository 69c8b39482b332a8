"""Indexes of a job's pods as they are written: "1,3-5,7"."""

from __future__ import annotations

import re

_NUMBER = re.compile("(?=.*[0-9])([+-]?)0*([0-9]*)", re.ASCII)
_MAX_INT = 2**63 - 1
_MOST_DIGITS = 19

Interval = tuple[int, int]


class IndexesError(ValueError):
    """Why a text names no indexes."""


def parse_intervals(text: str, completions: int) -> list[Interval]:
    """The first and last number of each interval, in rising order and less than `completions`."""
    out: list[Interval] = []
    for part in text.split(",") if text else ():
        first, last = _parse_one(part, completions)
        if out and out[-1][1] >= first:
            raise IndexesError(f"non-increasing order, previous: {out[-1][1]}, current: {first}")
        out.append((first, last))
    return out


def count(intervals: list[Interval]) -> int:
    return sum(last - first + 1 for first, last in intervals)


def overlap(a: list[Interval], b: list[Interval]) -> int | None:
    """The first index that is in both."""
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i][0] <= b[j][1] and b[j][0] <= a[i][1]:
            return max(a[i][0], b[j][0])
        if a[i][0] <= b[j][0]:
            i += 1
        else:
            j += 1
    return None


def _parse_one(part: str, completions: int) -> Interval:
    limits = part.split("-")
    if len(limits) > 2:
        raise IndexesError(
            f'the fragment "{part}" violates the requirement that an index interval can have at most two parts '
            "separated by '-'"
        )
    numbers = [_parse_number(text, completions) for text in limits]
    if len(numbers) > 1 and numbers[0] >= numbers[1]:
        raise IndexesError(f"non-increasing order, previous: {numbers[0]}, current: {numbers[1]}")
    return numbers[0], numbers[-1]


def _parse_number(text: str, completions: int) -> int:
    found = _NUMBER.fullmatch(text)
    # Longer ones are no integers in Go, and none that Python would read.
    number = int(f"{found[1]}{found[2] or 0}") if found and len(found[2]) <= _MOST_DIGITS else _MAX_INT + 1
    if not -_MAX_INT <= number <= _MAX_INT:
        raise IndexesError(f'cannot convert string to integer for index: "{text}"')
    if number >= completions:
        raise IndexesError(f'too large index: "{text}"')
    return number
