"""The API server's process: what its configuration makes of the server."""

from __future__ import annotations

from pathlib import Path

from steersman.apiserver.config import FrontProxy, ProxyClient
from steersman.cmd.config import ApiServerConfig
from steersman.cmd.parts.apiserver import server_config


def config(**more: str | tuple[str, ...]) -> ApiServerConfig:
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
