"""`steer down`: stop a cluster and keep its data."""

import argparse
import sys

from steersman.cmd.command import Command, add_cluster_arguments


def _run(arguments: argparse.Namespace) -> int:
    from steersman.cmd import lifecycle
    from steersman.cmd.place import place

    where = place(arguments.name, arguments.data_dir)
    if not where.exists():
        print(f"There is no cluster {where.name}: nothing to stop.", file=sys.stderr)
        return 0
    with where.locked():
        ran = lifecycle.stop(where.load(), where)
    state = "is stopped" if ran else "was not running"
    print(f"Cluster {where.name} {state}; its data is kept. `steer up` starts it again.", file=sys.stderr)
    return 0


COMMAND = Command("stop a cluster and keep its data", add_cluster_arguments, _run)
