"""`steer encryption`: what of the store is encrypted and with which key, writing it anew, and new keys."""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from steersman.cmd.command import Command, add_cluster_arguments
from steersman.cmd.report import Steps, aligned

FEW = 5
"""So many resources without objects are shown."""
_COLUMNS = ("RESOURCE", "PROVIDER", "KEY", "OBJECTS", "NOTE")


def _arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    status = verbs.add_parser("status", help="how many objects are stored under which provider and key")
    status.add_argument("-o", "--output", choices=["table", "json"], default="table", help="form of the answer")
    rewrite = verbs.add_parser("rewrite", help="write anew what is not stored with the first provider and key")
    rewrite.add_argument(
        "--resources", default="", metavar="NAME,NAME", help="of these resources, such as secrets (default: all)"
    )
    rotate = verbs.add_parser(
        "rotate-keys",
        help="a new key for `steer up --secrets-encryption`, all Secrets written with it, the old key dropped",
    )
    for verb in (status, rewrite, rotate):
        add_cluster_arguments(verb)


def _run(arguments: argparse.Namespace) -> int:
    from steersman.cmd import encryption
    from steersman.cmd.place import existing

    where = existing(arguments.name, arguments.data_dir)
    if arguments.verb == "rotate-keys":
        steps = Steps()
        steps.say(f"Secrets are encrypted with {encryption.rotate(where, steps)} alone.")
        return 0
    with encryption.administrator(where) as admin:
        if arguments.verb == "rewrite":
            names = [name for name in arguments.resources.split(",") if name]
            progress = encryption.rewrite(admin, names, _show_progress)
            print(f"{progress['done']} objects written anew")
        found = encryption.status(admin)
    print(json.dumps(found, indent=2) if getattr(arguments, "output", "") == "json" else table(found))
    return 1 if found["unreadableCount"] or any(not plugin["healthy"] for plugin in found["plugins"]) else 0


def _show_progress(progress: Mapping[str, Any]) -> None:
    if sys.stderr.isatty():
        print(f"\r{progress['done']} of {progress['total']}", end="" if progress["running"] else "\n", file=sys.stderr)


def table(found: Mapping[str, Any]) -> str:
    """The status for people."""
    rows: list[tuple[str, ...]] = [_COLUMNS]
    # A rule such as *.* names more resources than anybody wants to read.
    empty = [resource for resource in found["resources"] if not resource["stored"]]
    left_out = empty if len(empty) > FEW else []
    for resource in found["resources"]:
        if resource in left_out:
            continue
        writes = resource["writes"]
        seen = False
        for stored in resource["stored"]:
            current = all(stored.get(name) == value for name, value in writes.items())
            seen = seen or current
            note = (
                "writes" if current else "cannot be read" if stored["provider"] == "unreadable" else "to be rewritten"
            )
            rows.append(_row(resource["resource"], stored, str(stored["objects"]), note))
        if not seen:
            rows.append(_row(resource["resource"], writes, "0", "writes"))
    lines = aligned(rows)
    if left_out:
        lines.append(f"{len(left_out)} further resources have no objects.")
    elif len(rows) == 1:
        lines = ["Nothing is encrypted."]
    for plugin in found["plugins"]:
        lines.append(f"kms plugin {plugin['name']}: {'well' if plugin['healthy'] else plugin['error']}")
    if found["unreadableCount"]:
        lines.append(f"{found['unreadableCount']} objects cannot be decrypted: {', '.join(found['unreadable'][:3])}")
    return "\n".join(lines)


def _row(resource: str, stored: Mapping[str, Any], objects: str, note: str) -> tuple[str, ...]:
    key = " ".join(text for text in (stored["key"], stored.get("keyIDHash", "")[:15]) if text)
    return resource, stored["provider"], key or "-", objects, note


COMMAND = Command("what of the store is encrypted, and with which keys; new keys", _arguments, _run)
