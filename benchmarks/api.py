"""Runs `loads/api.py` against Steersman's API server alone and, where a peer is given, against kube-apiserver with etcd.

usage: python benchmarks/api.py [--peer KUBE_APISERVER] [--etcd ETCD] [--rounds 1] [--seconds 5] [--only create,get,…] [--audit]
Both servers listen on loopback with TLS and RBAC (the load's user has its rights by a binding), nothing else runs, and every write is
durable before it is answered. With `--audit` both keep an audit log of every request's metadata. They take turns, so that a machine
whose speed drifts is unfair to neither. Prints a table: per second, ratio, memory, time to readiness.
Needs wrk and kubectl.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from loads.servers import Peer, Running, Steersman, run

LOAD = Path(__file__).parent / "loads" / "api.py"

Figures = dict[str, float]
"""By operation, and `ready` (seconds) and `memory` (MiB)."""


def load(server: Running, options: argparse.Namespace) -> Figures:
    command = [sys.executable, str(LOAD), server.url, server.token, "--seconds", str(options.seconds)]
    if options.only:
        command += ["--only", options.only]
    figures: Figures = {}
    for line in run(command).splitlines():
        told: dict[str, Any] = json.loads(line)
        if told["failed"]:
            raise SystemExit(f"{server.url}: {told['failed']} of {told['operation']} failed")
        figures[told["operation"]] = told["per_second"]
    return {**figures, "ready": server.ready, "memory": server.resident}


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
    parser.add_argument("--audit", action="store_true", help="both keep an audit log (Metadata)")
    options = parser.parse_args()
    ours: list[Figures] = []
    theirs: list[Figures] = []
    for _ in range(options.rounds):
        with (
            tempfile.TemporaryDirectory(prefix="steersman-bench-") as folder,
            Steersman(Path(folder), audit=options.audit).start() as server,
        ):
            ours.append(load(server, options))
        if options.peer:
            with (
                tempfile.TemporaryDirectory(prefix="steersman-bench-") as folder,
                Peer(Path(folder), options.peer, options.etcd, audit=options.audit).start() as server,
            ):
                theirs.append(load(server, options))
    print(table(medians(ours), medians(theirs) if theirs else None))


if __name__ == "__main__":
    main()
