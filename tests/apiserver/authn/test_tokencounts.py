"""Tokens as they are counted."""

from __future__ import annotations

import asyncio

import pytest
from tests.apiserver.conftest import PODS, Api

from steersman.api.clock import FakeClock
from steersman.apiserver.authn import tokencounts
from steersman.apiserver.metrics import PROCESS
from steersman.apiserver.webhook.answers import Answers


def value(line: str) -> float:
    """What a series has now, 0 without it."""
    tokencounts.take_hits()
    found = [told for told in PROCESS.render().splitlines() if told.startswith(f"{line} ")]
    return float(found[0].rsplit(" ", 1)[1]) if found else 0.0


async def test_tokens_of_service_accounts(api: Api) -> None:
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    spec = {"spec": {"expirationSeconds": 3600}}
    token = (await api.post(path, spec))["status"]["token"]
    before = value("serviceaccount_valid_tokens_total"), value('authentication_token_cache_request_total{status="hit"}')
    nobody = api.as_(None)
    for _ in range(5):
        await nobody.get(PODS, headers={"authorization": f"Bearer {token}"}, code=403)
    assert value("serviceaccount_valid_tokens_total") == before[0] + 5
    assert value('authentication_token_cache_request_total{status="hit"}') >= before[1] + 4


async def test_questions() -> None:
    answers: Answers[int] = Answers(FakeClock(), 8)
    begun, go = asyncio.Event(), asyncio.Event()
    status = 'authentication_token_cache_{}{{status="{}"}}'

    async def question() -> tuple[int, float]:
        begun.set()
        await go.wait()
        return 1, 10.0

    async def fails() -> tuple[int, float]:
        raise ValueError

    ok, error, miss = (
        value(status.format(*of)) for of in (("fetch_total", "ok"), ("fetch_total", "error"), ("request_total", "miss"))
    )
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(tokencounts.asked(answers, b"k", question))
        await begun.wait()
        assert value(status.format("active_fetch_count", "in_flight")) == 1
        assert value(status.format("active_fetch_count", "blocked")) == 3
        go.set()
    with pytest.raises(ValueError, match=r"^$"):
        await tokencounts.asked(answers, b"other", fails)
    assert value(status.format("active_fetch_count", "in_flight")) == 0
    assert value(status.format("fetch_total", "ok")) == ok + 1
    assert value(status.format("fetch_total", "error")) == error + 1
    assert value(status.format("request_total", "miss")) == miss + 4


def test_keys_of_issuers() -> None:
    tokencounts.keys_read("https://a", 5.0, None)
    tokencounts.keys_read("https://a", 6.0, "one")
    tokencounts.keys_read("https://a", 7.0, "two")
    name, issuer = "apiserver_authentication_jwt_authenticator_jwks_fetch_last", tokencounts.hashed("https://a")
    who = f'jwt_issuer_hash="{issuer}",apiserver_id_hash=""'
    assert value(f'{name}_timestamp_seconds{{result="failure",{who}}}') == 5
    assert value(f'{name}_timestamp_seconds{{result="success",{who}}}') == 7
    assert value(f'{name}_key_set_info{{{who},hash="{tokencounts.hashed("two")}"}}') == 1
    assert value(f'{name}_key_set_info{{{who},hash="{tokencounts.hashed("one")}"}}') == 0
    for n in range(1000):
        tokencounts.keys_read(f"https://{n}", 1.0, None)
    assert PROCESS.render().count(f"\n{name}_timestamp_seconds{{") < 300
