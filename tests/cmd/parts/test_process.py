"""How a part's process ends."""

import asyncio
import logging
import os
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from steersman.api.configuration import ConfigurationError
from steersman.cmd.configfile import ConfigError
from steersman.cmd.parts import process


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ConfigError("port: no"), os.EX_CONFIG, "port: no"),
        (ConfigurationError("f: a: no"), os.EX_CONFIG, "f: a: no"),
        (ExceptionGroup("", [OSError("x"), ExceptionGroup("", [ConfigError("port: no")])]), os.EX_CONFIG, "port: no"),
        (ExceptionGroup("", [OSError("x")]), 1, "the part failed"),
        (OSError("x"), 1, "the part failed"),
    ],
)
def test_settings_that_are_no_good_are_told_in_a_line(
    error: Exception, status: int, said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def run(config: object, started: Callable[[], None]) -> None:
        await asyncio.sleep(0)
        raise error

    monkeypatch.setattr(process, "set_up_logging", lambda level: None)
    with caplog.at_level(logging.ERROR):
        assert process.run_part(run, SimpleNamespace(log_level="info")) == status
    assert [record.getMessage() for record in caplog.records] == [said]
    assert bool(caplog.records[0].exc_info) is (status == 1)
