"""One API server as a process of its own, with certificates of this run: for tests that talk to it over sockets."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from steersman.cmd import notify, ports
from steersman.cmd.plan import ENVIRONMENT
from steersman.pki.certs import Pair, Request, issue, new_ca, new_key
from steersman.testing.serving import Credentials

# Nothing that is waited for takes as long, however busy the machine is.
TIMEOUT = 180.0
ADMIN = Request("admin", ("system:masters",))
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server has answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        return str(self.json.get("reason", ""))

    @property
    def message(self) -> str:
        return str(self.json.get("message", ""))


@dataclass
class ApiProcess:
    """A running server. `directory` has its files: `apiserver.log`, `ca.crt`, and what the settings name."""

    directory: Path
    port: int
    credentials: Credentials
    proxy_authority: Pair
    process: subprocess.Popen[bytes]
    _contexts: dict[tuple[str, tuple[str, ...], bool], ssl.SSLContext] = field(default_factory=dict)

    def tls(self, user: Request | None = ADMIN, *, proxy: bool = False) -> ssl.SSLContext:
        """The context of a client with that user's certificate (of the front proxy's authority with `proxy`), or with none."""
        key = ("", (), proxy) if user is None else (user.common_name, user.organizations, proxy)
        found = self._contexts.get(key)
        if found is None:
            found = self._contexts[key] = ssl.create_default_context(cafile=str(self.credentials.path("ca.crt")))
            if user is not None:
                authority = self.proxy_authority if proxy else self.credentials.authority
                pair = issue(authority, user, self.credentials.now)
                file = self.directory / f"client-{len(self._contexts)}.pem"
                file.write_bytes(pair.cert + b"\n" + pair.key)
                found.load_cert_chain(file)
        return found

    def connect(self, user: Request | None = ADMIN, *, proxy: bool = False, timeout: float = TIMEOUT) -> ssl.SSLSocket:
        """A TLS connection, for requests that no library would send."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout)
        return self.tls(user, proxy=proxy).wrap_socket(plain, server_hostname="127.0.0.1")

    def raw(self, data: bytes, user: Request | None = ADMIN, *, proxy: bool = False) -> bytes:
        """Everything that is answered to these bytes until the server closes the connection.

        One that was not asked to close it may have nothing more to say: then a second of silence is the end, too.
        """
        closes = b"\r\nConnection: close\r\n" in data
        with self.connect(user, proxy=proxy) as connection:
            connection.sendall(data)
            found = b""
            try:
                while piece := connection.recv(1 << 16):
                    found += piece
                    # Only then: a busy machine may be slow to begin.
                    if not closes:
                        connection.settimeout(1.0)
            except (TimeoutError, ssl.SSLError, ConnectionError):
                return found
            return found

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        user: Request | None = ADMIN,
        *,
        proxy: bool = False,
    ) -> Answer:
        """One request. `body` is bytes, or is sent as JSON."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=TIMEOUT, context=self.tls(user, proxy=proxy)
        )
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Accept": "application/json", "User-Agent": "tour/1", **(headers or {})}
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def make(self, path: str, body: Any) -> Any:
        """Create something as the administrator; it must succeed."""
        answer = self.ask("POST", path, body)
        assert answer.status == 201, answer.body
        return answer.json

    def kubeconfig(self, user: Request = ADMIN) -> Path:
        """A file for kubectl."""
        file = self.directory / f"kubeconfig-{user.common_name.replace(':', '-').replace('/', '-')}"
        document = self.credentials.kubeconfig(f"https://127.0.0.1:{self.port}", user)
        file.write_text(json.dumps(document))
        return file

    def kubectl(self, *arguments: str, user: Request = ADMIN, stdin: str = "") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig(user)), "HOME": str(self.directory)}
        return subprocess.run(
            ["kubectl", *arguments],
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    def resident(self) -> int:
        """Bytes of memory that the server has."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def worked(self) -> float:
        """Seconds that the server has run: unlike the time that passes, they do not count what else the machine does."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def forget_peak(self) -> None:
        """From now on `peak` begins anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        """The most bytes of memory that the server has had at any moment."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    def log(self) -> bytes:
        return (self.directory / "apiserver.log").read_bytes()

    def kill(self) -> None:
        """As a machine that loses its power."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(TIMEOUT)

    def stop(self) -> int:
        """End it as `steer down` does; the status."""
        self.process.terminate()
        return self.process.wait(TIMEOUT)


def write_files(directory: Path, port: int, settings: dict[str, Any]) -> tuple[Credentials, Pair, Path]:
    """What a server needs to start: certificates and its configuration."""
    now = datetime.now(UTC)
    credentials = Credentials.make(directory, now)
    proxy_authority = new_ca("front-proxy", now)
    (directory / "proxy-ca.crt").write_bytes(proxy_authority.cert)
    (directory / "sa.key").write_bytes(new_key())
    config = {
        "store": f"sqlite:///{directory}/store.db",
        "port": port,
        "tlsCertFile": str(directory / "apiserver.crt"),
        "tlsKeyFile": str(directory / "apiserver.key"),
        "clientCaFile": str(directory / "ca.crt"),
        "requestheaderClientCaFile": str(directory / "proxy-ca.crt"),
        "requestheaderAllowedNames": ["front-proxy"],
        "serviceAccountKeyFile": [str(directory / "sa.key")],
        **settings,
    }
    file = directory / "apiserver.json"
    file.write_text(json.dumps(config))
    return credentials, proxy_authority, file


def launch(file: Path, log: Path, ready: str = "") -> subprocess.Popen[bytes]:
    """The process of a configuration."""
    environment = {**os.environ, **ENVIRONMENT, "NOTIFY_SOCKET": ready}
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "steersman.cmd.parts.apiserver", str(file)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )


@contextmanager
def api_process(directory: Path, **settings: Any) -> Iterator[ApiProcess]:
    """A server with these settings (as in its file), ready on entry; it has ended on exit."""
    # Held: else anybody's connection could be given the port before the server listens.
    held, port = ports.hold_free("127.0.0.1", [])
    credentials, proxy_authority, file = write_files(directory, port, settings)
    listener, address = notify.listen()
    with held, listener:
        process = launch(file, directory / "apiserver.log", address)
        try:
            heard, _, _ = select.select([listener], [], [], TIMEOUT)
            assert heard, (directory / "apiserver.log").read_text()
            yield ApiProcess(directory, port, credentials, proxy_authority, process)
        finally:
            process.kill()
            process.wait(TIMEOUT)
