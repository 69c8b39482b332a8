"""How long expressions take to compile and to evaluate, in this process, as metrics tell it."""

from __future__ import annotations

from typing import Final

from steersman.api.clock import RealClock
from steersman.api.metrics import Histogram, Registry

TIMES: Final = Registry()
"""What is shown of it."""

now = RealClock.monotonic
compiled: Final = TIMES.add(
    Histogram("apiserver_cel_compilation_duration_seconds", "How long it took to compile expressions.")
).of()
evaluated: Final = TIMES.add(
    Histogram("apiserver_cel_evaluation_duration_seconds", "How long it took to evaluate expressions.")
).of()
