"""Who the server is to admission webhooks: which user of the kubeconfig is meant, and what the webhook sees of it."""

from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.apiserver.admission.test_optional import having
from tests.apiserver.conftest import MAPS, config_map
from tests.apiserver.webhook.conftest import (
    HOST,
    MUTATING,
    NAMESPACE,
    PORT,
    VALIDATING,
    Hooks,
    allow,
    authority,
    configuration,
    serve,
    tls,
)

from steersman.api.clock import RealClock
from steersman.api.configuration import ConfigurationError
from steersman.apiserver.admission.given import Given
from steersman.apiserver.webhook import credentials
from steersman.apiserver.webhook.kubeconfig import NOBODY
from steersman.pki import certs

KIND = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "WebhookAdmissionConfiguration"}


def write(folder: Path, users: dict[str, Any], current: str = "") -> Path:
    """A kubeconfig with these users, one of them that of the current context."""
    config: dict[str, Any] = {"users": [{"name": name, "user": user} for name, user in users.items()]}
    if current:
        config["contexts"] = [{"name": "c", "context": {"user": current}}]
        config["current-context"] = "c"
    file = folder / "kubeconfig"
    file.write_text(json.dumps(config))
    return file


NAMES = (
    "hook.ns.svc", "hook.ns.svc:8443", "*.ns.svc", "*.svc:8443", "a.example.com", "*.example.com", "*.example.com:444",
    "*", "[2001:db8::1]:444", "else",
)  # fmt: skip


@pytest.mark.parametrize(
    ("host", "port", "user"),
    [
        ("hook.ns.svc", 443, "hook.ns.svc"),
        ("hook.ns.svc", 8443, "hook.ns.svc:8443"),
        # Only the port of HTTPS may be left out.
        ("hook.ns.svc", 8444, "*"),
        ("other.ns.svc", 443, "*.ns.svc"),
        ("other.ns.svc", 8443, "*.svc:8443"),
        ("a.example.com", 443, "a.example.com"),
        ("b.example.com", 443, "*.example.com"),
        ("b.c.example.com", 443, "*.example.com"),
        # With its port, a name of many is more than the very name without it.
        ("a.example.com", 444, "*.example.com:444"),
        ("example.com", 443, "*"),
        ("2001:db8::1", 444, "[2001:db8::1]:444"),
        ("localhost", 443, "*"),
    ],
)
def test_which_user_is_meant(tmp_path: Path, host: str, port: int, user: str) -> None:
    found = credentials.read(write(tmp_path, {name: {"token": name} for name in NAMES}, "else"))
    assert found.at(host, port).headers() == [("Authorization", f"Bearer {user}")]


def test_who_is_meant_by_nobody(tmp_path: Path) -> None:
    users = {"a": {"token": "t"}}
    assert credentials.read(write(tmp_path, users, "a")).at("x", 443).token == "t"
    assert credentials.read(write(tmp_path, users)).at("x", 443) is NOBODY
    assert credentials.read(write(tmp_path, users, "gone")).at("x", 443) is NOBODY


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"kubeConfigFile": "relative"}, 'f: kubeConfigFile: Invalid value: "relative": must be an absolute file path'),
        ({"kubeConfigFile": "{}/gone"}, "gone: No such file"),
        ({"kubeConfigFile": "{}/bad"}, "users: 'h': user.exec.apiVersion: must be one of"),
        ({"staticManifestsDir": "/x"}, "f: staticManifestsDir: Forbidden"),
        ({"kubeconfig": "/x"}, 'unknown field "kubeconfig"'),
        ({"apiVersion": "apiserver.config.k8s.io/v1alpha1"}, "there is a WebhookAdmissionConfiguration of"),
    ],
)
def test_mistakes(tmp_path: Path, said: dict[str, Any], why: str) -> None:
    write(tmp_path, {"h": {"exec": {"command": "c"}}}).rename(tmp_path / "bad")
    value = {**KIND, **{key: text.replace("{}", str(tmp_path)) for key, text in said.items()}}
    with pytest.raises(ConfigurationError) as caught:
        credentials.configured(Given(value, "f", tmp_path))
    assert why in str(caught.value)


def test_no_credentials() -> None:
    assert credentials.configured(None) is None
    assert credentials.configured(Given(KIND, "f", Path())) is None


async def test_what_webhooks_see(tmp_path: Path) -> None:
    shown: list[tuple[str, str, str]] = []
    hooks = Hooks(answers={"/mutate": allow, "/validate": allow})

    async def handle(request: web.Request) -> web.Response:
        certificate: Any = request.get_extra_info("peercert") or {}
        subject = [value for entry in certificate.get("subject", ()) for _, value in entry]
        shown.append((request.path, request.headers.get("Authorization", ""), "".join(subject)))
        return await hooks.handle(request)

    app = web.Application()
    app.router.add_post("/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    context = tls(tmp_path)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=authority().cert.decode())
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    pair = certs.issue(authority(), certs.Request("the-server"), RealClock().now())
    certified = {
        "client-certificate-data": base64.b64encode(pair.cert).decode(),
        "client-key-data": base64.b64encode(pair.key).decode(),
    }
    (tmp_path / "token").write_text("renewed")
    mutating = write(tmp_path, {f"{HOST}:{PORT}": certified, "*": {"token": "t"}})
    (tmp_path / "validating").mkdir()
    validating = write(tmp_path / "validating", {f"*.{NAMESPACE}.svc:{PORT}": {"tokenFile": "../token"}})
    given = {
        "MutatingAdmissionWebhook": {**KIND, "kubeConfigFile": str(mutating)},
        "ValidatingAdmissionWebhook": {**KIND, "kubeConfigFile": str(validating)},
    }
    async with having(**given) as api:
        await serve(api, runner.addresses[0][1])
        await api.post(MUTATING, configuration(hooks.hook("/mutate")))
        await api.post(VALIDATING, configuration(hooks.hook("/validate")))
        await api.post(MAPS, config_map("a"))
        assert shown == [("/mutate", "", "the-server"), ("/validate", "Bearer renewed", "")]
        (tmp_path / "token").write_text("renewed again")
        await api.post(MAPS, config_map("b"))
        assert shown[-1] == ("/validate", "Bearer renewed again", "")
    await runner.cleanup()


async def test_files_that_are_not_there(tmp_path: Path) -> None:
    missing = write(tmp_path, {"*": {"tokenFile": "gone"}})
    async with having(ValidatingAdmissionWebhook={**KIND, "kubeConfigFile": str(missing)}) as api:
        await serve(api, 1)
        await api.post(VALIDATING, configuration(Hooks().hook("/x")))
        answer = await api.post(MAPS, config_map("a"), code=500)
        assert "failed to call webhook" in answer["message"]
        assert "No such file or directory" in answer["message"]
