"""What is remembered for bytes, and what is forgotten."""

from __future__ import annotations

from steersman.api.memo import Memo, short


def test_a_value_is_remembered_for_its_bytes_and_subject() -> None:
    memo: Memo[int] = Memo()
    memo.put("pods", b"a", 1)
    memo.put("nodes", b"a", 2)
    assert (memo.get("pods", b"a"), memo.get("nodes", b"a")) == (1, 2)
    assert memo.get("pods", b"b") is None


def test_the_oldest_is_forgotten_when_there_are_too_many() -> None:
    memo: Memo[int] = Memo(entries=2)
    for number, data in enumerate((b"a", b"b", b"c")):
        memo.put("", data, number)
    assert [memo.get("", data) for data in (b"a", b"b", b"c")] == [None, 1, 2]


def test_what_is_large_is_not_remembered() -> None:
    memo: Memo[int] = Memo(largest=3)
    memo.put("", b"four", 1)
    assert memo.get("", b"four") is None


def test_what_is_made_of_long_texts_is_not_remembered() -> None:
    asked: list[str] = []

    @short(2, 5)
    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    assert [length(text) for text in ("short", "short", "longer", "longer", "a", "b", "short")] == [5, 5, 6, 6, 1, 1, 5]
    assert asked == ["short", "longer", "longer", "a", "b", "short"]
