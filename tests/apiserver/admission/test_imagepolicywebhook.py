"""A webhook that judges images, over a real connection."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.apiserver.admission.test_optional import having, message
from tests.apiserver.conftest import PODS, Api, pod

from steersman.api.configuration import ConfigurationError
from steersman.apiserver.admission.given import Given
from steersman.apiserver.admission.selection import Plugins, select

NAME = "ImagePolicyWebhook"


class Judge:
    """Answers with `status` of an ImageReview, or with a code."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.status: dict[str, Any] = {"allowed": True}
        self.code = 200
        self.port = 0

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        return web.json_response({**self.asked[-1], "status": self.status}, status=self.code)

    def settings(self, folder: Path, **more: Any) -> dict[str, Any]:
        """The plugin's configuration, with a kubeconfig in the folder."""
        config = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}/review"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c"}}],
            "current-context": "c",
        }
        (folder / "kubeconfig").write_text(json.dumps(config))
        return {"imagePolicy": {"kubeConfigFile": str(folder / "kubeconfig"), **more}}


@pytest.fixture
async def judge() -> AsyncIterator[Judge]:
    judge = Judge()
    app = web.Application()
    app.router.add_post("/review", judge.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    judge.port = runner.addresses[0][1]
    yield judge
    await runner.cleanup()


async def test_verdicts_are_remembered(judge: Judge, tmp_path: Path) -> None:
    async with having(NAME, **{NAME: judge.settings(tmp_path, allowTTL=100, denyTTL=10)}) as api:
        marked = pod("a")
        marked["metadata"]["annotations"] = {"x.image-policy.k8s.io/ticket": "1", "other": "2"}
        await api.post(PODS, marked)
        assert judge.asked == [
            {
                "kind": "ImageReview",
                "apiVersion": "imagepolicy.k8s.io/v1alpha1",
                "spec": {
                    "containers": [{"image": "x"}],
                    "annotations": {"x.image-policy.k8s.io/ticket": "1"},
                    "namespace": "default",
                },
            }
        ]
        judge.status = {"allowed": False, "reason": "no x"}
        await api.post(PODS, pod("b"), code=403)
        await api.post(PODS, pod("c"), code=403)
        assert len(judge.asked) == 2
        await api.clock.advance(11)
        text = 'pods "d" is forbidden: image policy webhook backend denied one or more images: no x'
        assert await message(api, PODS, pod("d")) == text
        assert len(judge.asked) == 3
        judge.status = {}
        await api.clock.advance(11)
        assert (
            await message(api, PODS, pod("d"))
            == 'pods "d" is forbidden: one or more images rejected by webhook backend'
        )


async def refused_after_retries(api: Api, name: str) -> Any:
    import asyncio

    request = asyncio.ensure_future(api.raw("POST", PODS, pod(name)))
    while not request.done():
        await asyncio.wait((request,), timeout=0.01)
        await api.clock.advance(5)
    return json.loads((await request).body)


async def test_no_answer(judge: Judge, tmp_path: Path) -> None:
    judge.code = 500
    async with having(NAME, **{NAME: judge.settings(tmp_path)}) as api:
        answer = await refused_after_retries(api, "a")
        assert answer["message"].startswith('pods "a" is forbidden: an error on the server (')
        assert len(judge.asked) == 5
        judge.code = 404
        await api.post(PODS, pod("a"), code=403)
        assert len(judge.asked) == 6
    async with having(NAME, **{NAME: judge.settings(tmp_path, defaultAllow=True)}) as api:
        found = await api.post(PODS, pod("a"))
        assert found["metadata"]["annotations"]["alpha.image-policy.k8s.io/failed-open"] == "true"


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"allowTTL": 1801}, "f: imagePolicy.allowTTL: Invalid value: 1801: must be between 1 and 1800"),
        ({"retryBackoff": -1}, "f: imagePolicy.retryBackoff: Invalid value: -1: must be between 1 and 300000"),
        ({"kubeConfigFile": ""}, "f: imagePolicy.kubeConfigFile: Required value"),
    ],
)
def test_mistakes(tmp_path: Path, more: dict[str, Any], text: str) -> None:
    judge = Judge()
    with pytest.raises(ConfigurationError) as caught:
        select(Plugins((NAME,), (), {NAME: Given(judge.settings(tmp_path, **more), "f", tmp_path)}))
    assert str(caught.value) == text
