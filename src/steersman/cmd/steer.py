"""The `steer` command: finds the subcommand's module and runs it.

Every module in `steersman.cmd.commands` that has a COMMAND is a subcommand of that name; only the one asked for is
imported, so that `steer` answers at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from steersman.cmd.command import Command, Parser
from steersman.cmd.errors import CommandError

PACKAGE = "steersman.cmd.commands"


def names() -> list[str]:
    """All subcommands, without importing them."""
    directory = os.path.join(os.path.dirname(__file__), "commands")
    files = (file.removesuffix(".py") for file in os.listdir(directory) if file.endswith(".py"))
    return sorted(name.replace("_", "-") for name in files if name != "__init__")


def find(name: str) -> Command:
    """The subcommand of that name, which must be one of `names()`."""
    import importlib

    command: Command = importlib.import_module(f"{PACKAGE}.{name.replace('-', '_')}").COMMAND
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `steer`; returns the exit status: 0 done, 1 it did not work, 2 wrongly called."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help", "help"):
        print(overview())
        return 0 if given else 2
    if given[0] == "--version":
        from importlib.metadata import version

        print(f"steer {version('steersman')}")
        return 0
    name = given[0]
    if name not in names():
        print(f"steer: {unknown(name)}", file=sys.stderr)
        return 2
    command = find(name)
    # Whatever umask the caller has: others may not write what we make, and containers of other users can read their images. What
    # is private says so itself; the parts inherit this.
    os.umask(0o022)
    parser = Parser(prog=f"steer {name}", description=command.description or command.help)
    command.add_arguments(parser)
    return run(command, parser.parse_args(given[1:]))


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Run a subcommand; errors meant for people become one message."""
    from steersman.cmd.configfile import ConfigError

    try:
        return command.run(arguments)
    except (CommandError, ConfigError) as error:
        print(f"steer: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of our output has gone (`steer logs | head`): nothing to say, and nowhere to say it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("steer: interrupted", file=sys.stderr)
        return 130


def overview() -> str:
    """The text of `steer --help`."""
    commands = {name: find(name) for name in names()}
    width = max(map(len, commands))
    lines = ["usage: steer COMMAND [options]", "", "Kubernetes in Python: a cluster on this machine."]
    for title, is_part in (("Commands", False), ("One part alone, from a config file", True)):
        lines += ["", f"{title}:"]
        lines += [
            f"  {name:{width}}  {command.help}" for name, command in commands.items() if command.is_part is is_part
        ]
    return "\n".join([*lines, "", "`steer COMMAND --help` shows the options of a command."])


def unknown(name: str) -> str:
    """What is said of a command that does not exist."""
    import difflib

    close = difflib.get_close_matches(name, names(), 1)
    hint = f"did you mean `steer {close[0]}`?" if close else "`steer --help` lists the commands"
    return f"there is no command {name!r}; {hint}"


if __name__ == "__main__":
    sys.exit(main())
