"""The error of everything that changes the machine's network or namespaces."""


class NetworkError(Exception):
    """A program or the kernel refused; the message names what was tried and what was said."""
