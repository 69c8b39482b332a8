"""The error that a user sees."""


class CommandError(Exception):
    """A command cannot do what it was asked for; the text is the one message shown, and says how to mend it."""
