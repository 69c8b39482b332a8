"""Reloads as they are told."""

from __future__ import annotations

import hashlib

from steersman.api.clock import FakeClock
from steersman.apiserver.reloads import Reloads


async def test_reloads() -> None:
    clock = FakeClock(1_000.0)
    reloads = Reloads(clock, b"first")

    def told() -> list[str]:
        return [line for metric in reloads.metrics("encryption") for line in metric.lines()]

    prefix = "apiserver_encryption_config_controller_"
    assert f'{prefix}automatic_reloads_total{{status="success",apiserver_id_hash=""}} 0' in told()
    assert not [line for line in told() if line.startswith(f"{prefix}automatic_reload_last")]
    reloads.failed()
    await clock.advance(5)
    reloads.taken(b"second")
    assert reloads.counts == {"success": 1, "failure": 1}
    digest = hashlib.sha256(b"second").hexdigest()
    for line in (
        f'{prefix}automatic_reload_last_timestamp_seconds{{status="failure",apiserver_id_hash=""}} 1000',
        f'{prefix}automatic_reload_last_timestamp_seconds{{status="success",apiserver_id_hash=""}} 1005',
        f'{prefix}last_config_info{{apiserver_id_hash="",hash="sha256:{digest}"}} 1',
    ):
        assert line in told()
