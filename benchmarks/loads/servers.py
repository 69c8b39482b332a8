"""Starts the API servers that benchmarks load, alone, each as a process with its store on disk."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from steersman.cmd.plan import ENVIRONMENT

STEER = [sys.executable, "-m", "steersman.cmd.steer"]
PORT, PEER_PORT, ETCD_PORT = 17560, 17561, 17562
READY_SECONDS = 60.0
PEER_TOKEN, PEER_ADMIN = "bench", "admin"
AUDIT_POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"
CLUSTER_ADMIN = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: bench}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: bench}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: bench}
subjects:
- {kind: ServiceAccount, name: default, namespace: kube-system}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: bench}
"""


@dataclass(frozen=True)
class Running:
    """A server that is ready: where it is, a token that may do everything, its processes and how long it took to come up."""

    url: str
    token: str
    pids: tuple[int, ...]
    ready: float

    @property
    def resident(self) -> float:
        """MiB of its processes."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids)
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def run(command: Sequence[str], stdin: str = "") -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def audit_settings(folder: Path) -> list[str]:
    """What makes either server note down the metadata of every request in a file."""
    policy = folder / "audit-policy.yaml"
    policy.write_text(AUDIT_POLICY)
    return [f"audit-policy-file={policy}", f"audit-log-path={folder / 'audit.log'}", "audit-log-maxsize=1000"]


@contextmanager
def process(command: Sequence[str], log: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=environment) as started:
        try:
            yield started
        finally:
            started.terminate()


def wait_ready(url: str, token: str, began: float) -> float:
    """Seconds from `began` until the server says that it is ready."""
    request = Request(f"{url}/readyz", headers={"Authorization": f"Bearer {token}"})
    context = ssl._create_unverified_context()
    while time.monotonic() - began < READY_SECONDS:
        try:
            with urlopen(request, context=context):
                return time.monotonic() - began
        except (URLError, OSError):
            time.sleep(0.02)
    raise SystemExit(f"{url} is not ready after {READY_SECONDS:.0f} s")


class Steersman:
    """The API server that `steer up` configures, without the other parts. It can be started again with what it has stored."""

    def __init__(self, folder: Path, *, audit: bool = False) -> None:
        self.folder = folder
        kubeconfig, place = folder / "kubeconfig", ["--name", "bench-api", "--data-dir", str(folder)]
        run(
            [
                *STEER,
                "up",
                *place,
                "--kubeconfig",
                str(kubeconfig),
                "--port",
                str(PORT),
                "--no-nodes",
                *self._arguments(audit),
            ]
        )
        kubectl = ["kubectl", "--kubeconfig", str(kubeconfig)]
        run([*kubectl, "apply", "-f", "-"], CLUSTER_ADMIN)
        run([*kubectl, "-n", "kube-system", "wait", "--for=create", "sa/default", "--timeout=30s"])
        self.token = run([*kubectl, "create", "token", "default", "-n", "kube-system", "--duration", "3h"])
        run([*STEER, "down", *place])

    def _arguments(self, audit: bool) -> list[str]:
        if not audit:
            return []
        return [f"--apiserver-arg={setting}" for setting in audit_settings(self.folder)]

    @contextmanager
    def start(self) -> Iterator[Running]:
        config = self.folder / "bench-api" / "config" / "apiserver.json"
        environment = {**os.environ, **ENVIRONMENT}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        began = time.monotonic()
        command = [sys.executable, "-P", "-m", "steersman.cmd.parts.apiserver", str(config)]
        with process(command, self.folder / "apiserver.log", environment) as server:
            url = f"https://127.0.0.1:{PORT}"
            yield Running(url, self.token, (server.pid,), wait_ready(url, self.token, began))


class Peer:
    """kube-apiserver with etcd, from these programs."""

    def __init__(self, folder: Path, apiserver: str, etcd: str, *, audit: bool = False) -> None:
        self.folder, self.apiserver, self.etcd = folder, apiserver, etcd
        self.audit = [f"--{setting}" for setting in audit_settings(folder)] if audit else []
        self.key, self.tokens = folder / "accounts.key", folder / "tokens"
        run(["openssl", "genrsa", "-out", str(self.key), "2048"])
        self.tokens.write_text(f'{PEER_TOKEN},bench,1\n{PEER_ADMIN},admin,2,"system:masters"\n')

    @contextmanager
    def start(self) -> Iterator[Running]:
        clients, peers = (f"http://127.0.0.1:{port}" for port in (ETCD_PORT, ETCD_PORT + 1))
        etcd = [self.etcd, "--data-dir", str(self.folder / "etcd"), "--listen-client-urls", clients]
        etcd += ["--advertise-client-urls", clients, "--listen-peer-urls", peers]
        command = [
            self.apiserver, "--etcd-servers", clients, "--secure-port", str(PEER_PORT), "--bind-address", "127.0.0.1",
            "--cert-dir", str(self.folder / "certificates"), "--token-auth-file", str(self.tokens),
            "--service-account-key-file", str(self.key), "--service-account-signing-key-file", str(self.key),
            "--service-account-issuer", "https://bench", "--authorization-mode", "RBAC",
            # Without a controller that makes tokens it would refuse every pod.
            "--service-cluster-ip-range", "10.96.0.0/16", "--disable-admission-plugins", "ServiceAccount",
            *self.audit,
        ]  # fmt: skip
        environment = dict(os.environ)
        began = time.monotonic()
        with (
            process(etcd, self.folder / "etcd.log", environment) as store,
            process(command, self.folder / "kube-apiserver.log", environment) as server,
        ):
            url = f"https://127.0.0.1:{PEER_PORT}"
            ready = wait_ready(url, PEER_ADMIN, began)
            kubectl = ["kubectl", "--server", url, "--token", PEER_ADMIN, "--insecure-skip-tls-verify"]
            # The loads are made by somebody whom roles allow it, as they are for the other server.
            run([*kubectl, "--kubeconfig", os.devnull, "apply", "-f", "-"], CLUSTER_ADMIN)
            yield Running(url, PEER_TOKEN, (server.pid, store.pid), ready)
