"""`steer status`: what runs and how it is."""

import argparse
import json
from typing import Any

from steersman.cmd.command import Command, add_cluster_arguments
from steersman.cmd.report import aligned


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_cluster_arguments(parser)
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table", help="form of the answer")


def _run(arguments: argparse.Namespace) -> int:
    from steersman.cmd.place import existing
    from steersman.cmd.status import gather

    found = gather(existing(arguments.name, arguments.data_dir))
    print(json.dumps(found, indent=2) if arguments.output == "json" else table(found))
    return 0 if found["usable"] else 1


def table(found: dict[str, Any]) -> str:
    """The status for people."""
    lines = [f"Cluster {found['name']}: {found['state']}, API {found['server']}, data in {found['directory']}", ""]
    rows = [("PART", "STATE", "PID", "RESTARTS", "AGE", "LAST END")]
    rows += [
        (
            part["name"],
            part["state"],
            str(part["pid"] or "-"),
            str(part["restarts"]),
            age(part["seconds"]),
            part["lastExit"] or "-",
        )
        for part in found["parts"]
    ]
    lines += aligned(rows)
    if found["nodes"]:
        lines += ["", *(f"node {name}: {state}" for name, state in found["nodes"].items())]
    if found["problem"]:
        lines += ["", found["problem"]]
    return "\n".join(lines)


def age(seconds: float | None) -> str:
    """A time in the largest unit of which there are two or more."""
    if seconds is None:
        return "-"
    whole = int(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= 2 * size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


COMMAND = Command("what runs and how it is", _arguments, _run)
