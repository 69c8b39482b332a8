"""`steer proxy`: this part alone, from a config file or flags."""

from steersman.cmd.command import part_command
from steersman.cmd.config import ProxyConfig

COMMAND = part_command(ProxyConfig, "steersman.cmd.parts.proxy")
