"""`steer dns`: this part alone, from a config file or flags."""

from steersman.cmd.command import part_command
from steersman.cmd.config import DNSConfig

COMMAND = part_command(DNSConfig, "steersman.cmd.parts.dns")
