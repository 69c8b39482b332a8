"""The API server's process: what its configuration makes of the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from steersman.api.configuration import ConfigurationError
from steersman.apiserver.config import FrontProxy, ProxyClient
from steersman.cmd.config import ApiServerConfig
from steersman.cmd.parts.apiserver import server_config


def config(**more: str | int | tuple[str, ...]) -> ApiServerConfig:
    files = {"tls_cert_file": "a.crt", "tls_key_file": "a.key", "client_ca_file": "ca.crt"}
    return ApiServerConfig(**files, service_account_key_file=("sa.key",), **more)  # type: ignore[arg-type]


def test_front_proxies_and_aggregated_servers() -> None:
    found = server_config(config())
    assert (found.front_proxy, found.proxy_client, found.client_ca) == (None, None, Path("ca.crt"))
    found = server_config(
        config(
            requestheader_client_ca_file="proxy-ca.crt",
            requestheader_allowed_names=("one", "two"),
            proxy_client_cert_file="proxy.crt",
            proxy_client_key_file="proxy.key",
        )
    )
    assert found.front_proxy == FrontProxy(Path("proxy-ca.crt"), ("one", "two"))
    assert found.proxy_client == ProxyClient(Path("proxy.crt"), Path("proxy.key"))


def test_how_long_events_are_kept() -> None:
    assert server_config(config()).event_ttl == 3600
    assert server_config(config(event_ttl=60)).event_ttl == 60


def test_admission_plugins(tmp_path: Path) -> None:
    file = tmp_path / "admission.yaml"
    file.write_text(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n"
        "plugins: [{name: PodNodeSelector, configuration: {podNodeSelectorPluginConfig: {a: b=c}}}]\n"
    )
    found = server_config(
        config(
            enable_admission_plugins=("PodNodeSelector",),
            disable_admission_plugins=("Priority",),
            admission_control_config_file=str(file),
            default_unreachable_toleration_seconds=60,
        )
    ).admission
    assert (found.enable, found.disable) == (("PodNodeSelector",), ("Priority",))
    assert found.given["DefaultTolerationSeconds"].value == {"notReady": 300, "unreachable": 60}
    assert found.given["PodNodeSelector"].value == {"podNodeSelectorPluginConfig": {"a": "b=c"}}
    file.write_text("kind: AdmissionConfiguration\n")
    with pytest.raises(ConfigurationError, match=r"admission\.yaml: apiVersion: Required value"):
        server_config(config(admission_control_config_file=str(file)))
