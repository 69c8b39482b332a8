"""The settings of the audit, named as the API server's, and the audit that they describe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from steersman.api.clock import Clock
from steersman.api.configuration import ConfigurationError
from steersman.apiserver.audit import event, policy
from steersman.apiserver.audit.logfile import LogFile, Output, Rotation, StandardOutput
from steersman.apiserver.audit.service import Audit
from steersman.apiserver.audit.sinks import (
    BATCH,
    BLOCKING,
    Batching,
    Errors,
    Gathering,
    Limit,
    LogSink,
    Sink,
    Truncated,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LogSettings:
    """The log file; without a `path` there is none, `-` is standard output."""

    path: str = ""
    format: str = "json"
    rotation: Rotation = field(default_factory=Rotation)
    mode: str = BLOCKING
    gathering: Gathering = field(default_factory=Gathering)
    limit: Limit | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookSettings:
    """The webhook; without a `config_file` there is none."""

    config_file: str = ""
    initial_backoff: float = 10.0
    mode: str = BATCH
    batch: Batching = field(default_factory=Batching)
    limit: Limit | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditSettings:
    """All of it. Without a policy nothing is noted."""

    policy_file: str = ""
    log: LogSettings = field(default_factory=LogSettings)
    webhook: WebhookSettings = field(default_factory=WebhookSettings)


def check_limit(name: str, limit: Limit) -> str | None:
    """What is wrong with a limit."""
    if limit.event <= 0:
        return f"audit_{name}_truncate_max_event_size: must be a positive number, not {limit.event}"
    if limit.batch < limit.event:
        return (
            f"audit_{name}_truncate_max_batch_size: must be at least audit_{name}_truncate_max_event_size "
            f"({limit.event}), not {limit.batch}"
        )
    return None


def make(settings: AuditSettings, clock: Clock) -> Audit | None:
    """The audit, if there is a policy and somewhere to send events. Raises ConfigurationError."""
    if not settings.policy_file:
        return None
    rules = policy.read(Path(settings.policy_file))
    errors = Errors(clock)
    sinks: list[Sink] = []
    if settings.log.path:
        sinks.append(_limited(_log(settings.log, errors, clock), settings.log.limit, errors))
    if settings.webhook.config_file:
        sinks.append(_limited(_webhook(settings.webhook, errors, clock), settings.webhook.limit, errors))
    return Audit(clock, rules, sinks, errors) if sinks else None


def _limited(sink: Sink, limit: Limit | None, errors: Errors) -> Sink:
    return sink if limit is None else Truncated(sink, limit, errors)


def _log(settings: LogSettings, errors: Errors, clock: Clock) -> LogSink:
    output: Output
    if settings.path == "-":
        output = StandardOutput()
    else:
        try:
            output = LogFile(Path(settings.path), settings.rotation, clock, _in_thread)
        except OSError as error:
            raise ConfigurationError(f"audit_log_path: {settings.path}: {error.strerror}") from error
    render = event.legacy if settings.format == "legacy" else event.encode
    return LogSink(output, render, settings.mode, errors, settings.gathering)


def _in_thread(work: Callable[[], None]) -> None:
    asyncio.get_running_loop().run_in_executor(None, work)


def _webhook(settings: WebhookSettings, errors: Errors, clock: Clock) -> Sink:
    from steersman.apiserver.audit.webhook import Delivery, Poster, WebhookSink
    from steersman.apiserver.webhook import kubeconfig

    poster = Poster(kubeconfig.read(Path(settings.config_file)))
    return WebhookSink(
        poster,
        Delivery(poster.post, clock, settings.initial_backoff),
        settings.mode,
        errors,
        clock,
        settings.batch,
        settings.limit.batch if settings.limit is not None else 0,
    )
