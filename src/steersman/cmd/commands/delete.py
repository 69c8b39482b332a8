"""`steer delete`: stop a cluster and remove everything it made."""

import argparse
import sys

from steersman.cmd.command import Command, add_cluster_arguments


def _run(arguments: argparse.Namespace) -> int:
    from steersman.cmd import lifecycle
    from steersman.cmd.place import place

    where = place(arguments.name, arguments.data_dir)
    if not where.exists():
        print(f"There is no cluster {where.name}: nothing to delete.", file=sys.stderr)
        return 0
    with where.locked():
        lifecycle.delete(where.load(), where)
    print(f"Cluster {where.name} is deleted.", file=sys.stderr)
    return 0


COMMAND = Command("stop a cluster and remove everything it made", add_cluster_arguments, _run)
