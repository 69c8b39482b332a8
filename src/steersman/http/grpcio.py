"""The gRPC library, imported by whoever first calls something: most processes do without, and it takes 100 ms.

And what all calls of plugins behind unix sockets have in common, blocking or not.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    # A plugin that comes back must not wait for the two minutes that are usual.
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.enable_http_proxy", 0),
    # Connections are not shared with an earlier configuration's, nor is how often these have failed.
    ("grpc.use_local_subchannel_pool", 1),
]


def target(path: str) -> str:
    """How gRPC is told to dial a unix socket: a file's path, or @ and the name of an abstract one."""
    return f"unix-abstract:{path[1:]}" if path.startswith("@") else f"unix:{path}"


def told(error: Any) -> str:
    """A call's failure (an RpcError) in Go's words."""
    return f"rpc error: code = {code_of(error)} desc = {error.details()}"


def code_of(error: Any) -> str:
    """A failed call's code by Go's name."""
    return "".join(word.capitalize() for word in error.code().name.split("_"))


@cache
def library() -> Any:
    """The module `grpc`, with its settings made first, because it reads them once.

    It would complain on stderr of every fork, though nothing here forks without executing a program.
    """
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    import grpc.aio

    return grpc
