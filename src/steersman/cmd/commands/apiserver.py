"""`steer apiserver`: this part alone, from a config file or flags."""

from steersman.cmd.command import part_command
from steersman.cmd.config import ApiServerConfig

COMMAND = part_command(ApiServerConfig, "steersman.cmd.parts.apiserver")
