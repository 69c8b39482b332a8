"""The audit of a server process: settings, what is there after a kill, what the end flushes, and settings that are wrong."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.apiprocess import TIMEOUT, api_process, launch, write_files

POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\nomitStages: [RequestReceived]\n"
MAPS = "/api/v1/namespaces/default/configmaps"


def policy(directory: Path) -> str:
    file = directory / "policy.yaml"
    file.write_text(POLICY)
    return str(file)


def noted(lines: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]


def test_what_was_answered_is_in_the_file_after_a_kill(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    with api_process(tmp_path, auditPolicyFile=policy(tmp_path), auditLogPath=str(log)) as server:
        ids = []
        for number in range(20):
            answer = server.ask("POST", MAPS, {"metadata": {"name": f"a{number}"}})
            assert answer.status == 201
            ids.append(answer.headers["audit-id"])
        server.kill()
    assert set(ids) <= {event["auditID"] for event in noted(log.read_bytes())}


class Hook(BaseHTTPRequestHandler):
    """Keeps what is posted."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append((self.headers["Authorization"], json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is told."""


def test_the_end_flushes_batches_to_file_and_webhook(tmp_path: Path) -> None:
    hook = HTTPServer(("127.0.0.1", 0), Hook)
    hook.bodies = []  # type: ignore[attr-defined]
    Thread(target=hook.serve_forever, daemon=True).start()
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": f"http://127.0.0.1:{hook.server_port}/audit"}}],
        "users": [{"name": "u", "user": {"token": "abc"}}],
    }
    (tmp_path / "hook.yaml").write_text(json.dumps(kubeconfig))
    log = tmp_path / "audit.log"
    settings = {
        "auditPolicyFile": policy(tmp_path),
        "auditLogPath": str(log),
        "auditLogMode": "batch",
        "auditLogBatchMaxSize": 1000,
        "auditLogBatchMaxWait": 600.0,
        "auditWebhookConfigFile": str(tmp_path / "hook.yaml"),
    }
    with api_process(tmp_path, **settings) as server:
        told = server.ask("GET", MAPS).headers["audit-id"]
        assert b"apiserver_audit_event_total" in server.ask("GET", "/metrics").body
        assert log.read_bytes() == b""
        assert server.stop() == 0
    hook.shutdown()
    hook.server_close()
    assert told in {event["auditID"] for event in noted(log.read_bytes())}
    ((authorization, events),) = hook.bodies  # type: ignore[attr-defined]
    assert authorization == "Bearer abc"
    assert told in {event["auditID"] for event in events["items"]}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"auditPolicyFile": "missing.yaml"}, "missing.yaml: No such file or directory"),
        ({"auditLogMode": "never"}, "auditLogMode: must be one of batch, blocking, blocking-strict, not 'never'"),
        ({"auditLogPath": "/proc/nowhere/audit.log"}, "audit_log_path: /proc/nowhere/audit.log: "),
        ({"auditLogTruncateMaxBatchSize": 10}, "audit_log_truncate_max_batch_size: must be at least"),
        ({"auditWebhookConfigFile": "hook.yaml"}, "hook.yaml: No such file or directory"),
    ],
)
def test_settings_that_are_wrong_stop_the_start(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    given = {"auditPolicyFile": policy(tmp_path), **settings}
    _, _, file = write_files(tmp_path, 0, given)
    process = launch(file, tmp_path / "apiserver.log")
    assert process.wait(TIMEOUT) != 0
    assert message in (tmp_path / "apiserver.log").read_text()
