"""A signer of service account tokens as a process: `signer.py SOCKET FILE`. What it does is in a file of JSON, read at each call.

`keys` are its keys (`kid`, `pem`, `excluded`), `sign` the id of the one that signs, `header` what it adds to a token's header,
`life` the seconds that a token may live, `hint` those after which it wants to be asked for its keys again, `fails` calls that fail.
Each call's name is a line of the file beside it that ends in `.calls`.
"""

from __future__ import annotations

import json
import sys
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc

from steersman.apiserver.encryption.wire import Message, field
from steersman.pki import jose


class Signer(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, file: Path) -> None:
        self._file = file

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        package, _, name = details.method.rpartition("/")
        assert package == "/v1.ExternalJWTSigner"

        def answered(request: bytes, context: grpc.ServicerContext) -> bytes:
            said = json.loads(self._file.read_text())
            with self._file.with_suffix(".calls").open("a") as calls:
                calls.write(f"{name}\n")
            if name in said.get("fails", ()):
                context.abort(grpc.StatusCode.INTERNAL, "out of ink")
            made: bytes = getattr(self, f"_{name.lower()}")(said, Message(request))
            return made

        return grpc.unary_unary_rpc_method_handler(answered)

    def _sign(self, said: dict[str, Any], request: Message) -> bytes:
        pem = next(key["pem"] for key in said["keys"] if key["kid"] == said["sign"]).encode()
        claims = jose.decode_json(request.text(1))
        header = {"typ": "JWT", "kid": said["sign"], **said.get("header", {})}
        first, payload, signature = jose.sign(header, claims, jose.private_key(pem)).split(".")
        assert payload == request.text(1)
        return field(1, first) + field(2, "" if said.get("unsigned") else signature)

    def _fetchkeys(self, said: dict[str, Any], request: Message) -> bytes:
        keys = b"".join(field(1, answered_key(key)) for key in said["keys"] if not key.get("hidden"))
        return keys + field(2, field(1, 1_800_000_000)) + field(3, said.get("hint", 60))

    def _metadata(self, said: dict[str, Any], request: Message) -> bytes:
        return field(1, said.get("life", 7200))


def answered_key(key: dict[str, Any]) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = jose.public_key(key["pem"].encode())
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return field(1, key["kid"]) + field(2, der) + field(3, int(key.get("excluded", False)))


def main() -> None:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Signer(Path(sys.argv[2])),))
    name = sys.argv[1]
    server.add_insecure_port(f"unix-abstract:{name[1:]}" if name.startswith("@") else f"unix:{name}")
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
