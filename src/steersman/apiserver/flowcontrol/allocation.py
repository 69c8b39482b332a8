"""How the server's seats are divided among priority levels: by shares, and then by what they lend each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Work of several seats takes at most this part of a level's seats.
_WIDEST_PART = 0.15
_LEAST_TARGET = 0.001


@dataclass(frozen=True, slots=True)
class Share:
    """What a priority level's configuration says of its seats. `borrowing` in percent, None for no limit."""

    shares: int
    lendable: int = 0
    borrowing: int | None = None
    exempt: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """A level's seats: what its shares come to, and between what lending and borrowing may move it."""

    nominal: int
    least: int
    most: int


def nominal_limits(total: int, shares: Mapping[str, Share]) -> dict[str, Limits]:
    """The seats of each level, of `total` seats. They are rounded up, so that their sum may be a little higher."""
    whole = sum(s.shares for s in shares.values())
    out = {}
    for name, share in shares.items():
        nominal = math.ceil(total * share.shares / whole) if whole else 0
        most = total if share.borrowing is None else round(nominal * share.borrowing / 100)
        out[name] = Limits(nominal, nominal - round(nominal * share.lendable / 100), nominal + most)
    return out


def widest(nominal: int, hand_size: int) -> int:
    """The most seats that one request of a level with queues may take."""
    return max(1, min(math.ceil(nominal * _WIDEST_PART), nominal // hand_size))


@dataclass(frozen=True, slots=True)
class Wish:
    """One level in the sharing out: it gets at least `least`, at most `most`, and would have `target`."""

    target: float
    least: float
    most: float


def share_out(total: float, wishes: Sequence[Wish]) -> tuple[list[float], float]:
    """What each gets of `total`, and the fraction of its target that everybody gets whom no bound of its own stops.

    The sums of the bounds must allow for `total`; if they do not, everybody gets the nearest bound.
    """
    targets = [max(w.target, _LEAST_TARGET) for w in wishes]

    def given(fraction: float) -> list[float]:
        return [min(max(fraction * t, w.least), w.most) for t, w in zip(targets, wishes, strict=True)]

    # What is given grows with the fraction, in straight pieces between the bounds.
    bounds = sorted({b / t for t, w in zip(targets, wishes, strict=True) for b in (w.least, w.most)})
    low = 0.0
    for high in bounds:
        if sum(given(high)) >= total:
            before, after = sum(given(low)), sum(given(high))
            part = (total - before) / (after - before) if after > before else 0.0
            fraction = low + (high - low) * min(max(part, 0.0), 1.0)
            return given(fraction), fraction
        low = high
    return given(low), low


@dataclass(frozen=True, slots=True)
class Wanted:
    """A level with what it could use: the most in the last period, and the smoothed demand."""

    limits: Limits
    peak: int
    smoothed: float
    exempt: bool = False

    @property
    def least(self) -> int:
        """What it keeps in any case: as much of its own as it has used."""
        used = self.peak if self.exempt else min(self.limits.nominal, self.peak)
        return max(self.limits.least, used)


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The seats of each level for the next period, what each was meant to have, and the fair fraction (0: none)."""

    limits: dict[str, int]
    targets: dict[str, float]
    fraction: float


def adjust(levels: Mapping[str, Wanted]) -> Adjusted:
    """Lend seats that are not used to levels that could use them. Exempt levels take what they need first."""
    total = sum(w.limits.nominal for w in levels.values())
    limits = {name: w.least for name, w in levels.items() if w.exempt}
    rest = total - sum(limits.values())
    others = {name: w for name, w in levels.items() if not w.exempt}
    targets = {name: max(float(w.least), w.smoothed) for name, w in others.items()}
    floor, used = sum(w.limits.least for w in others.values()), sum(w.least for w in others.values())
    if rest <= floor:
        return Adjusted({**limits, **{name: w.limits.least for name, w in others.items()}}, targets, 0.0)
    if rest <= used:
        part = (rest - floor) / (used - floor)
        narrowed = {n: w.limits.least + round((w.least - w.limits.least) * part) for n, w in others.items()}
        return Adjusted({**limits, **narrowed}, targets, 0.0)
    wishes = [Wish(targets[name], w.least, w.limits.most) for name, w in others.items()]
    given, fraction = share_out(rest, wishes)
    return Adjusted({**limits, **{n: round(g) for n, g in zip(others, given, strict=True)}}, targets, fraction)
