"""A server whose store is encrypted: what lies on the disk, what cannot be read, new configurations, rewriting."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.encryption.conftest import (
    IDENTITY,
    SECRETS,
    Plugin,
    Server,
    configure,
    keyed,
    kms,
    on_disk,
    rule,
    server,
)

from steersman.api.http import User
from steersman.store.sealing import PLAIN

MARKER = "marker-that-nobody-else-writes"
MAPS = "/api/v1/namespaces/default/configmaps"
UNSAFE = {"kind": "DeleteOptions", "apiVersion": "v1", "ignoreStoreReadErrorWithClusterBreakingPotential": True}


def files_with_marker(directory: Path) -> list[str]:
    return on_disk(directory, MARKER.encode()) + on_disk(directory, base64.b64encode(MARKER.encode()))


async def rewritten(api: Server, query: str = "") -> dict[str, Any]:
    """How a rewriting ended."""
    number = (await api.post(f"/encryption/rewrite{query}", None, code=202))["number"]
    while True:
        # This thread must rest: one that asks all the time keeps the store's threads from running for minutes.
        await asyncio.to_thread(os.sched_yield)
        progress: dict[str, Any] = (await api.get("/encryption/status"))["rewrite"]
        if not progress["running"]:
            assert progress["number"] == number
            return progress


@pytest.mark.parametrize("provider", ["aesgcm", "aescbc", "secretbox"])
async def test_nothing_readable_lies_on_the_disk(provider: str, tmp_path: Path) -> None:
    config = configure(tmp_path, rule(keyed("key1", provider=provider), IDENTITY))
    async with server(tmp_path, config) as api:
        made = await api.post(SECRETS, api.secret("a", MARKER))
        await api.post(SECRETS, api.secret("b", MARKER))
        made["metadata"]["labels"] = {"x": "y"}
        await api.put(f"{SECRETS}/a", made)
        await api.delete(f"{SECRETS}/b")
        await api.post(MAPS, {"metadata": {"name": "m"}, "data": {"a": "plain-in-a-map"}})
        assert files_with_marker(tmp_path) == []
        assert on_disk(tmp_path, b"plain-in-a-map")
        assert on_disk(tmp_path, f"k8s:enc:{provider}:v1:key1:".encode())
    assert files_with_marker(tmp_path) == []
    async with server(tmp_path, config) as api:
        assert (await api.get(f"{SECRETS}/a"))["metadata"]["labels"] == {"x": "y"}


async def test_history_is_read_in_plain(tmp_path: Path) -> None:
    config = configure(tmp_path, rule(keyed("key1"), IDENTITY))
    async with server(tmp_path, config) as api:
        made = await api.post(SECRETS, api.secret("a", MARKER))
        revision = made["metadata"]["resourceVersion"]
        await api.delete(f"{SECRETS}/a")
    async with server(tmp_path, config) as api:
        listed = await api.get(f"{SECRETS}?resourceVersion={revision}&resourceVersionMatch=Exact")
        assert [item["metadata"]["name"] for item in listed["items"]] == ["a"]
        (event,) = await api.watch(f"{SECRETS}?watch=true&resourceVersion={revision}", 1)
        assert event["type"] == "DELETED"
        assert base64.b64decode(event["object"]["data"]["a"]).decode() == MARKER


async def left_without_a_key(tmp_path: Path) -> Path:
    """Data of which one Secret cannot be decrypted; the configuration that reads the other."""
    both = configure(tmp_path, rule(keyed("key1"), IDENTITY))
    async with server(tmp_path, both) as api:
        await api.post(SECRETS, api.secret("lost", finalizers=["example.com/stay"]))
        await api.post(MAPS, {"metadata": {"name": "m"}})
    other = configure(tmp_path, rule(keyed("key2"), IDENTITY))
    async with server(tmp_path, other) as api:
        await api.post(SECRETS, api.secret("good"))
    return other


async def test_what_cannot_be_decrypted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = await left_without_a_key(tmp_path)
    caplog.clear()
    async with server(tmp_path, config, bootstrap=True) as api:
        key = "/registry/core/secrets/default/lost"
        assert f"1 objects cannot be decrypted and are not served: {key}" in caplog.text
        expected = (
            f"StorageError: corrupt object, Code: 7, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: data from the "
            "storage is not transformable revision=0: no matching key was found for the provided AES transformer"
        )
        for method, body in (("GET", None), ("DELETE", None), ("PUT", api.secret("lost"))):
            answer = await api.do(method, f"{SECRETS}/lost", body, code=500)
            assert answer["message"] == f"Internal error occurred: {expected}"
        for path in (SECRETS, "/api/v1/secrets", f"{SECRETS}?limit=1", f"{SECRETS}?watch=true"):
            answer = await api.get(path, code=500)
            assert answer["reason"] == "StoreReadError"
            assert answer["message"] == f"failed to read one or more secrets from the storage: {expected}"
            assert answer["details"]["causes"] == [
                {"reason": "UnexpectedServerResponse", "message": expected, "field": key}
            ]
        assert (await api.post(SECRETS, api.secret("lost"), code=409))["reason"] == "AlreadyExists"
        # Everything else is served.
        await api.get(f"{SECRETS}/good")
        assert len((await api.get(f"{SECRETS}?fieldSelector=metadata.name=good"))["items"]) == 1
        assert (await api.get("/api/v1/namespaces/kube-system/secrets"))["items"] == []
        await api.get(f"{MAPS}/m")
        status = await api.get("/encryption/status")
        assert status["unreadable"] == [key]
        assert "apiserver_storage_unreadable_objects 1" in str((await api.raw("GET", "/metrics")).body)


async def test_unsafe_deletion(tmp_path: Path) -> None:
    config = await left_without_a_key(tmp_path)
    async with server(tmp_path, config, bootstrap=True) as api:
        answer = await api.delete(f"{SECRETS}/good", UNSAFE, code=409)
        assert "unsafe deletion is not allowed because the object is decodable from storage" in answer["message"]
        assert (await api.delete(f"{SECRETS}/none", UNSAFE, code=404))["reason"] == "NotFound"
        answer = await api.delete(f"{SECRETS}/lost", {**UNSAFE, "gracePeriodSeconds": 0}, code=422)
        assert "cannot be set together with .gracePeriodSeconds" in answer["message"]
        answer = await api.delete(SECRETS, UNSAFE, code=422)
        assert "is not allowed with DELETECOLLECTION" in answer["message"]
        await _may_delete(api)
        answer = await api.as_(User("eve", ("system:authenticated",))).delete(f"{SECRETS}/lost", UNSAFE, code=403)
        assert 'not permitted to do "unsafe-delete-ignore-read-errors"' in answer["message"]
        await api.delete(f"{SECRETS}/lost?dryRun=All&ignoreStoreReadErrorWithClusterBreakingPotential=true")
        await api.get(f"{SECRETS}/lost", code=500)
        answer = await api.delete(f"{SECRETS}/lost", UNSAFE)
        assert (answer["status"], answer["details"]) == ("Success", {"name": "lost", "kind": "Secret"})
        await api.get(f"{SECRETS}/lost", code=404)
        assert len((await api.get(SECRETS))["items"]) == 1
        await api.post(SECRETS, api.secret("lost"))


async def _may_delete(api: Server) -> None:
    """Eve may delete Secrets, but not those that nobody can read."""
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["delete"]}]
    await api.post(f"{roles}/roles", {"metadata": {"name": "deleter"}, "rules": rules})
    subject = {"kind": "User", "name": "eve", "apiGroup": "rbac.authorization.k8s.io"}
    ref = {"kind": "Role", "name": "deleter", "apiGroup": "rbac.authorization.k8s.io"}
    await api.post(f"{roles}/rolebindings", {"metadata": {"name": "deleter"}, "subjects": [subject], "roleRef": ref})


async def test_everything_lost(tmp_path: Path) -> None:
    """The server starts even if it can read nothing at all."""
    config = configure(tmp_path, rule(keyed("key1"), resources=("*.*",)))
    async with server(tmp_path, config, bootstrap=True) as api:
        await api.post(SECRETS, api.secret("a"))
    config = configure(tmp_path, rule(keyed("key2"), resources=("*.*",)))
    async with server(tmp_path, config, bootstrap=True) as api:
        assert (await api.raw("GET", "/readyz")).status == 200
        assert (await api.get("/encryption/status"))["unreadableCount"] > 50


async def test_encrypted_data_without_a_configuration(tmp_path: Path) -> None:
    async with server(tmp_path, configure(tmp_path, rule(keyed("key1")))) as api:
        await api.post(SECRETS, api.secret("a"))
    async with server(tmp_path, None) as api:
        answer = await api.get(f"{SECRETS}/a", code=500)
        assert answer["message"].endswith("identity transformer tried to read encrypted data")


async def test_a_key_that_comes_back(tmp_path: Path) -> None:
    """A new configuration brings back what could not be read; watches end, so that clients list again."""
    config = await left_without_a_key(tmp_path)
    async with server(tmp_path, config, reload=True) as api:
        revision = str(api.store.revision)
        response = await api.raw("GET", f"{SECRETS}?watch=true&resourceVersion={revision}")
        configure(tmp_path, rule(keyed("key2", "key1"), IDENTITY))
        assert await api.encryption.look()
        assert len((await api.get(SECRETS))["items"]) == 2
        assert not isinstance(response.body, bytes)
        assert [chunk async for chunk in response.body] == []
        await api.delete(f"{SECRETS}/lost")


async def test_reloading(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = configure(tmp_path, rule(IDENTITY))
    async with server(tmp_path, config, reload=True) as api:
        before = (await api.get("/encryption/status"))["configHash"]
        await api.post(SECRETS, api.secret("a"))
        config.write_text("{")
        assert not await api.encryption.look()
        assert "the encryption configuration of before stays in force" in caplog.text
        configure(tmp_path, rule(keyed("key1"), IDENTITY))
        await api.clock.advance(1)
        assert (await api.get("/encryption/status"))["configHash"] != before
        assert [r["stale"] for r in (await api.get("/encryption/status"))["resources"]] == [1]
        # What is in memory could not be read after a restart.
        configure(tmp_path, rule(keyed("key1")))
        await api.encryption.look()
        assert (await api.get("/encryption/status"))["reloads"] == {"success": 2, "failure": 1}
        assert "1 objects are stored in a way that the configuration cannot read" in caplog.text


async def test_a_new_plugin_must_answer(tmp_path: Path) -> None:
    plugin = Plugin()
    plugin.failure = "down"
    async with server(tmp_path, configure(tmp_path, rule(IDENTITY)), reload=True, plugin=plugin) as api:
        configure(tmp_path, rule(kms(), IDENTITY))
        assert not await api.encryption.look()
        await api.post(SECRETS, api.secret("a"))
        plugin.failure = ""
        assert await api.encryption.look()
        assert (await rewritten(api))["done"] == 1


async def test_rewriting(tmp_path: Path) -> None:
    config = configure(tmp_path, rule(IDENTITY))
    async with server(tmp_path, config, reload=True) as api:
        for number in range(150):
            await api.post(SECRETS, api.secret(f"s{number}", MARKER))
        await api.post(MAPS, {"metadata": {"name": "m"}})
        await api.delete(f"{SECRETS}/s0")
        assert files_with_marker(tmp_path)
        configure(tmp_path, rule(keyed("key1"), IDENTITY))
        assert await api.encryption.look()
        revision = (await api.get(f"{MAPS}/m"))["metadata"]["resourceVersion"]
        progress = await rewritten(api)
        assert (progress["total"], progress["done"], progress["left"], progress["error"]) == (149, 149, 0, "")
        assert files_with_marker(tmp_path) == [], "neither the file nor its log"
        assert (await api.get(f"{MAPS}/m"))["metadata"]["resourceVersion"] == revision
        (resource,) = (await api.get("/encryption/status"))["resources"]
        assert resource == {
            "resource": "secrets",
            "writes": {"provider": "aesgcm", "key": "key1"},
            "stale": 0,
            "stored": [{"provider": "aesgcm", "key": "key1", "objects": 149}],
        }
        await api.post("/encryption/rewrite", None, code=202)
        await api.post("/encryption/rewrite", None, code=409)
        while (await api.get("/encryption/status"))["rewrite"]["running"]:
            await api.store.purge()
        assert (await rewritten(api))["done"] == 0
        assert "no resource" in (await api.post("/encryption/rewrite?resources=nothing", None, code=400))["message"]


async def test_rewriting_keeps_history(tmp_path: Path) -> None:
    """Who watches, or reads a list piece by piece, does not notice; but no file shows what was there."""
    config = configure(tmp_path, rule(IDENTITY))
    async with server(tmp_path, config, reload=True) as api:
        made = await api.post(SECRETS, api.secret("a", MARKER))
        await api.post(SECRETS, api.secret("b", MARKER))
        page = await api.get(f"{SECRETS}?limit=1")
        await api.patch(f"{SECRETS}/a", {"metadata": {"labels": {"x": "y"}}})
        await api.delete(f"{SECRETS}/b")
        configure(tmp_path, rule(keyed("key1"), IDENTITY))
        assert await api.encryption.look()
        await rewritten(api)
        assert files_with_marker(tmp_path) == []
        events = await api.watch(f"{SECRETS}?watch=1&resourceVersion={made['metadata']['resourceVersion']}", 3)
        assert [(e["type"], e["object"]["metadata"]["name"]) for e in events[:3]] == [
            ("ADDED", "b"),
            ("MODIFIED", "a"),
            ("DELETED", "b"),
        ]
        assert events[0]["object"]["data"] == events[2]["object"]["data"] == made["data"]
        rest = await api.get(f"{SECRETS}?limit=1&continue={page['metadata']['continue']}")
        assert [item["metadata"]["name"] for item in rest["items"]] == ["b"]


async def test_history_that_nobody_can_read_is_forgotten(tmp_path: Path) -> None:
    config = configure(tmp_path, rule(keyed("key1"), IDENTITY))
    async with server(tmp_path, config, reload=True) as api:
        made = await api.post(SECRETS, api.secret("a"))
        configure(tmp_path, rule(keyed("key2"), keyed("key1"), IDENTITY))
        assert await api.encryption.look()
        await api.patch(f"{SECRETS}/a", {"metadata": {"labels": {"x": "y"}}})
        configure(tmp_path, rule(keyed("key2"), IDENTITY))
        assert await api.encryption.look()
        await rewritten(api)
        assert api.app.store.compacted >= int(made["metadata"]["resourceVersion"])


async def test_rewriting_while_others_write(tmp_path: Path) -> None:
    config = configure(tmp_path, rule(IDENTITY))
    async with server(tmp_path, config, reload=True) as api:
        for number in range(100):
            await api.post(SECRETS, api.secret(f"s{number}"))
        configure(tmp_path, rule(keyed("key1"), IDENTITY))
        assert await api.encryption.look()

        async def write(number: int) -> None:
            for turn in range(5):
                await api.patch(f"{SECRETS}/s{number}", {"metadata": {"labels": {"turn": str(turn)}}})

        progress, *_ = await asyncio.gather(rewritten(api, "?resources=secrets"), *(write(n) for n in range(20)))
        assert (progress["left"], progress["error"]) == (0, "")
        for number in range(20):
            assert (await api.get(f"{SECRETS}/s{number}"))["metadata"]["labels"] == {"turn": "4"}


async def test_a_write_that_changes_nothing_is_written_if_it_would_be_stored_otherwise(tmp_path: Path) -> None:
    """What migrations of storage versions do."""
    config = configure(tmp_path, rule(IDENTITY))
    async with server(tmp_path, config, reload=True) as api:
        made = await api.post(SECRETS, api.secret("a"))
        same = {"metadata": {"uid": made["metadata"]["uid"]}}
        again = await api.patch(f"{SECRETS}/a", same)
        assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
        configure(tmp_path, rule(keyed("key1"), IDENTITY))
        assert await api.encryption.look()
        again = await api.patch(f"{SECRETS}/a", same)
        assert again["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
        assert dict(api.store.origins("/registry/core/secrets/"))["/registry/core/secrets/default/a"] != PLAIN
        last = await api.patch(f"{SECRETS}/a", same)
        assert last["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]


async def test_who_may_ask(tmp_path: Path) -> None:
    async with server(tmp_path, configure(tmp_path, rule(keyed("key1")))) as api:
        other = api.as_(User("eve", ("system:authenticated",)))
        await other.get("/encryption/status", code=403)
        await other.post("/encryption/rewrite", None, code=403)
        await api.post("/encryption/status", None, code=405)
        await api.get("/encryption/rewrite", code=405)
        await api.get("/encryption/other", code=404)
        assert KEYTEXT not in json.dumps(await api.get("/encryption/status"))


KEYTEXT = base64.b64encode(bytes([1]) * 32).decode()


async def test_no_key_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    config = configure(tmp_path, rule(keyed("key1"), IDENTITY))
    async with server(tmp_path, config, reload=True) as api:
        await api.post(SECRETS, api.secret("a", MARKER))
        configure(tmp_path, rule(keyed("key2"), IDENTITY))
        await api.encryption.look()
    assert KEYTEXT not in caplog.text
    assert MARKER not in caplog.text


async def test_a_start_that_can_read_nothing(tmp_path: Path) -> None:
    """The server stays, and is whole again without another start as soon as the plugin answers."""
    plugin = Plugin()
    config = configure(tmp_path, rule(kms(), IDENTITY, resources=("*.*",)))
    scheduler = User("system:kube-scheduler", ("system:authenticated",))
    async with server(tmp_path, config, plugin=plugin, bootstrap=True) as api:
        await api.post(SECRETS, api.secret("a"))
    plugin.failure = "rpc error: code = Unavailable desc = down"
    async with server(tmp_path, config, plugin=plugin, bootstrap=True) as api:
        await asyncio.sleep(0)
        assert (await api.raw("GET", "/readyz")).status == 500
        assert (await api.raw("GET", "/livez")).status == 200
        await api.as_(scheduler).get("/api/v1/pods", code=403)
        await api.clock.advance(1)
        plugin.failure = ""
        async with asyncio.timeout(60):
            while api.store.sealed:
                await api.clock.advance(10)
                await api.store.purge()
        await api.as_(scheduler).get("/api/v1/pods")
        await api.get(f"{SECRETS}/a")
        assert (await api.raw("GET", "/readyz")).status == 200
