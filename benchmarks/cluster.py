"""Times a whole cluster from outside, with real processes: start-up, create-to-Running, and what it costs when idle.

usage: python benchmarks/cluster.py [--runs 5] [--only control-plane,node,pod,idle] [--idle-seconds 30]
Needs root, containerd and kubectl for all but `control-plane`. Prints one line per figure: median (least, most).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

STEER = [sys.executable, "-m", "steersman.cmd.steer"]
IMAGE = "bench/idle:v1"
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Cluster:
    """One throw-away cluster below a temporary folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self.kubeconfig = folder / "kubeconfig"
        self.place = ["--name", name, "--data-dir", str(folder)]

    def up(self, *options: str) -> None:
        run([*STEER, "up", *self.place, "--kubeconfig", str(self.kubeconfig), *options])

    def delete(self) -> None:
        run([*STEER, "delete", *self.place])

    def kubectl(self, *words: str, stdin: str = "") -> str:
        return run(["kubectl", "--kubeconfig", str(self.kubeconfig), *words], stdin=stdin)

    def processes(self) -> list[tuple[int, str]]:
        """(pid, part) of the control plane: the supervisor and what it started, without nodes."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().decode().split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if any(w.startswith(str(self.folder)) for w in words) and "-m" in words:
                module = words[words.index("-m") + 1].rpartition(".")[2]
                found.append((int(entry.name), module))
        return found


def run(command: Sequence[str], stdin: str = "") -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def cluster(*options: str) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="steersman-bench-") as folder:
        made = Cluster(Path(folder), f"bench{os.getpid() % 1000}")
        try:
            made.up(*options)
            yield made
        finally:
            made.delete()


def seconds(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


def report(what: str, values: Sequence[float], unit: str = "s") -> None:
    print(
        f"{what}: {statistics.median(values):.2f} {unit} ({min(values):.2f}, {max(values):.2f}; {len(values)} runs)",
        flush=True,
    )


def start(runs: int, what: str, options: Sequence[str], ask: Sequence[str]) -> None:
    """From `steer up` to the first answer of kubectl, on a cluster that did not exist."""
    values = []
    for _ in range(runs):
        began = time.monotonic()
        with cluster(*options) as made:
            made.kubectl(*ask)
            values.append(time.monotonic() - began)
    report(what, values)


def pod_manifest(name: str) -> str:
    container = {"name": "main", "image": IMAGE, "imagePullPolicy": "Never"}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})


def create_to_running(made: Cluster, runs: int) -> None:
    """From the create request to the watch event that shows the pod Running."""
    values = []
    for number in range(runs):
        name = f"pod-{number}"
        began = time.monotonic()
        made.kubectl("create", "-f", "-", stdin=pod_manifest(name))
        made.kubectl("wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Running", "--timeout=30s")
        values.append(time.monotonic() - began)
    report("create to Running, two kubectl calls included", values)


def idle_image(folder: Path) -> Path:
    from steersman.kubelet.archive import ImageContent, write_oci
    from steersman.kubelet.pause import pause_image

    pause = pause_image()
    image = ImageContent(name=IMAGE, layers=pause.layers, entrypoint=pause.entrypoint, cmd=pause.cmd)
    path = folder / "idle.tar"
    with path.open("wb") as file:
        write_oci([image], file)
    return path


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def pss(pid: int) -> float:
    """Proportional set size in MiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"no Pss of {pid}")


def idle(made: Cluster, duration: float) -> None:
    """Memory and CPU of the control plane, part by part, once start-up is over."""
    time.sleep(10)
    processes = made.processes()
    before = {pid: cpu_seconds(pid) for pid, _ in processes}
    time.sleep(duration)
    rows = [(part, pss(pid), 100 * (cpu_seconds(pid) - before[pid]) / duration) for pid, part in processes]
    for part, memory, share in sorted(rows):
        print(f"idle {part}: {memory:.1f} MiB PSS, {share:.2f} % of a core")
    print(
        f"idle control plane: {sum(r[1] for r in rows):.1f} MiB PSS, {sum(r[2] for r in rows):.2f} % of a core",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="control-plane,node,pod,idle")
    parser.add_argument("--idle-seconds", type=float, default=30)
    args = parser.parse_args()
    wanted = args.only.split(",")
    if "control-plane" in wanted:
        start(args.runs, "steer up --no-nodes to kubectl get ns", ["--no-nodes"], ["get", "ns"])
    if "idle" in wanted:
        with cluster("--no-nodes") as made:
            idle(made, args.idle_seconds)
    if "node" in wanted:
        start(args.runs, "steer up with one node until Ready", [], ["get", "nodes"])
    if "pod" in wanted:
        with cluster() as made:
            archive = idle_image(made.folder)
            run([*STEER, "image", "load", *made.place, str(archive)])
            create_to_running(made, max(args.runs, 20))


if __name__ == "__main__":
    main()
