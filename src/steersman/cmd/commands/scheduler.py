"""`steer scheduler`: this part alone, from a config file or flags."""

from steersman.cmd.command import part_command
from steersman.cmd.config import SchedulerConfig

COMMAND = part_command(SchedulerConfig, "steersman.cmd.parts.scheduler")
