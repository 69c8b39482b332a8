"""`steer logs`: the logs of a cluster's parts."""

import argparse
import os

from steersman.cmd.command import Command, add_cluster_arguments
from steersman.cmd.errors import CommandError
from steersman.cmd.place import Place


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_cluster_arguments(parser)
    parser.add_argument(
        "part",
        nargs="?",
        metavar="PART",
        help="apiserver, node-1/kubelet, … (default: the end of every part's log)",
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is written from now on")


def _run(arguments: argparse.Namespace) -> int:
    from steersman.cmd.place import existing

    found = files(existing(arguments.name, arguments.data_dir))
    if arguments.part is None:
        chosen, lines = list(found.values()), "10"
    elif arguments.part in found:
        chosen, lines = [found[arguments.part]], "+1"
    else:
        raise CommandError(f"there is no log of {arguments.part!r}; there is {', '.join(found) or 'none yet'}")
    if not chosen:
        raise CommandError("there are no logs yet")
    follow = ["-F"] if arguments.follow else []
    # tail knows how to follow files that are emptied and replaced, and is on every Linux.
    os.execvp("tail", ["tail", "-n", lines, *follow, *chosen])


def files(place: Place) -> dict[str, str]:
    """Every log there is, by the name of its part."""
    found = {}
    for prefix, directory in [
        ("", place.directory),
        *((f"{path.name}/", path) for path in sorted(place.directory.glob("nodes/*"))),
    ]:
        for log in sorted((directory / "logs").glob("*.log")):
            found[prefix + log.stem] = str(log)
    return found


COMMAND = Command("the logs of the cluster's parts", _arguments, _run)
