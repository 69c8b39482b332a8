"""What holds for every test."""

import signal

# A run started in the background by a shell inherits an ignored interrupt, and so would every command that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
