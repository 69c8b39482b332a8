"""Getting one object: its representations, its absence, versions that have yet to come."""

import asyncio

import pytest
from tests.apiserver.conftest import MAPS, Api, config_map


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (f"{MAPS}/no", 'configmaps "no" not found'),
        ("/api/v1/nodes/no", 'nodes "no" not found'),
        ("/apis/apps/v1/namespaces/default/deployments/no", 'deployments.apps "no" not found'),
        ("/api/v1/foos", "the server could not find the requested resource"),
        ("/apis/x/v1/foos", "the server could not find the requested resource"),
        ("/api/v1/configmaps/a", "the server could not find the requested resource"),
        ("/api/v1/namespaces/default/nodes/a", "the server could not find the requested resource"),
        ("/foo", "the server could not find the requested resource"),
        (f"{MAPS}/a/status", "the server could not find the requested resource"),
    ],
)
async def test_not_found(api: Api, path: str, message: str) -> None:
    answer = await api.get(path, code=404)
    assert (answer["kind"], answer["reason"], answer["message"]) == ("Status", "NotFound", message)


async def test_representations(api: Api) -> None:
    await api.post(MAPS, config_map())
    answer = await api.get(f"{MAPS}/a", headers={"accept": "text/html"}, code=406)
    assert answer["reason"] == "NotAcceptable"
    partial = await api.get(
        f"{MAPS}/a", headers={"accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
    )
    assert partial["kind"] == "PartialObjectMetadata"
    assert partial["metadata"]["name"] == "a"
    assert "data" not in partial


async def test_waits_for_a_version_that_has_not_come(api: Api) -> None:
    await api.post(MAPS, config_map())
    future = api.app.store.revision + 1
    waiting = asyncio.ensure_future(api.get(f"{MAPS}/a?resourceVersion={future}"))
    await asyncio.sleep(0)
    await api.post(MAPS, config_map("b"))
    assert (await waiting)["metadata"]["name"] == "a"
    late = asyncio.ensure_future(api.get(f"{MAPS}/a?resourceVersion={future + 9}", code=504))
    # A turn for the request, and one for its own deadline to fall asleep.
    await api.clock.advance(0)
    await api.clock.advance(4)
    assert "Too large resource version" in (await late)["message"]


async def test_errors_never_show_their_trace(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = api.app.registries.find("", "configmaps")
    assert registry is not None

    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(registry.cache, "get", fail)
    answer = await api.get(f"{MAPS}/a", code=500)
    assert answer["reason"] == "InternalError"
    assert "secret" not in answer["message"]
