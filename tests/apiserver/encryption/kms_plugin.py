"""A KMS plugin as a process: `kms_plugin.py SOCKET KEYFILE`. It encrypts with AES-GCM under the last key of a file.

A line of the file is a key's id and, after it, its bytes in base64. The line `slow` makes every answer take two seconds, the line
`ill` makes the plugin say that it is not well.
"""

from __future__ import annotations

import base64
import os
import sys
import threading
from concurrent import futures
from pathlib import Path

import grpc
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from steersman.apiserver.encryption.wire import Message, field, mapping

NOTE = "made.example.com"


class Plugin(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, file: Path) -> None:
        self._file = file
        self._never = threading.Event()

    def _settings(self) -> tuple[dict[str, bytes], set[str]]:
        keys, words = {}, set()
        for line in self._file.read_text().splitlines():
            name, _, secret = line.partition(" ")
            if secret:
                keys[name] = base64.b64decode(secret)
            else:
                words.add(name)
        return keys, words

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        name = details.method.rpartition("/")[2].lower()
        return grpc.unary_unary_rpc_method_handler(getattr(self, f"_{name}"))

    def _status(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        keys, words = self._settings()
        if "slow" in words:
            self._never.wait(2)
        return field(1, "v2") + field(2, "ill" if "ill" in words else "ok") + field(3, list(keys)[-1])

    def _encrypt(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        asked = Message(request)
        name, secret = list(self._settings()[0].items())[-1]
        nonce = os.urandom(12)
        made = nonce + AESGCM(secret).encrypt(nonce, asked.data(1), name.encode())
        return field(1, made) + field(2, name) + mapping(3, {NOTE: b"here"})

    def _decrypt(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        asked = Message(request)
        secret = self._settings()[0].get(asked.text(3))
        if secret is None or asked.mapping(4) != {NOTE: b"here"}:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no key {asked.text(3)}")
        made = asked.data(1)
        assert secret is not None
        return field(1, AESGCM(secret).decrypt(made[:12], made[12:], asked.text(3).encode()))


def main() -> None:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((Plugin(Path(sys.argv[2])),))
    server.add_insecure_port(f"unix:{sys.argv[1]}")
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
