"""The settings of a part's server: mistakes are named, and the files are those that serve."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from steersman.cmd.config import ApiServerConfig, KubeletConfig
from steersman.cmd.configfile import ConfigError
from steersman.cmd.parts.serving import server_tls, tls_settings
from steersman.pki import layout


def config(**more: Any) -> ApiServerConfig:
    files = {"tls_cert_file": "a.crt", "tls_key_file": "a.key", "client_ca_file": "ca.crt"}
    return ApiServerConfig(**{**files, "service_account_key_file": ("sa.key",), **more})


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"tls_min_version": "VersionTLS11"}, "tlsMinVersion: VersionTLS11 is no longer safe"),
        ({"tls_min_version": "1.2"}, 'tlsMinVersion: unknown tls version "1.2"'),
        ({"tls_cipher_suites": ("RC4",)}, "tlsCipherSuites: cipher suite RC4 not supported or doesn't exist"),
    ],
)
def test_mistakes(more: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        tls_settings(config(**more))


def test_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"of no use \(a\.crt, a\.key, ca\.crt\)"):
        server_tls(config(), "ca.crt")
    pki = layout.Layout(tmp_path)
    layout.ensure_cluster(pki, ("127.0.0.1",), datetime.now(UTC))
    own = KubeletConfig(kubeconfig="", tls_cert_file=str(pki.apiserver.cert), tls_key_file=str(pki.apiserver.key))
    tls = server_tls(own, str(pki.ca.cert))
    assert [c["issuer"] for c in tls.current.get_ca_certs()]
    with pytest.raises(ConfigError):
        server_tls(own, str(pki.apiserver.key))
