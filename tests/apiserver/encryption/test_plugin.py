"""A server and a KMS plugin that is a process of its own, on a unix socket."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.conftest import Api
from tests.apiserver.encryption.conftest import IDENTITY, SECRETS, configure, kms, on_disk, rule, server

from steersman.api.clock import FakeClock
from steersman.api.http import User
from steersman.apiserver.encryption.kms import FAILED_SECONDS, KMSProvider
from steersman.apiserver.encryption.plugin import Encrypted, Plugin, PluginError

# How long a plugin that answers may take, in seconds.
PATIENCE = 60.0
PROGRAM = Path(__file__).with_name("kms_plugin.py")


class Process:
    """A plugin that can be killed, and its keys."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "kms.sock"
        self.keys = directory / "keys"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, str(PROGRAM), str(self.socket), str(self.keys)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None
            self.socket.unlink(missing_ok=True)

    def add(self, line: str) -> None:
        with self.keys.open("a") as file:
            file.write(line + "\n")

    def add_key(self, name: str) -> None:
        self.add(f"{name} {base64.b64encode(os.urandom(32)).decode()}")

    def remove(self, line: str) -> None:
        kept = [one for one in self.keys.read_text().splitlines() if one != line]
        self.keys.write_text("\n".join(kept) + "\n")

    @property
    def endpoint(self) -> str:
        return f"unix://{self.socket}"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    found = Process(tmp_path)
    found.add_key("one")
    found.start()
    yield found
    found.kill()


def test_the_three_calls(process: Process) -> None:
    plugin = Plugin(process.endpoint, PATIENCE)
    status = plugin.status()
    assert (status.version, status.healthz, status.key_id) == ("v2", "ok", "one")
    made = plugin.encrypt("uid", b"seed")
    assert (made.key_id, made.annotations) == ("one", {"made.example.com": b"here"})
    assert plugin.decrypt("uid", made) == b"seed"
    with pytest.raises(PluginError, match="rpc error: code = NotFound desc = no key other"):
        plugin.decrypt("uid", Encrypted(made.ciphertext, "other", made.annotations))
    plugin.close()


def test_slow_and_absent_plugins(process: Process) -> None:
    plugin, patient = Plugin(process.endpoint, 0.2), Plugin(process.endpoint, PATIENCE)
    process.add("slow")
    with pytest.raises(PluginError, match="code = DeadlineExceeded"):
        plugin.status()
    process.remove("slow")
    assert patient.status().healthz == "ok"
    process.kill()
    with pytest.raises(PluginError, match=r"code = (Unavailable|DeadlineExceeded)"):
        plugin.status()
    process.start()
    assert patient.status().key_id == "one"
    plugin.close()
    patient.close()


def test_nobody_behind_a_socket(tmp_path: Path) -> None:
    provider = KMSProvider("plug", Plugin(f"unix://{tmp_path}/none.sock", 0.2), FakeClock())
    assert "failed to perform status section" in provider.probe()
    provider.close()


