"""What counts for a while: how long, how many, and under which keys."""

from __future__ import annotations

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from steersman.api.clock import FakeClock
from steersman.api.recent import Digest, Recent


async def test_values_count_for_a_while() -> None:
    clock = FakeClock()
    recent: Recent[str, bool] = Recent(clock, 2)
    recent.put("a", False, 10)
    assert recent.get("a") is False
    await clock.advance(9.5)
    assert recent.get("a") is False
    await clock.advance(0.5)
    assert recent.get("a") is None
    assert len(recent) == 0
    # Said again, it counts from then on.
    recent.put("a", False, 10)
    await clock.advance(5)
    recent.put("a", True, 10)
    await clock.advance(5)
    assert recent.get("a") is True
    recent.put("b", True, 0)
    recent.put("b", True, -1)
    assert recent.get("b") is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=60))
def test_the_last_used_are_kept(steps: list[tuple[bool, int]]) -> None:
    recent: Recent[int, int] = Recent(FakeClock(), 3)
    model: OrderedDict[int, int] = OrderedDict()
    for number, (puts, key) in enumerate(steps):
        if puts:
            recent.put(key, number, 10)
            model[key] = number
            model.move_to_end(key)
            if len(model) > 3:
                model.popitem(last=False)
        else:
            assert recent.get(key) == model.get(key)
            if key in model:
                model.move_to_end(key)
        assert len(recent) == len(model)


def test_digests() -> None:
    digest = Digest()
    assert digest("a", b"b") == digest(b"a", "b")
    others = [("ab",), ("a", "b", ""), ("b", "a"), ("a\0b",), ("a", "\0b"), ()]
    assert len({digest(*parts) for parts in [("a", "b"), *others]}) == len(others) + 1
    assert {len(digest(*parts)) for parts in others} == {32}
    assert Digest()("a") != digest("a")
    # A token is whatever a client has sent.
    digest("\udc80")
