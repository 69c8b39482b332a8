"""Hands of queues: different cards, always the same for a flow, all about equally likely."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from steersman.apiserver.flowcontrol.shuffle import deal, flow_hash


@given(st.integers(0, 2**64 - 1), st.integers(1, 64), st.data())
def test_a_hand(value: int, deck: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, min(deck, 8)))
    hand = deal(value, deck, size)
    assert len(set(hand)) == size
    assert all(0 <= card < deck for card in hand)
    assert deal(value, deck, size) == hand


def test_every_hand_is_dealt() -> None:
    hands = Counter(tuple(deal(value, 5, 3)) for value in range(5 * 4 * 3))
    assert len(hands) == 5 * 4 * 3


def test_flows_differ() -> None:
    assert flow_hash("a", "b") != flow_hash("ab", "")
    shared = sum(
        set(deal(flow_hash("s", "flood"), 128, 6)) >= set(deal(flow_hash("s", str(i)), 128, 6)) for i in range(1000)
    )
    assert shared == 0
