"""The chain of a server: made of its settings, and made anew when its file changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.apiserver.conftest import CATALOG, MAPS, Api
from tests.apiserver.test_authz import JOE

from steersman.api.clock import FakeClock
from steersman.api.configuration import ConfigurationError
from steersman.apiserver.authorizers.settings import Authorization, Configured, Webhook
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.server import App
from steersman.store.backends import memory

KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "h"}}],
    "clusters": [{"name": "h", "cluster": {"server": "http://192.0.2.1/authorize"}}],
}


def app(settings: Authorization) -> App:
    clock = FakeClock(1_800_000_000.0)
    return App(memory.BACKEND.open("", clock), clock, ServerConfig(authorization=settings), catalog=CATALOG)


def write(file: Path, *modes: str) -> None:
    authorizers = [{"type": mode, "name": mode.lower()} for mode in modes]
    body = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthorizationConfiguration",
        "authorizers": authorizers,
    }
    file.write_text(yaml.safe_dump(body))


def told(server: App) -> list[str]:
    return [line for metric in server.authorization.metrics() for line in metric.lines()]


async def test_the_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "authz.yaml"
    write(file, "Node", "RBAC")
    server = app(Authorization(file=file))
    await server.start()
    assert isinstance(server.clock, FakeClock)
    joe = Api(server, server.clock).as_(JOE)
    reloading = server.authorization.reloading
    assert reloading is not None
    await joe.get(MAPS, code=403)
    write(file, "AlwaysAllow")
    assert await reloading.look()
    await joe.get(MAPS)
    metrics = told(server)
    assert (
        'apiserver_authorization_decisions_total{type="AlwaysAllow",name="alwaysallow",decision="allowed"} 1' in metrics
    )
    # A mistake changes nothing.
    file.write_text("authorizers: [")
    assert not await reloading.look()
    await joe.get(MAPS)
    assert reloading.reloads.counts == {"success": 1, "failure": 1}
    metrics = told(server)
    assert (
        'apiserver_authorization_decisions_total{type="AlwaysAllow",name="alwaysallow",decision="allowed"} 2' in metrics
    )
    assert (
        'apiserver_authorization_config_controller_automatic_reloads_total{status="failure",apiserver_id_hash=""} 1'
        in metrics
    )
    # What was allowed is not remembered.
    write(file, "RBAC")
    assert await reloading.look()
    await joe.get(MAPS, code=403)
    await server.close()


def test_all_modes(tmp_path: Path) -> None:
    policies, hook = tmp_path / "policies", tmp_path / "hook"
    policies.write_text('{"user": "joe"}\n')
    hook.write_text(yaml.safe_dump(KUBECONFIG))
    chain = (
        *(Configured(mode, mode.lower()) for mode in ("Node", "RBAC", "ABAC", "AlwaysAllow", "AlwaysDeny")),
        Configured("Webhook", "one", Webhook(hook)),
        Configured("Webhook", "two", Webhook(hook, "v1beta1")),
    )
    found = app(Authorization(chain, policy_file=policies)).authorizer._modules
    assert [module.name for module in found] == [one.name for one in chain]
    assert [module.waits for module in found] == [one.mode == "Webhook" for one in chain]


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        (Configured("ABAC", "abac"), "policy file not passed"),
        (Configured("Webhook", "w"), "authorizer w: needs the configuration of its webhook"),
        (Configured("Webhook", "w", Webhook(Path("hook"), "v3")), 'unsupported webhook authorizer version "v3"'),
        (Configured("Webhook", "w", Webhook(Path("/no/such/file"))), "/no/such/file: No such file"),
    ],
)
def test_mistakes(one: Configured, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        app(Authorization((one,)))
