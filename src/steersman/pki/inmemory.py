"""Client certificates for TLS that are kept in memory: the ssl module reads files only, and a key is not left on a disk."""

from __future__ import annotations

import os
import ssl


def load_chain(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Let the context show a certificate; both are PEM. Raises ssl.SSLError when they are no pair."""
    fd = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
    try:
        with open(fd, "w", closefd=False) as file:
            file.write(f"{certificate}\n{key}\n")
        # With a password that is no good: nobody is there who could be asked for one.
        context.load_cert_chain(f"/proc/self/fd/{fd}", password="")
    finally:
        os.close(fd)
