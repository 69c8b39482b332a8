"""Programs that say who the server is: when they run, what they are told, and what they may answer."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from steersman.api.clock import FakeClock
from steersman.apiserver.webhook import execplugin, kubeconfig
from steersman.apiserver.webhook.execplugin import Plugin, PluginError, plugin_of

V1 = "client.authentication.k8s.io/v1"


class Program:
    """A shell script that says what is in a file, and notes that it has run, with what it was told."""

    def __init__(self, folder: Path) -> None:
        self.path, self.answer, self.log = folder / "plugin.sh", folder / "answer", folder / "log"
        self.path.write_text(
            f'#!/bin/sh\necho "$KUBERNETES_EXEC_INFO $ZONE $*" >> {self.log}\ncat {self.answer}\nexit ${{CODE:-0}}\n'
        )
        self.path.chmod(0o755)
        self.log.touch()
        self.say(token="t")

    def say(self, version: str = V1, **status: Any) -> None:
        self.answer.write_text(json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status}))

    @property
    def runs(self) -> int:
        return len(self.log.read_text().splitlines())

    def plugin(self, clock: FakeClock | None = None, **env: str) -> Plugin:
        return Plugin((str(self.path), "a", "b"), V1, env, {"server": "https://x"}, clock=clock or FakeClock())


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


async def test_what_it_is_told(program: Program) -> None:
    assert (await program.plugin(ZONE="z").issued()).token == "t"
    told, _, rest = program.log.read_text().strip().rpartition("}")
    info = {
        "kind": "ExecCredential",
        "apiVersion": V1,
        "spec": {"interactive": False, "cluster": {"server": "https://x"}},
    }
    assert json.loads(told + "}") == info
    assert rest == " z a b"


async def test_it_runs_when_that_is_due(program: Program) -> None:
    clock = FakeClock(1_800_000_000.0)
    plugin = program.plugin(clock)
    first = await plugin.issued()
    await clock.advance(1_000_000)
    assert await plugin.issued() is first
    assert program.runs == 1
    # A server that does not take it wants another.
    plugin.refused(first)
    program.say(token="u", expirationTimestamp="2027-01-27T00:00:00Z")
    second = await plugin.issued()
    plugin.refused(first)
    assert await plugin.issued() is second
    assert (second.token, program.runs) == ("u", 2)
    await clock.advance(1_801_008_000.0 - clock.time() - 1)
    assert await plugin.issued() is second
    await clock.advance(2)
    await plugin.issued()
    # What has ended already counts once.
    await plugin.issued()
    assert program.runs == 4


async def test_many_wait_for_one(program: Program) -> None:
    plugin = program.plugin()
    waiting = [asyncio.ensure_future(plugin.issued()) for _ in range(5)]
    await asyncio.sleep(0)
    waiting.pop(0).cancel()
    assert {issued.token for issued in await asyncio.gather(*waiting)} == {"t"}
    assert program.runs == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "has not said an ExecCredential"),
        ("[]", "has not said an ExecCredential"),
        (
            '{"apiVersion": "v1", "token": "MARKER"}',
            f"is configured to use API version {V1}, plugin returned version v1",
        ),
        (json.dumps({"apiVersion": V1}), "didn't return a status field"),
        (json.dumps({"apiVersion": V1, "status": {}}), "didn't return a token or cert/key pair"),
        (
            json.dumps({"apiVersion": V1, "status": {"clientKeyData": "MARKER"}}),
            "returned only certificate or key, not both",
        ),
        ("x" * (execplugin._MOST + 1), "says too much"),
    ],
)
async def test_what_is_no_answer(program: Program, answer: str, why: str) -> None:
    program.answer.write_text(answer)
    with pytest.raises(PluginError) as caught:
        await program.plugin().issued()
    assert why in str(caught.value)
    assert "MARKER" not in str(caught.value)


async def test_programs_that_fail(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = program.plugin(CODE="3")
    for _ in range(2):
        with pytest.raises(PluginError, match="failed with exit code 3"):
            await plugin.issued()
    assert program.runs == 2
    with pytest.raises(PluginError, match="cannot be started: No such file or directory; install it"):
        await Plugin((str(tmp_path / "gone"),), V1, {}, hint="install it").issued()
    monkeypatch.setattr(execplugin, "_SECONDS", 0.05)
    pid = tmp_path / "pid"
    endless = Plugin(("sh", "-c", f"echo $$ > {pid}; exec sleep 1000"), V1, {})
    with pytest.raises(PluginError, match="has not ended within"):
        await endless.issued()
    # What it has started and waits for is no reason to wait, nor is what nobody reads.
    for script, why in (("sleep 1000; true", "has not ended within"), ("yes", "says too much|has not ended within")):
        with pytest.raises(PluginError, match=why):
            await asyncio.wait_for(Plugin(("sh", "-c", script), V1, {}).issued(), 30)
    # It does not go on behind our back.
    if pid.exists() and (number := pid.read_text()):
        with pytest.raises(ProcessLookupError):
            os.kill(int(number), 0)


def test_what_a_kubeconfig_says(program: Program, tmp_path: Path) -> None:
    said = {"command": "./plugin.sh", "apiVersion": V1, "interactiveMode": "Never", "args": ["a", 1]}
    plugin = plugin_of({**said, "env": [{"name": "ZONE", "value": "z"}]}, tmp_path, {"server": "s"})
    assert plugin._command == (str(tmp_path / "plugin.sh"), "a", "1")
    assert plugin._env["ZONE"] == "z"
    assert "cluster" not in plugin._env["KUBERNETES_EXEC_INFO"]
    # A name without a slash is looked up where programs are.
    older = {"command": "plugin", "apiVersion": "client.authentication.k8s.io/v1beta1", "provideClusterInfo": True}
    plugin = plugin_of(older, tmp_path, {"server": "s"})
    assert plugin._command == ("plugin",)
    assert '"cluster": {"server": "s"}' in plugin._env["KUBERNETES_EXEC_INFO"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("x", "must be an object"),
        ({}, "command: Required value"),
        ({"command": "c"}, "apiVersion: must be one of"),
        ({"command": "c", "apiVersion": V1}, "interactiveMode: must be one of Never, IfAvailable, Always"),
        ({"command": "c", "apiVersion": V1, "interactiveMode": "Always"}, "nobody who could answer"),
        ({"command": "c", "apiVersion": V1, "interactiveMode": "Never", "args": "x"}, "args: must be a list"),
        ({"command": "c", "apiVersion": V1, "interactiveMode": "Never", "env": [{}]}, "env: needs the name"),
        (
            {"command": "c", "apiVersion": V1, "interactiveMode": "Never", "provideClusterInfo": True},
            "provideClusterInfo: there is no cluster",
        ),
    ],
)
def test_mistakes(said: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        plugin_of(said, Path(), None)


async def test_in_a_kubeconfig(program: Program, tmp_path: Path) -> None:
    run = {"command": "./plugin.sh", "apiVersion": V1, "interactiveMode": "IfAvailable", "provideClusterInfo": True}
    config: dict[str, Any] = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": "https://hook", "tls-server-name": "other"}}],
        "users": [{"name": "u", "user": {"exec": run}}],
    }
    file = tmp_path / "hook.yaml"
    file.write_text(json.dumps(config))
    remote = kubeconfig.read(file)
    # It does not run before somebody is asked.
    assert program.runs == 0
    now = await remote.current()
    assert now.headers()[-1] == ("Authorization", "Bearer t")
    assert '"cluster": {"server": "https://hook", "tls-server-name": "other"}' in program.log.read_text()
    now.identity.refused()
    program.say(token="u")
    assert (await remote.current()).headers()[-1] == ("Authorization", "Bearer u")
    # What is written down goes before it.
    config["users"][0]["user"]["token"] = "written"
    file.write_text(json.dumps(config))
    remote = kubeconfig.read(file)
    assert (await remote.current()).headers()[-1] == ("Authorization", "Bearer written")
    assert program.runs == 2
