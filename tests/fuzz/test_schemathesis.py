"""The served OpenAPI document drives Schemathesis against a running server: whatever the document allows is answered without
a server error."""

from __future__ import annotations

import base64
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import HTTPSHandler, build_opener

import pytest
import yaml
from tests.running import ControlPlane, control_plane

_SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
_EXAMPLES = 4


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("schemathesis")) as running:
        yield running


@pytest.fixture(scope="module")
def credentials(plane: ControlPlane) -> tuple[str, Path, Path]:
    """Where the server is, and the administrator's certificate and key."""
    config = yaml.safe_load(plane.kubeconfig.read_text())
    user = config["users"][0]["user"]
    paths = []
    for name in ("client-certificate", "client-key"):
        path = plane.directory / f"{name}.pem"
        path.write_bytes(base64.b64decode(user[f"{name}-data"]))
        paths.append(path)
    return config["clusters"][0]["cluster"]["server"], paths[0], paths[1]


def document(url: str, certificate: Path, key: Path, group: str) -> bytes:
    context = ssl._create_unverified_context()
    context.load_cert_chain(certificate, key)
    with build_opener(HTTPSHandler(context=context)).open(f"{url}/openapi/v3/{group}") as answer:
        found: bytes = answer.read()
    return found


@pytest.mark.parametrize("group", ["apis/policy/v1", "apis/coordination.k8s.io/v1"])
def test_what_the_document_allows_is_no_server_error(
    plane: ControlPlane, credentials: tuple[str, Path, Path], group: str
) -> None:
    url, certificate, key = credentials
    path = plane.directory / "openapi.json"
    path.write_bytes(document(url, certificate, key, group))
    command = [str(_SCHEMATHESIS), "run", str(path), "--url", url, "--tls-verify=false"]
    command += ["--request-cert", str(certificate), "--request-cert-key", str(key)]
    command += [
        "--checks",
        "not_a_server_error",
        "--phases",
        "fuzzing",
        "--max-examples",
        str(_EXAMPLES),
        "--seed",
        "1",
    ]
    command += ["--exclude-path-regex", "/watch/", "--generation-database", "none"]
    done = subprocess.run(command, cwd=plane.directory, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout
    assert " generated, " in done.stdout
