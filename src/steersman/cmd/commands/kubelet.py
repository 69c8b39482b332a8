"""`steer kubelet`: this part alone, from a config file or flags."""

from steersman.cmd.command import part_command
from steersman.cmd.config import KubeletConfig

COMMAND = part_command(KubeletConfig, "steersman.cmd.parts.kubelet")
