"""`steer kubeconfig`: print the administrator's kubeconfig."""

import argparse
import sys

from steersman.cmd.command import Command, add_cluster_arguments


def _run(arguments: argparse.Namespace) -> int:
    from steersman.cmd import kubeconfig, lifecycle
    from steersman.cmd.place import existing

    where = existing(arguments.name, arguments.data_dir)
    sys.stdout.write(kubeconfig.render(lifecycle.access(where.load(), where).document()).decode())
    return 0


COMMAND = Command("print the kubeconfig of a cluster", add_cluster_arguments, _run)
