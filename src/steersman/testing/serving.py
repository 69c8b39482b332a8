"""A test's API server on a socket: an authority and certificates for this one run, and a kubeconfig for other programs."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from steersman.api import yaml
from steersman.api.identities import MASTERS
from steersman.pki.certs import Pair, Request, issue, new_ca

NAME = "steersman-testing"
HOSTS = ("127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
ADMIN = Request("steersman-admin", (MASTERS,))


@dataclass(frozen=True, slots=True)
class Served:
    """Where the API server listens. `kubeconfig` is a file with an administrator's certificate, `ca` a PEM text."""

    url: str
    kubeconfig: Path
    ca: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a served cluster needs: files for the server below `directory`, and the authority that signs clients."""

    directory: Path
    authority: Pair
    now: datetime

    @classmethod
    def make(cls, directory: Path, now: datetime) -> Credentials:
        made = cls(directory, new_ca(NAME, now), now)
        server = issue(made.authority, Request("kube-apiserver", hosts=HOSTS, usages=("server",)), now)
        made.path("ca.crt").write_bytes(made.authority.cert)
        made.path("apiserver.crt").write_bytes(server.cert)
        made.path("apiserver.key").write_bytes(server.key)
        return made

    def path(self, name: str) -> Path:
        return self.directory / name

    def kubeconfig(self, url: str, user: Request = ADMIN) -> dict[str, Any]:
        """A kubeconfig for a new certificate of that user."""
        pair = issue(self.authority, user, self.now)
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": NAME, "cluster": {"server": url, "certificate-authority-data": _base64(self.authority.cert)}}
            ],
            "users": [
                {
                    "name": NAME,
                    "user": {"client-certificate-data": _base64(pair.cert), "client-key-data": _base64(pair.key)},
                }
            ],
            "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
            "current-context": NAME,
        }

    def served(self, port: int) -> Served:
        url = f"https://127.0.0.1:{port}"
        file = self.path("kubeconfig")
        file.touch(mode=0o600)
        file.write_text(yaml.dump(self.kubeconfig(url)))
        return Served(url, file, self.authority.cert.decode())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
