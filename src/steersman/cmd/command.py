"""What a module of `steersman.cmd.commands` exports as COMMAND."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Parser(argparse.ArgumentParser):
    """Says what is wrong, and where all options are: there are hundreds of some commands, and nobody finds the error behind them."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n`{self.prog} --help` shows the options.\n")


@dataclass(frozen=True)
class Command:
    """One subcommand. `run` returns the exit status; it raises CommandError for what the user should read."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    description: str = ""
    is_part: bool = False


def add_cluster_arguments(parser: argparse.ArgumentParser) -> None:
    """--name and --data-dir, which say which cluster is meant."""
    parser.add_argument("--name", default="default", metavar="NAME", help="name of the cluster (default: default)")
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help="directory of all clusters (default: /var/lib/steersman as root, else ~/.local/share/steersman)",
    )


def part_command(kind: "type[DataclassInstance]", module: str) -> Command:
    """The command that runs one part: its options are the fields of its Config."""

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        from steersman.cmd.configfile import add_flags

        add_flags(parser, kind)

    def run(arguments: argparse.Namespace) -> int:
        import importlib

        from steersman.cmd.configfile import from_flags
        from steersman.cmd.parts.process import run_part

        return run_part(importlib.import_module(module).run, from_flags(kind, arguments))

    first_line = (kind.__doc__ or "").strip().splitlines()[0]
    return Command(first_line, add_arguments, run, is_part=True)
