"""The index equals a sorted dict whatever is put into it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.store import index
from steersman.store.index import KeyIndex, bounds

KEYS = st.text(alphabet="ab/-", min_size=1, max_size=4)


@given(
    start=st.sets(KEYS),
    changes=st.lists(st.tuples(st.booleans(), KEYS), max_size=60),
    prefix=st.sampled_from(["", "a/", "b/", "a/b/"]),
    after=st.one_of(st.just(""), KEYS),
    limit=st.integers(0, 5),
)
def test_equals_a_sorted_dict(
    start: set[str], changes: list[tuple[bool, str]], prefix: str, after: str, limit: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "CHUNK", 2)
        subject = KeyIndex({key: key.upper() for key in start})
        model = {key: key.upper() for key in start}
        for number, (add, key) in enumerate(changes):
            if add:
                subject.put(key, str(number))
                model[key] = str(number)
            elif key in model:
                assert subject.remove(key) == model.pop(key)
        expected = sorted(key for key in model if key.startswith(prefix) and key > after)
        low, high = bounds(prefix)
        assert subject.count(low, high, after) == len(expected)
        assert subject.keys(low, high, after, limit) == (expected[:limit] if limit else expected)
        assert subject.items(low, high, after) == [model[key] for key in expected]
        assert len(subject) == len(model)
        assert all(key in subject and subject.get(key) == model[key] for key in model)


def test_removing_what_is_absent() -> None:
    with pytest.raises(KeyError):
        KeyIndex[int]().remove("a")


@pytest.mark.parametrize("prefix", ["a", "/registry/core/pods"])
def test_a_prefix_is_a_folder(prefix: str) -> None:
    with pytest.raises(ValueError, match="does not end with"):
        bounds(prefix)
