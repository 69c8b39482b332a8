"""`steer controller-manager`: this part alone, from a config file or flags."""

from steersman.cmd.command import part_command
from steersman.cmd.config import ControllerManagerConfig

COMMAND = part_command(ControllerManagerConfig, "steersman.cmd.parts.controller_manager")
