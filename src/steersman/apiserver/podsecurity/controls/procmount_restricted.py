"""Restricted: what is masked in /proc stays masked. The baseline said so for every pod before it let some go."""

from __future__ import annotations

from steersman.apiserver.podsecurity.controls.procmount_baseline import check
from steersman.apiserver.podsecurity.policy import RESTRICTED
from steersman.apiserver.podsecurity.standards import Control

CONTROL = Control("procMount_restricted", RESTRICTED, {35: check}, ("procMount",))
