"""One module per `steer` subcommand, each exporting COMMAND. Modules import little: `steer --help` imports them all."""
