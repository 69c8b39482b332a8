"""What every part process has in common: the event loop, logging, signals, and telling that it is ready."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from steersman.api.configuration import ConfigurationError
from steersman.cmd import notify
from steersman.cmd.configfile import ConfigError, load

# Called by a part once it is usable.
Started = Callable[[], None]
Run = Callable[[Any, Started], Awaitable[None]]

log = logging.getLogger("steersman.part")


def main(run: Run, kind: type[Any]) -> int:
    """The entry of `python -m steersman.cmd.parts.NAME FILE`."""
    try:
        config = load(kind, Path(sys.argv[1]))
    except ConfigError as error:
        print(f"{error}", file=sys.stderr)
        return os.EX_CONFIG
    return run_part(run, config)


def run_part(run: Run, config: Any) -> int:
    """Run a part until SIGTERM or SIGINT (status 0) or until it fails (status 1, or 78 for settings that it cannot take, with
    the reason in the log)."""
    import uvloop

    set_up_logging(config.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_until_signal(run, config))
        except Exception as error:
            if (wrong := _misconfigured(error)) is not None:
                log.error("%s", wrong)
                return os.EX_CONFIG
            log.exception("the part failed")
            return 1
    return 0


def _misconfigured(error: BaseException) -> BaseException | None:
    """What says that the settings are no good, if that is why; a part that has several tasks ends with a group."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_misconfigured, error.exceptions)), None)
    return error if isinstance(error, ConfigError | ConfigurationError) else None


def set_up_logging(level: str) -> None:
    """Lines on stderr: time in UTC, level, logger, message."""
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Who logs from where is not shown: saving the look costs nothing and stack walks do.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def started() -> None:
    """The part is usable: say so, and let the collector forget what start-up made and the process keeps."""
    gc.collect()
    gc.freeze()
    notify.ready()


async def _until_signal(run: Run, config: Any) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(run(config, started))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
