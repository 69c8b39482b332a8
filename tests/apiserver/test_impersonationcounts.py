"""Impersonation as it is counted."""

from __future__ import annotations

import pytest
from tests.apiserver.conftest import PODS, Api

from steersman.api.http import User
from steersman.apiserver.impersonationcounts import mode_of
from steersman.apiserver.metrics import PROCESS


def value(line: str) -> float:
    """What a series has now, 0 without it."""
    found = [told for told in PROCESS.render().splitlines() if told.startswith(f"{line} ")]
    return float(found[0].rsplit(" ", 1)[1]) if found else 0.0


@pytest.mark.parametrize(
    ("verb", "mode"),
    [
        ("", "legacy"),
        ("impersonate", "legacy"),
        ("impersonate:user-info", "user-info"),
        ("impersonate-on:serviceaccount:list", "serviceaccount"),
        ("impersonate:whatever", "unknown"),
        ("get:user-info", "unknown"),
    ],
)
def test_modes(verb: str, mode: str) -> None:
    assert mode_of(verb) == mode


async def test_counts(api: Api) -> None:
    name = "apiserver_impersonation_"
    allowed = f'{name}attempts_total{{mode="legacy",decision="allowed"}}'
    denied = f'{name}attempts_total{{mode="",decision="denied"}}'
    asked = f'{name}authorization_attempts_total{{mode="legacy",decision="denied"}}'
    first = f'{name}authorization_attempts_total{{mode="user-info",decision="denied"}}'
    before = [value(one) for one in (allowed, denied, asked, first)]
    headers = {"impersonate-user": "jane"}
    await api.as_(User("joe", ("system:authenticated",))).get(PODS, headers=headers, code=403)
    after = [value(one) for one in (allowed, denied, asked, first)]
    assert [a - b for a, b in zip(after, before, strict=True)] == [0, 1, 1, 1]
    await api.get(PODS, headers=headers, code=403)
    modes = ("legacy", "user-info")
    assert sum(value(f'{name}attempts_total{{mode="{mode}",decision="allowed"}}') for mode in modes) >= 1
    assert value(f'{name}attempts_duration_seconds_count{{mode="",decision="denied"}}') >= 1
