"""Runs `loads/api.py` against Steersman's API server alone and, where a peer is given, against kube-apiserver with etcd.

usage: python benchmarks/api.py [--peer KUBE_APISERVER] [--etcd ETCD] [--rounds 1] [--seconds 5] [--only create,get,…]
Both servers listen on loopback with TLS and RBAC, nothing else runs, and every write is durable before it is answered. They take
turns, so that a machine whose speed drifts is unfair to neither. Prints a table: per second, ratio, memory, time to readiness.
Needs wrk and kubectl.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from steersman.cmd.plan import ENVIRONMENT

STEER = [sys.executable, "-m", "steersman.cmd.steer"]
LOAD = Path(__file__).parent / "loads" / "api.py"
PORT, PEER_PORT, ETCD_PORT = 17560, 17561, 17562
READY_SECONDS = 60.0
PEER_TOKEN = "bench"
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
subjects: [{kind: ServiceAccount, name: default, namespace: kube-system}]
"""

Figures = dict[str, float]
"""By operation, and `ready` (seconds) and `memory` (MiB)."""


def run(command: Sequence[str], stdin: str = "") -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


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


def resident(*pids: int) -> float:
    """MiB of these processes."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def load(url: str, token: str, options: argparse.Namespace) -> Figures:
    command = [sys.executable, str(LOAD), url, token, "--seconds", str(options.seconds)]
    if options.only:
        command += ["--only", options.only]
    figures: Figures = {}
    for line in run(command).splitlines():
        told: dict[str, Any] = json.loads(line)
        if told["failed"]:
            raise SystemExit(f"{url}: {told['failed']} of {told['operation']} failed")
        figures[told["operation"]] = told["per_second"]
    return figures


def steersman(folder: Path, options: argparse.Namespace) -> Figures:
    """The API server that `steer up` configures, without the other parts."""
    kubeconfig, place = folder / "kubeconfig", ["--name", "bench-api", "--data-dir", str(folder)]
    run([*STEER, "up", *place, "--kubeconfig", str(kubeconfig), "--port", str(PORT), "--no-nodes"])
    kubectl = ["kubectl", "--kubeconfig", str(kubeconfig)]
    run([*kubectl, "apply", "-f", "-"], CLUSTER_ADMIN)
    run([*kubectl, "-n", "kube-system", "wait", "--for=create", "sa/default", "--timeout=30s"])
    token = run([*kubectl, "create", "token", "default", "-n", "kube-system", "--duration", "3h"])
    run([*STEER, "down", *place])
    config = folder / "bench-api" / "config" / "apiserver.json"
    environment = {**os.environ, **ENVIRONMENT}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.monotonic()
    command = [sys.executable, "-P", "-m", "steersman.cmd.parts.apiserver", str(config)]
    with process(command, folder / "apiserver.log", environment) as server:
        url = f"https://127.0.0.1:{PORT}"
        ready = wait_ready(url, token, began)
        return {**load(url, token, options), "ready": ready, "memory": resident(server.pid)}


def peer(folder: Path, options: argparse.Namespace) -> Figures:
    environment = dict(os.environ)
    clients, peers = (f"http://127.0.0.1:{port}" for port in (ETCD_PORT, ETCD_PORT + 1))
    etcd = [options.etcd, "--data-dir", str(folder / "etcd"), "--listen-client-urls", clients]
    etcd += ["--advertise-client-urls", clients, "--listen-peer-urls", peers]
    key = folder / "accounts.key"
    run(["openssl", "genrsa", "-out", str(key), "2048"])
    (folder / "tokens").write_text(f'{PEER_TOKEN},admin,1,"system:masters"\n')
    began = time.monotonic()
    with process(etcd, folder / "etcd.log", environment) as store:
        command = [
            options.peer, "--etcd-servers", clients, "--secure-port", str(PEER_PORT), "--bind-address", "127.0.0.1",
            "--cert-dir", str(folder / "certificates"), "--token-auth-file", str(folder / "tokens"),
            "--service-account-key-file", str(key), "--service-account-signing-key-file", str(key),
            "--service-account-issuer", "https://bench", "--authorization-mode", "RBAC",
            # Without a controller that makes tokens it would refuse every pod.
            "--service-cluster-ip-range", "10.96.0.0/16", "--disable-admission-plugins", "ServiceAccount",
        ]  # fmt: skip
        with process(command, folder / "kube-apiserver.log", environment) as server:
            url = f"https://127.0.0.1:{PEER_PORT}"
            ready = wait_ready(url, PEER_TOKEN, began)
            return {**load(url, PEER_TOKEN, options), "ready": ready, "memory": resident(server.pid, store.pid)}


def medians(rounds: list[Figures]) -> Figures:
    return {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}


def table(ours: Figures, theirs: Figures | None) -> str:
    lines = ["| what | Steersman | kube-apiserver and etcd | ratio |", "|---|---|---|---|"]
    units = {"ready": " s", "memory": " MiB"}
    for name, value in ours.items():
        unit = units.get(name, "/s")
        cells = [f"{v:,.{2 if name == 'ready' else 0}f}{unit}" for v in (value, *([theirs[name]] if theirs else []))]
        ratio = f"{value / theirs[name]:.2f}" if theirs else "-"
        lines.append(f"| {name} | {cells[0]} | {cells[1] if theirs else '-'} | {ratio} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer", help="kube-apiserver to compare with")
    parser.add_argument("--etcd", default="etcd", help="the peer's store")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    ours: list[Figures] = []
    theirs: list[Figures] = []
    for _ in range(options.rounds):
        for figures, serve in ((ours, steersman), (theirs, peer)):
            if serve is peer and not options.peer:
                continue
            with tempfile.TemporaryDirectory(prefix="steersman-bench-") as folder:
                figures.append(serve(Path(folder), options))
    print(table(medians(ours), medians(theirs) if theirs else None))


if __name__ == "__main__":
    main()
