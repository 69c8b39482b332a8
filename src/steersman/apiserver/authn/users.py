"""What every way of authentication ends in: a user with the groups that all have, or a refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from steersman.api import identities
from steersman.api.errors import Unauthorized
from steersman.api.http import User

ANONYMOUS = User(identities.ANONYMOUS, (identities.UNAUTHENTICATED,))
INVALID = "invalid bearer token"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A token that is good: whose it is, for which of the wanted audiences (none: nobody asked), and what the audit is told."""

    user: User
    audiences: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A token that this method knows and does not take. The text says why, and holds nothing of the token."""


class Rejected(Unauthorized):
    """Nobody takes a token. `why` says what each method thinks of it; the client of a request is not told."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


class Method(Protocol):
    """One way of proving by a token who one is."""

    def verdict(self, token: str, wanted: Sequence[str]) -> Verdict | Awaitable[Verdict | None] | None:
        """What to think of a token that is to be good for one of the audiences `wanted` (none: for whatever).

        None: the token is none of this method's. Raises Refused, now or when what is returned is awaited.
        """
        ...


class Refusals:
    """Why nobody took a token, as upstream says it."""

    def __init__(self) -> None:
        self._texts = [INVALID]

    def add(self, refusal: Refused) -> None:
        text = str(refusal)
        if text not in self._texts:
            self._texts.append(text)

    def __str__(self) -> str:
        return self._texts[0] if len(self._texts) == 1 else f"[{', '.join(self._texts)}]"


def common(offered: Iterable[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """The audiences that are in both."""
    return tuple(audience for audience in offered if audience in wanted)


class Agnostic:
    """The audiences of methods whose tokens name none: such a token is for the API server."""

    def __init__(self, own: Sequence[str]) -> None:
        self._own = tuple(own)

    def good_for(self, wanted: Sequence[str]) -> tuple[str, ...] | None:
        """Those of `wanted` that are the API server's; None when there are others only."""
        if not wanted:
            return ()
        return common(self._own, wanted) or None
