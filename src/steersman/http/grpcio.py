"""The gRPC library, imported by whoever first calls something: most processes do without, and it takes 100 ms."""

from __future__ import annotations

import os
from functools import cache
from typing import Any


@cache
def library() -> Any:
    """The module `grpc`, with its settings made first, because it reads them once.

    It would complain on stderr of every fork, though nothing here forks without executing a program.
    """
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    import grpc.aio

    return grpc
