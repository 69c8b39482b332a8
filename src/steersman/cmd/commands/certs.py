"""`steer certs`, `steer certs renew` and `steer certs rotate-ca`: the certificates of a cluster, and new ones in their place."""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from steersman.cmd.command import Command, add_cluster_arguments
from steersman.cmd.report import aligned

# As `certificates.AUTHORITIES`, which need not be imported to read a command line.
AUTHORITIES = ("ca", "front-proxy-ca")
_DONE = {
    "prepare": "Everybody trusts the next authority, too. Next: `steer certs rotate-ca switch`",
    "switch": "The next authority has signed everything anew. Next: `steer certs rotate-ca finish`",
    "finish": "The former authority is trusted no more.",
}
_COLUMNS = ("NAME", "SUBJECT", "ISSUER", "EXPIRES", "RESIDUAL", "RENEWED BY", "WHERE")


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_cluster_arguments(parser)
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table", help="form of the answer")
    verbs = parser.add_subparsers(dest="verb", metavar="renew|rotate-ca")
    renew = verbs.add_parser("renew", help="make certificates anew; a running cluster takes them over by itself")
    renew.add_argument("certificate", nargs="?", default="all", metavar="NAME", help="which one (default: all)")
    rotate = verbs.add_parser("rotate-ca", help="put other authorities in the place of the cluster's, in three steps")
    rotate.add_argument(
        "step",
        choices=["prepare", "switch", "finish"],
        help="prepare: trust another one, too; switch: let it sign everything; finish: trust the former no more",
    )
    rotate.add_argument(
        "--authority",
        choices=["all", *AUTHORITIES],
        default="all",
        help="which one: the cluster's, the one of front proxies, or both (default)",
    )
    for verb in (renew, rotate):
        # The same options behind the verb; what is not said there leaves what was said before.
        verb.add_argument("--name", default=argparse.SUPPRESS, metavar="NAME", help="name of the cluster")
        verb.add_argument("--data-dir", default=argparse.SUPPRESS, metavar="DIR", help="directory of all clusters")


def _run(arguments: argparse.Namespace) -> int:
    from steersman.cmd import authority, certificates
    from steersman.cmd.place import existing

    where = existing(arguments.name, arguments.data_dir)
    if arguments.verb is not None:
        with where.locked():
            config = where.load()
            if arguments.verb == "renew":
                wanted = certificates.chosen(config, where, arguments.certificate)
                renewed = certificates.renew(config, where, os.environ, wanted)
            else:
                while left := authority.untaken(arguments.step, config, where, datetime.now(UTC)):
                    print(f"waiting {left:.0f} s, until everybody has what was written last", file=sys.stderr)
                    time.sleep(left)
                names = AUTHORITIES if arguments.authority == "all" else (arguments.authority,)
                renewed = authority.rotate(arguments.step, config, where, os.environ, names)
        for name in renewed:
            print(name)
        if arguments.verb == "rotate-ca":
            print(_DONE[arguments.step])
        return 0
    rows = certificates.listing(where.load(), where, datetime.now(UTC), os.environ)
    print(json.dumps(rows, indent=2) if arguments.output == "json" else table(rows))
    return 0


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The certificates for people."""
    cells = [_COLUMNS]
    for row in rows:
        if "problem" in row:
            cells.append((row["name"], "-", "-", "-", row["problem"], row["renewedBy"] or "-", row["file"]))
        else:
            told = (row["subject"], row["issuer"], row["expires"], row["residualTime"], row["renewedBy"] or "-")
            cells.append((row["name"], *told, row["file"]))
    return "\n".join(aligned(cells))


COMMAND = Command("show the certificates of a cluster, and renew them", _arguments, _run)
