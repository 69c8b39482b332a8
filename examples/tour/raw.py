"""The API without kubectl: requests with the administrator's certificate."""

import base64
import http.client
import json
import ssl
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

from commands import OUTAGE, POLL, Cluster

# Answers after which a request is made again.
UNAVAILABLE = frozenset({429, 500, 503})


class Api:
    """One connection to the API server, made anew when it breaks. Not for several threads."""

    def __init__(self, cluster: Cluster) -> None:
        view = json.loads(cluster.kubectl("config", "view", "--raw", "--minify", "-o", "json").out)
        server, user = view["clusters"][0]["cluster"], view["users"][0]["user"]
        self._address = urllib.parse.urlsplit(server["server"])
        self._context = ssl.create_default_context(cadata=_pem(server["certificate-authority-data"]))
        # The ssl module takes certificates from files only.
        file = cluster.work / "admin.pem"
        file.touch(mode=0o600)
        file.write_text(_pem(user["client-certificate-data"]) + _pem(user["client-key-data"]))
        self._context.load_cert_chain(file)
        self._connection: http.client.HTTPSConnection | None = None
        self._outage = OUTAGE * cluster.times

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and decoded answer. OSError or HTTPException when the connection breaks before the answer's end."""
        if self._connection is None:
            address, port = self._address.hostname or "", self._address.port
            self._connection = http.client.HTTPSConnection(address, port, context=self._context, timeout=30)
        try:
            said = {"Content-Type": "application/json", **(headers or {})}
            self._connection.request(method, path, body or None, said)
            response = self._connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
            raise
        return response.status, answer

    def patient_request(self, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
        """The same, asked again for a while when the connection breaks or the server is not itself yet."""
        end = time.monotonic() + self._outage
        while True:
            try:
                code, answer = self.request(method, path, body)
            except (OSError, http.client.HTTPException):
                if time.monotonic() > end:
                    raise
            else:
                if code not in UNAVAILABLE or time.monotonic() > end:
                    return code, answer
            time.sleep(POLL)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _pem(data: str) -> str:
    return base64.b64decode(data).decode()
