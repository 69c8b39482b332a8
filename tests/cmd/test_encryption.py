"""Keys that steer makes: the file, and rotations that somebody interrupts at any moment."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from steersman.api.clock import RealClock
from steersman.api.http import Request, User
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.encryption import configuration, service
from steersman.apiserver.encryption.service import Encryption
from steersman.apiserver.server import App
from steersman.cmd import encryption, plan
from steersman.cmd.admin import AdminError
from steersman.cmd.commands.encryption import table
from steersman.cmd.config import ClusterConfig
from steersman.cmd.encryption import Rotation, content, newest_first, read, with_new
from steersman.cmd.errors import CommandError
from steersman.cmd.place import Place
from steersman.store import open as open_store

ADMIN = User("admin", ("system:masters",))
SECRETS = "/api/v1/namespaces/default/secrets"
PATIENCE = 120


class Killed(BaseException):
    """Somebody has pulled the plug."""


class Server:
    """A real API server on its own thread, asked as `steer` asks it."""

    def __init__(self, app: App, loop: asyncio.AbstractEventLoop) -> None:
        self._app, self._loop = app, loop

    def get(self, path: str) -> dict[str, Any]:
        return self.send("GET", path)

    def send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, accepted: Collection[int] = ()
    ) -> dict[str, Any]:
        path, _, query = path.partition("?")
        data = b"" if body is None else json.dumps(body).encode()
        request = Request(method, path, query, {}, data, user=ADMIN)
        response = asyncio.run_coroutine_threadsafe(self._app.handle(request), self._loop).result(PATIENCE)
        assert isinstance(response.body, bytes)
        answer: dict[str, Any] = json.loads(response.body)
        if response.status >= 400 and response.status not in accepted:
            raise AdminError(answer["message"])
        return answer


@contextmanager
def serving(directory: Path, file: Path) -> Iterator[Server]:
    ready: list[Server] = []
    begun, end = threading.Event(), asyncio.Event()

    async def serve() -> None:
        clock = RealClock()
        made = Encryption(clock, file, reload=True)
        store = open_store(f"sqlite://{directory}/store.db", clock, made.tables)
        app = App(store, clock, ServerConfig(bootstrap=False), admission=(), encryption=made)
        await app.start()
        ready.append(Server(app, asyncio.get_running_loop()))
        begun.set()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(app.run())
            await end.wait()
            running.cancel()
        await app.close()
        await store.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert begun.wait(PATIENCE)
    try:
        yield ready[0]
    finally:
        ready[0]._loop.call_soon_threadsafe(end.set)
        thread.join()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "RELOAD_SECONDS", 0.005)
    monkeypatch.setattr(encryption, "POLL", 0.005)


def test_the_file_is_a_configuration(tmp_path: Path) -> None:
    place = Place("a", tmp_path)
    encryption.ensure(place, "")
    file = encryption.key_file(place)
    assert not file.exists()
    encryption.ensure(place, "on")
    assert file.stat().st_mode & 0o777 == 0o600
    first = file.read_bytes()
    configuration.read(file)
    encryption.ensure(place, "on")
    assert file.read_bytes() == first
    encryption.ensure(place, "off")
    (rule,) = configuration.read(file).resources or ()
    assert rule.providers is not None
    assert rule.providers[0].identity is not None, "Secrets are written as they are, and the others are still read"
    assert read(file) == tuple(
        (k["name"], k["secret"]) for k in json.loads(first)["resources"][0]["providers"][0]["aesgcm"]["keys"]
    )
    encryption.ensure(place, "on")
    assert file.read_bytes() == first


def test_keys_of_others_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    for text in ("{", "{}", content([("mine", "AAAA")]).decode()):
        file.write_text(text)
        with pytest.raises(CommandError):
            read(file)


def test_where_a_rotation_goes_on() -> None:
    old, new = ("key-1", "a"), ("key-2", "b")
    assert with_new((old,))[1][0] == "key-2"
    assert with_new((old, new)) == (old, new)
    assert newest_first((old, new)) == newest_first((new, old)) == (new, old)
    assert newest_first((("key-9", "a"), ("key-10", "b")))[0][0] == "key-10"


class _Interrupting:
    """Calls of a function, of which one is the last that happens; before it or after it, the plug is pulled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, *, after: bool) -> None:
        self._calls, self._at, self._after = 0, at, after
        self._write, self._status = encryption.write, encryption.status
        monkeypatch.setattr(encryption, "write", lambda file, data: self._pass(self._write, file, data))
        monkeypatch.setattr(encryption, "status", lambda admin: self._pass(self._status, admin))

    def _pass(self, call: Any, *given: Any) -> Any:
        self._calls += 1
        if self._calls == self._at and not self._after:
            raise Killed
        done = call(*given)
        if self._calls == self._at and self._after:
            raise Killed
        return done


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 9))
def test_interrupted_rotations(at: int, after: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Secret can be read at every moment, also after a restart, and another rotation brings it to its end."""
    file = tmp_path / "keys"
    encryption.write(file, content([encryption.new_key(0)]))
    with serving(tmp_path, file) as server:
        for number in range(5):
            secret = {"metadata": {"name": f"s{number}"}, "stringData": {"a": "x"}}
            server.send("POST", SECRETS, secret)
        with monkeypatch.context() as patch:
            _Interrupting(patch, at, after=after)
            with pytest.raises(Killed):
                Rotation(file, server, lambda _: None).run()  # type: ignore[arg-type]
    with serving(tmp_path, file) as server:
        assert server.get("/encryption/status")["unreadableCount"] == 0
        assert len(server.get(SECRETS)["items"]) == 5
        newest = Rotation(file, server, lambda _: None).run()  # type: ignore[arg-type]
        assert [name for name, _ in read(file)] == [newest]
        (resource,) = server.get("/encryption/status")["resources"]
        assert resource["stored"] == [{"provider": "aesgcm", "key": newest, "objects": 5}]
    with serving(tmp_path, file) as server:
        assert len(server.get(SECRETS)["items"]) == 5


def test_a_secret_that_cannot_be_rewritten_keeps_its_key(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    encryption.write(file, content([encryption.new_key(0)]))
    with serving(tmp_path, file) as server:
        server.send("POST", SECRETS, {"metadata": {"name": "lost"}})
    encryption.write(file, content([encryption.new_key(1)]))
    with serving(tmp_path, file) as server:
        with pytest.raises(CommandError, match=r"not every Secret could be encrypted anew \(1 under unreadable\)"):
            Rotation(file, server, lambda _: None).run()  # type: ignore[arg-type]
        assert len(read(file)) == 2
        text = table(server.get("/encryption/status"))
        assert "secrets   unreadable  -      1        cannot be read" in text
        assert "1 objects cannot be decrypted: /registry/core/secrets/default/lost" in text


def test_a_server_that_is_started_again_meanwhile() -> None:
    """Whoever waits for it waits on, and has it go on with what is left."""
    answers: list[Any] = [
        AdminError("the API server does not answer: refused"),
        {"code": 409},
        {"number": 1},
        {"rewrite": {"number": 1, "running": True}},
        AdminError("the API server does not answer: refused"),
        {"rewrite": {"number": 0, "running": False}},
        {"number": 1},
        {"rewrite": {"number": 1, "running": False, "done": 3, "left": 0, "error": ""}},
    ]

    class Answers:
        def get(self, path: str) -> dict[str, Any]:
            return self.send("GET", path)

        def send(self, method: str, path: str, **_: object) -> dict[str, Any]:
            answer = answers.pop(0)
            if isinstance(answer, AdminError):
                raise answer
            return dict(answer)

    assert encryption.rewrite(Answers(), ())["done"] == 3  # type: ignore[arg-type]
    assert answers == []
    answers.append(AdminError("GET: forbidden"))
    with pytest.raises(CommandError, match="forbidden"):
        encryption.status(Answers())  # type: ignore[arg-type]


def test_what_is_given_to_the_api_server(tmp_path: Path) -> None:
    place = Place("a", tmp_path)

    def given(**settings: str) -> tuple[str, bool]:
        found = plan.part_configs(ClusterConfig(store="memory://", port=1, dns_port=2, nodes=0, **settings), place)
        return found["apiserver"].encryption_provider_config, found[
            "apiserver"
        ].encryption_provider_config_automatic_reload

    assert given() == ("", False)
    assert given(secrets_encryption="on") == (str(tmp_path / "a/pki/encryption.json"), True)
    assert given(secrets_encryption="off") == given(secrets_encryption="on")
    assert given(encryption_provider_config="/f") == ("/f", True)


def test_wrong_files_are_told_of_before_the_start(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nresources: []\n")
    with pytest.raises(CommandError, match="at least one resources is required"):
        encryption.check("", str(file))
    with pytest.raises(CommandError, match="keys that steer made"):
        encryption.check("on", str(file))
    encryption.check("on", "")
