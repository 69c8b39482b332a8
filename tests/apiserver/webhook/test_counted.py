"""Webhooks as they are counted: asked, refusing, failing, and left out by their conditions."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from tests.apiserver.conftest import MAPS, Api, config_map
from tests.apiserver.webhook.conftest import MUTATING, VALIDATING, Hooks, configuration, deny, patching


async def told(api: Api) -> list[str]:
    response = await api.raw("GET", "/metrics")
    assert isinstance(response.body, bytes)
    return response.body.decode().splitlines()


async def test_refusals(api: Api, hooks: Hooks) -> None:
    await api.post(VALIDATING, configuration(hooks.hook("/deny", answer=deny("no", code=418))))
    await api.post(
        MUTATING,
        configuration(hooks.hook("/add", answer=patching({"op": "add", "path": "/data/x", "value": "y"})), name="m"),
    )
    await api.post(MAPS, config_map(), code=418)
    lines = await told(api)
    denied = 'name="deny.hooks.example.com",type="validating",operation="CREATE"'
    added = 'name="add.hooks.example.com",type="admit",operation="CREATE"'
    for line in (
        f'apiserver_admission_webhook_request_total{{{denied},code="418",rejected="true"}} 1',
        f'apiserver_admission_webhook_rejection_count{{{denied},error_type="no_error",rejection_code="418"}} 1',
        f'apiserver_admission_webhook_request_total{{{added},code="200",rejected="false"}} 1',
        f'apiserver_admission_webhook_admission_duration_seconds_count{{{added},rejected="false"}} 1',
    ):
        assert line in lines


async def test_failures(api: Api, hooks: Hooks) -> None:
    closed, opened = hooks.hook("/closed"), hooks.hook("/opened", failurePolicy="Ignore")
    for hook in (closed, opened):
        hook["clientConfig"]["service"]["name"] = "missing"
    await api.post(VALIDATING, configuration(closed, opened))
    await api.post(MAPS, config_map(), code=500)
    lines = await told(api)
    for line in (
        'apiserver_admission_webhook_rejection_count{name="closed.hooks.example.com",type="validating",operation="CREATE",'
        'error_type="calling_webhook_error",rejection_code="503"} 1',
        'apiserver_admission_webhook_fail_open_count{name="opened.hooks.example.com",type="validating"} 1',
        'apiserver_admission_webhook_request_total{name="opened.hooks.example.com",type="validating",operation="CREATE",'
        'code="503",rejected="false"} 1',
    ):
        assert line in lines


async def test_what_is_no_answer(api: Api, hooks: Hooks) -> None:
    """The status is that which the webhook's server gives."""

    def absent(asked: dict[str, Any]) -> dict[str, Any]:
        raise web.HTTPNotFound

    await api.post(VALIDATING, configuration(hooks.hook("/broken", answer=absent)))
    await api.post(MAPS, config_map(), code=500)
    line = (
        'apiserver_admission_webhook_rejection_count{name="broken.hooks.example.com",type="validating",operation="CREATE",'
        'error_type="calling_webhook_error",rejection_code="404"} 1'
    )
    assert line in await told(api)


async def test_conditions(api: Api, hooks: Hooks) -> None:
    def when(expression: str, path: str) -> dict[str, object]:
        conditions = [{"name": "c", "expression": expression}]
        return hooks.hook(path, answer=deny(), failurePolicy="Ignore", matchConditions=conditions)

    await api.post(VALIDATING, configuration(when("false", "/never"), when("object.nothing == 1", "/broken")))
    await api.post(MAPS, config_map())
    lines = await told(api)
    kind = 'kind="webhook",type="validating",operation="CREATE"'
    for line in (
        f'apiserver_admission_match_condition_exclusions_total{{name="never.hooks.example.com",{kind}}} 1',
        f'apiserver_admission_match_condition_evaluation_errors_total{{name="broken.hooks.example.com",{kind}}} 1',
        f'apiserver_admission_match_condition_evaluation_seconds_count{{name="broken.hooks.example.com",{kind}}} 1',
    ):
        assert line in lines
