"""The settings of authorization as the API server's process reads them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from steersman.apiserver.authorizers.settings import Authorization, Configured, Webhook
from steersman.cmd.config import ApiServerConfig
from steersman.cmd.configfile import ConfigError
from steersman.cmd.parts.authorization import authorization_of

CONFIG = ApiServerConfig(tls_cert_file="c", tls_key_file="k", client_ca_file="a", service_account_key_file="s")


def test_the_default() -> None:
    assert authorization_of(CONFIG) == Authorization()
    assert Authorization().chain == (Configured("Node", "node"), Configured("RBAC", "rbac"))


def test_modes() -> None:
    config = replace(
        CONFIG,
        authorization_mode=("AlwaysDeny", "Webhook", "ABAC"),
        authorization_policy_file="/p",
        authorization_webhook_config_file="/w",
        authorization_webhook_cache_authorized_ttl=7.0,
    )
    webhook = Webhook(Path("/w"), "v1beta1", 30.0, 7.0, 30.0, False)
    chain = (
        Configured("AlwaysDeny", "alwaysdeny"),
        Configured("Webhook", "default", webhook),
        Configured("ABAC", "abac"),
    )
    assert authorization_of(config) == Authorization(chain, None, Path("/p"))


def test_a_file() -> None:
    assert authorization_of(replace(CONFIG, authorization_config="/f")) == Authorization((), Path("/f"))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"authorization_mode": ()}, "authorizationMode: at least one authorization mode must be passed"),
        ({"authorization_mode": ("Rbac",)}, 'authorizationMode: "Rbac" is not a valid mode'),
        ({"authorization_mode": ("RBAC", "RBAC")}, 'authorizationMode: "RBAC" has mode specified more than once'),
        ({"authorization_mode": ("ABAC",)}, "authorizationPolicyFile: is needed with authorization mode ABAC"),
        (
            {"authorization_mode": ("Webhook",)},
            "authorizationWebhookConfigFile: is needed with authorization mode Webhook",
        ),
        ({"authorization_policy_file": "/p"}, "authorizationPolicyFile: '/p' can not be specified without"),
        (
            {"authorization_webhook_config_file": "/w"},
            "authorizationWebhookConfigFile: '/w' can not be specified without",
        ),
        (
            {"authorization_config": "/f", "authorization_mode": ("RBAC",)},
            "authorizationConfig: can not be specified when",
        ),
    ],
)
def test_mistakes(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError) as error:
        authorization_of(replace(CONFIG, **settings))
    assert str(error.value).startswith(problem)
