#!/usr/bin/env python3
"""A tour of a whole cluster with real containers, as its user sees it: the acceptance test of the system.

    tour.py [--kubectl PATH] [--chaos] [--storm] [--only SECTION]...

makes a cluster of its own, does everything below with kubectl, and deletes the cluster. Every step prints ✓ and its
time; the first that fails ends the tour with the command, its output and what was expected. Needs root.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import bad_input
import basics
import figures
import inside
import restart
import rollouts
import storm
import workloads
from chaos import PAUSE, Chaos
from commands import OUTAGE, Cluster, StepFailedError

Step = Callable[[Cluster], None]

# In order: later steps use what earlier ones made.
TOUR: Sequence[Step] = (
    basics.images,
    basics.deployment_of_three,
    basics.expose,
    basics.reach_by_cluster_ip,
    basics.reach_by_name,
    basics.reach_by_node_port,
    rollouts.roll_to_v2,
    rollouts.undo,
    rollouts.scale_to_ten_and_back,
    workloads.killed_container,
    workloads.deleted_pod,
    inside.follow_logs,
    inside.exec_exit_code,
    inside.exec_stdin,
    inside.exec_tty,
    inside.copy_both_ways,
    inside.port_forward,
    figures.through_the_api_server,
    figures.with_a_token,
    basics.apply_twice,
    basics.describe,
    basics.explain,
    basics.get_all,
    basics.get_yaml,
    basics.api_resources,
    workloads.configuration,
    workloads.job,
    workloads.namespace_with_all_in_it,
    workloads.start_latency,
)
STREAMING = (
    inside.follow_logs,
    inside.exec_exit_code,
    inside.exec_stdin,
    inside.exec_tty,
    inside.copy_both_ways,
    inside.port_forward,
    workloads.killed_container,
)
SECTIONS: dict[str, Sequence[Step]] = {
    "tour": TOUR,
    "restart": (restart.down_and_up, restart.supervisor_killed),
    "bad-input": bad_input.STEPS,
    "storm": (storm.storm,),
}


def _again_and_again(step: Step, cluster: Cluster) -> None:
    """A stream through a process that is killed ends with it: its user tries again, until the process is back."""
    end = time.monotonic() + OUTAGE * cluster.times
    while True:
        again = bool(cluster.notes)
        try:
            step(cluster)
        except StepFailedError as error:
            if again and time.monotonic() > end:
                raise
            cluster.notes[:] = [f"again after: {str(error).splitlines()[-1].strip()}"]
            time.sleep(PAUSE)
        else:
            return


def run(steps: Sequence[Step], cluster: Cluster) -> None:
    """Every step in order, each with its time."""
    for step in steps:
        began = time.monotonic()
        if cluster.outages and step in STREAMING:
            _again_and_again(step, cluster)
        else:
            step(cluster)
        noted = f" [{'; '.join(cluster.notes)}]" if cluster.notes else ""
        cluster.notes.clear()
        title = (step.__doc__ or step.__name__).partition("\n")[0].rstrip(".")
        print(f" ✓ {title} ({time.monotonic() - began:.1f} s){noted}", flush=True)


@contextlib.contextmanager
def own_cluster(arguments: argparse.Namespace, work: Path) -> Iterator[Cluster]:
    """A fresh cluster below `work`, deleted at the end whatever happened."""
    cluster = Cluster(
        name=arguments.name,
        work=work,
        kubectl_path=arguments.kubectl,
        steer_path=arguments.steer,
        times=arguments.times,
    )
    try:
        began = time.monotonic()
        cluster.steer("up", "--kubeconfig", str(cluster.kubeconfig))
        print(f" ✓ steer up: {cluster.kubectl_version()} ({time.monotonic() - began:.1f} s)", flush=True)
        yield cluster
    finally:
        if arguments.keep:
            print(f"kept: KUBECONFIG={cluster.kubeconfig} steer status {' '.join(cluster.where)}")
        else:
            cluster.steer("delete")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kubectl", default="kubectl", metavar="PATH", help="the kubectl to use")
    parser.add_argument("--steer", default="steer", metavar="PATH", help="the steer to use")
    parser.add_argument("--name", default="tour", help="the cluster's name")
    parser.add_argument("--work", type=Path, metavar="DIR", help="where the cluster lives (default: a temporary one)")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="this section; may be repeated")
    parser.add_argument("--chaos", action="store_true", help="kill -9 every process in turn while the tour runs")
    parser.add_argument(
        "--storm", action="store_true", help="add the storm: 5,000 creates while the API server is killed"
    )
    parser.add_argument(
        "--times", type=float, default=1.0, metavar="N", help="on a busy machine: N times as long as promised will do"
    )
    parser.add_argument("--keep", action="store_true", help="leave the cluster running")
    return parser.parse_args(arguments)


def main() -> int:
    arguments = parse()
    sections = arguments.only or ["tour", "restart", "bad-input", *(["storm"] if arguments.storm else [])]
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        work = arguments.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tour-")))
        work.mkdir(parents=True, exist_ok=True)
        try:
            cluster = stack.enter_context(own_cluster(arguments, work))
            for section in sections:
                print(f"{section}:")
                chaos = Chaos(cluster) if arguments.chaos and section == "tour" else contextlib.nullcontext()
                with chaos:
                    run(SECTIONS[section], cluster)
        except StepFailedError as error:
            print(f" ✗ {error}", file=sys.stderr)
            return 1
    print(f"The tour is done in {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
