"""The API server as `steer` itself asks it: a few requests as the administrator, with the standard library alone.

The async client is not used here: importing it costs more time than all that `steer status` does.
"""

import http.client
import json
import socket
import ssl
import struct
from collections.abc import Collection
from typing import Any

from steersman.cmd.place import Place

# Nothing that is asked takes as long, but on a machine that stands still for a while.
TIMEOUT = 30.0


class AdminError(Exception):
    """The API server did not answer, or not with what was asked for."""


class Admin:
    """Requests to one cluster's API, one connection for all of them."""

    def __init__(self, place: Place, port: int) -> None:
        context = ssl.create_default_context(cafile=str(place.pki.ca.cert))
        context.load_cert_chain(place.pki.admin.cert, place.pki.admin.key)
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT, context=context)

    def get(self, path: str) -> dict[str, Any]:
        """The object at a path. Raises AdminError."""
        return self.send("GET", path)

    def send(
        self, method: str, path: str, body: dict[str, Any] | None = None, accepted: Collection[int] = ()
    ) -> dict[str, Any]:
        """One request; the answer's object. Raises AdminError for statuses from 400 that are not `accepted`."""
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        try:
            self._connection.request(method, path, content, headers)
            response = self._connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise AdminError(f"the API server does not answer: {error}") from error
        try:
            data: dict[str, Any] = json.loads(answer)
        except ValueError as error:
            raise AdminError(f"{method} {path}: {response.status}") from error
        if response.status >= 400 and response.status not in accepted:
            raise AdminError(f"{method} {path}: {data.get('message', response.status)}")
        return data

    def nodes(self) -> dict[str, str]:
        """Every node's state by its name: Ready, or why it is not."""
        return {node["metadata"]["name"]: node_state(node) for node in self.get("/api/v1/nodes")["items"]}

    def close(self) -> None:
        self._connection.close()


def node_state(node: dict[str, Any]) -> str:
    """Ready, or the reason and message of the condition that is missing."""
    for condition in node.get("status", {}).get("conditions") or []:
        if condition.get("type") == "Ready":
            if condition.get("status") == "True":
                return "Ready"
            return f"NotReady: {condition.get('message') or condition.get('reason') or 'no reason given'}"
    return "NotReady: no status yet"


def dns_answers(address: str, port: int, name: str, timeout: float = 1.0) -> bool:
    """Whether a DNS server has an A record for a name."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    query = struct.pack("!6H", 0x5354, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        try:
            client.connect((address, port))
            client.send(query)
            answer = client.recv(4096)
        except OSError:
            return False
    if len(answer) < 12:
        return False
    identity, flags, _, answers, _, _ = struct.unpack("!6H", answer[:12])
    return bool(identity == 0x5354 and flags & 0x800F == 0x8000 and answers > 0)
