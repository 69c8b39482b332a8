"""Credentials out of kubeconfig files."""

import base64

import pytest

from steersman.client import kubeconfig

FILE = """
apiVersion: v1
kind: Config
current-context: a
contexts:
- {name: a, context: {cluster: c, user: u}}
- {name: b, context: {cluster: gone, user: u}}
clusters:
- {name: c, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: %s}}
users:
- {name: u, user: {client-certificate: crt.pem, client-key: key.pem, tokenFile: token}}
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "crt.pem").write_text("CRT")
    (tmp_path / "key.pem").write_text("KEY")
    path = tmp_path / "config"
    path.write_text(FILE % base64.b64encode(b"CA").decode())
    return path


def test_load(path):
    found = kubeconfig.load(path)
    assert (found.server, found.ca, found.certificate, found.key) == ("https://127.0.0.1:6443", "CA", "CRT", "KEY")
    assert found.token_file == str(path.parent / "token")


@pytest.mark.parametrize(("context", "message"), [("b", "no cluster named 'gone'"), ("x", "no context named 'x'")])
def test_missing_parts(path, context, message):
    with pytest.raises(ValueError, match=message):
        kubeconfig.load(path, context)
