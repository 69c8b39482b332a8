"""Shuffle sharding: the few queues, of many, that one flow's requests may wait in.

Two flows share all of their queues hardly ever, so a flow that floods its own leaves a queue free for nearly every other.
"""

from __future__ import annotations

from hashlib import sha256


def flow_hash(schema: str, distinguisher: str) -> int:
    """The 64 bits that stand for a flow."""
    digest = sha256(f"{schema}\0{distinguisher}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def deal(value: int, deck: int, hand: int) -> list[int]:
    """`hand` different numbers below `deck`; equal values give equal hands, and all hands are about equally likely."""
    drawn = []
    for i in range(hand):
        value, card = divmod(value, deck - i)
        drawn.append(card)
    cards: list[int] = []
    for card in drawn:
        # The number among those that are left: each lower one that is gone moves it up.
        for gone in sorted(cards):
            card += card >= gone
        cards.append(card)
    return cards
