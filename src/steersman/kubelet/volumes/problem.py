"""What goes wrong with volumes."""


class VolumeError(Exception):
    """A volume that cannot be set up now (FailedMount); it is tried again."""