async def test_a_server_and_its_plugin(process: Process, tmp_path: Path) -> None:
    config = configure(tmp_path, rule(kms(endpoint=process.endpoint, timeout="60s"), IDENTITY))
    async with server(tmp_path, config) as api:
        await api.post(SECRETS, api.secret("a", "marker-in-the-first"))
        assert (await api.get("/encryption/status"))["plugins"][0]["healthy"]
        process.add_key("two")
        await api.encryption.probe()
        await api.post(SECRETS, api.secret("b"))
        stored = {
            one["keyIDHash"]: one["objects"] for one in (await api.get("/encryption/status"))["resources"][0]["stored"]
        }
        assert sorted(stored.values()) == [1, 1]
        # A write that changes nothing brings the value under the new key.
        found = await api.get(f"{SECRETS}/a")
        again = await api.put(f"{SECRETS}/a", found)
        assert again["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]
        (resource,) = (await api.get("/encryption/status"))["resources"]
        assert resource["stale"] == 0
        assert [one["objects"] for one in resource["stored"]] == [2]
        # A rewriting asks the plugin first.
        process.add_key("three")
        await api.post("/encryption/rewrite?resources=secrets", None)
        while (found := await api.get("/encryption/status"))["rewrite"]["running"]:
            await api.store.purge()
        assert (found["rewrite"]["done"], found["resources"][0]["stale"]) == (2, 0)
    assert on_disk(tmp_path, b"marker-in-the-first") == []
    assert on_disk(tmp_path, base64.b64encode(b"marker-in-the-first")) == []
    async with server(tmp_path, config) as api:
        assert base64.b64decode((await api.get(f"{SECRETS}/a"))["data"]["a"]) == b"marker-in-the-first"


async def answered(api: Api, path: str) -> None:
    """It can be read, though a question to a plugin that has only two seconds may come to nothing on a busy machine."""
    async with asyncio.timeout(PATIENCE):
        while (await api.raw("GET", path)).status != 200:
            await api.clock.advance(FAILED_SECONDS)


async def test_a_start_without_the_plugin(process: Process, tmp_path: Path) -> None:
    config = configure(tmp_path, rule(kms(endpoint=process.endpoint, timeout="60s"), IDENTITY))
    async with server(tmp_path, config) as api:
        await api.post(SECRETS, api.secret("a"))
    process.kill()
    config = configure(tmp_path, rule(kms(endpoint=process.endpoint, timeout="2s"), IDENTITY))
    async with server(tmp_path, config) as api:
        assert "failed to decrypt DEK" in (await api.get(f"{SECRETS}/a", code=500))["message"]
        assert "no key to write with" in (await api.post(SECRETS, api.secret("b"), code=500))["message"]
        await api.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "c"}})
        for root in ("healthz", "readyz"):
            assert (await api.raw("GET", f"/{root}")).status == 500
            assert (await api.raw("GET", f"/{root}/kms-provider-0")).status == 500
        # A server that is ended for it would only be worse off.
        assert (await api.raw("GET", "/livez")).status == 200
        await api.get("/livez/kms-provider-0", code=404)
        process.start()
        await api.clock.advance(10)
        async with asyncio.timeout(PATIENCE):
            while not api.encryption.healthy:
                await api.encryption.probe()
        await answered(api, f"{SECRETS}/a")
        await api.post(SECRETS, api.secret("b"))
        assert (await api.raw("GET", "/healthz/kms-provider-0")).status == 200


RBAC = "/apis/rbac.authorization.k8s.io/v1"
ALL = {"metadata": {"name": "all"}, "rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}
READER = {
    "metadata": {"name": "reader"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "all"},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "joe"}],
}


def everything(process: Process, timeout: str) -> dict[str, Any]:
    return {"resources": ["*.*"], "providers": [kms(endpoint=process.endpoint, timeout=timeout), IDENTITY]}


async def test_everything_under_a_plugin_that_dies(process: Process, tmp_path: Path) -> None:
    """Who has read something goes on; who starts without the plugin catches up when it is there, rights included."""
    config = configure(tmp_path, everything(process, "60s"))
    async with server(tmp_path, config) as api:
        joe = api.as_(User("joe", ("system:authenticated",)))
        await api.post(f"{RBAC}/clusterroles", ALL)
        await api.post(f"{RBAC}/clusterrolebindings", READER)
        await api.post(SECRETS, api.secret("a"))
        process.kill()
        # Nothing that was read is forgotten, and for three minutes the key is good enough.
        await joe.get(f"{SECRETS}/a")
        await joe.post(SECRETS, api.secret("b"))
        await joe.get(f"{RBAC}/clusterroles")
        await api.clock.advance(181)
        assert "expired at" in (await joe.post(SECRETS, api.secret("c"), code=500))["message"]
        await joe.get(f"{SECRETS}/b")
    config = configure(tmp_path, everything(process, "2s"))
    async with server(tmp_path, config) as api:
        joe = api.as_(User("joe", ("system:authenticated",)))
        await joe.get(f"{SECRETS}/a", code=403)
        assert (await api.raw("GET", "/livez")).status == 200
        process.start()
        async with asyncio.timeout(PATIENCE):
            while not api.encryption.healthy:
                await api.encryption.probe()
        await answered(joe, f"{SECRETS}/a")
        await joe.post(SECRETS, api.secret("c"))
