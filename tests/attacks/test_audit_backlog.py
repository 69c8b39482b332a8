"""Audit whose receiver hangs, fails, talks without end, or has no room: requests go on, what is lost is counted, memory is bounded."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.apiprocess import MEBIBYTE, ApiProcess, api_process
from tests.attacks.conftest import MOST_GROWTH, NAMESPACE, SLOW_SECONDS, warm_up
from tests.attacks.peers import PIECE, Behaviour, Peer, Talk

POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: RequestResponse
  resources: [{group: "", resources: [configmaps]}]
- level: None
"""
MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
LARGE, MANY = 900_000, 60


def hang(talk: Talk) -> None:
    talk.hang()


def fail(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 500 Oops\r\nContent-Length: 1000000000\r\n\r\n")
    talk.gush()


def babble(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    talk.gush(b"%x\r\n%b\r\n" % (len(PIECE), PIECE))


def settings(directory: Path, **more: Any) -> dict[str, Any]:
    (directory / "policy.yaml").write_text(POLICY)
    return {"auditPolicyFile": str(directory / "policy.yaml"), **more}


def flood(server: ApiProcess) -> None:
    """Large objects that are noted with what was answered; each makes an event of twice its size."""
    server.make("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    warm_up(server)
    large = {"metadata": {"name": "large"}, "data": {"a": "x" * LARGE}}
    server.make(MAPS, large)
    idle = server.resident()
    server.forget_peak()
    began = server.worked()
    for _ in range(MANY):
        assert server.ask("PUT", f"{MAPS}/large", large).status == 200
    assert server.worked() - began < SLOW_SECONDS * MANY / 4
    peak = server.peak()
    assert peak < MOST_GROWTH * idle, f"from {idle / MEBIBYTE:.0f} to {peak / MEBIBYTE:.0f} MiB"


def lost(server: ApiProcess, plugin: str) -> int:
    metrics = server.ask("GET", "/metrics").body.decode()
    found = re.search(rf'^apiserver_audit_error_total{{plugin="{plugin}"}} (\d+)', metrics, re.MULTILINE)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("behave", [hang, fail, babble])
def test_events_that_no_webhook_takes(tmp_path: Path, behave: Behaviour) -> None:
    with Peer({"POST": behave}) as peer:
        clusters = [{"name": "x", "cluster": {"server": f"http://127.0.0.1:{peer.port}/"}}]
        contexts = [{"name": "x", "context": {"cluster": "x", "user": ""}}]
        (tmp_path / "hook").write_text(
            json.dumps({"kind": "Config", "clusters": clusters, "contexts": contexts, "current-context": "x"})
        )
        more = {"auditWebhookConfigFile": str(tmp_path / "hook"), "auditWebhookBatchMaxWait": 0.1}
        with api_process(tmp_path, **settings(tmp_path, **more)) as server:
            flood(server)
            # A dozen megabytes wait; the rest is told of as lost.
            assert lost(server, "buffered") > MANY // 2


def test_a_full_disk(tmp_path: Path) -> None:
    with api_process(tmp_path, **settings(tmp_path, auditLogPath="/dev/full")) as server:
        flood(server)
        assert lost(server, "log") >= MANY
