"""Authorizers that decide without looking: everything, or nothing, is allowed."""

from __future__ import annotations

from steersman.api.http import User
from steersman.apiserver.authz import ALLOWED, Attributes, Decision, Local, Rule, Rules, Verdict

_NOTHING = Decision(Verdict.NO_OPINION, "Everything is forbidden.")


class AlwaysAllow(Local):
    def decide(self, attributes: Attributes) -> Decision:
        return ALLOWED

    def rules(self, user: User, namespace: str) -> Rules:
        return Rules([Rule(("*",), ("*",), ("*",)), Rule(("*",), paths=("*",))])


class AlwaysDeny(Local):
    """Leaves it to those behind it, who may still allow."""

    def decide(self, attributes: Attributes) -> Decision:
        return _NOTHING
