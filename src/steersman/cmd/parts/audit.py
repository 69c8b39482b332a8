"""The API server's audit, made of its settings."""

from steersman.api.clock import Clock
from steersman.api.configuration import ConfigurationError
from steersman.apiserver.audit.logfile import Rotation
from steersman.apiserver.audit.service import Audit
from steersman.apiserver.audit.settings import (
    AuditSettings,
    LogSettings,
    WebhookSettings,
    check_limit,
    make,
)
from steersman.apiserver.audit.sinks import Batching, Gathering, Limit
from steersman.cmd.config import ApiServerConfig
from steersman.cmd.configfile import ConfigError


def audit_of(config: ApiServerConfig, clock: Clock) -> Audit | None:
    """The audit that the settings ask for, if they do. Raises ConfigError."""
    if not config.audit_policy_file:
        return None
    try:
        return make(settings_of(config), clock)
    except ConfigurationError as error:
        raise ConfigError(str(error)) from error


def settings_of(config: ApiServerConfig) -> AuditSettings:
    """The audit's share of the settings. Raises ConfigError."""
    rotation = Rotation(
        config.audit_log_maxsize, config.audit_log_maxbackup, config.audit_log_maxage, config.audit_log_compress
    )
    log = LogSettings(
        path=config.audit_log_path,
        format=config.audit_log_format,
        rotation=rotation,
        mode=config.audit_log_mode,
        gathering=Gathering(
            config.audit_log_batch_buffer_size, config.audit_log_batch_max_size, config.audit_log_batch_max_wait
        ),
        limit=_limit(
            "log",
            config.audit_log_truncate_enabled,
            config.audit_log_truncate_max_event_size,
            config.audit_log_truncate_max_batch_size,
        ),
    )
    webhook = WebhookSettings(
        config_file=config.audit_webhook_config_file,
        initial_backoff=config.audit_webhook_initial_backoff,
        mode=config.audit_webhook_mode,
        batch=Batching(
            buffer=config.audit_webhook_batch_buffer_size,
            most=config.audit_webhook_batch_max_size,
            wait=config.audit_webhook_batch_max_wait,
            qps=config.audit_webhook_batch_throttle_qps if config.audit_webhook_batch_throttle_enable else 0.0,
            burst=config.audit_webhook_batch_throttle_burst,
        ),
        limit=_limit(
            "webhook",
            config.audit_webhook_truncate_enabled,
            config.audit_webhook_truncate_max_event_size,
            config.audit_webhook_truncate_max_batch_size,
        ),
    )
    return AuditSettings(policy_file=config.audit_policy_file, log=log, webhook=webhook)


def _limit(name: str, enabled: bool, event: int, batch: int) -> Limit | None:
    limit = Limit(event, batch)
    wrong = check_limit(name, limit)
    if wrong is not None:
        raise ConfigError(wrong)
    return limit if enabled else None
