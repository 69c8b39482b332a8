"""What holds for every test."""

import signal

from hypothesis import HealthCheck, settings

# A run started in the background by a shell inherits an ignored interrupt, and so would every command that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# By default everybody tries the same examples, however slow the machine is: a run says something about the code, and nothing
# about chance. `--hypothesis-profile=search` looks for new ones.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("search"), derandomize=True)
settings.load_profile("same")
