"""Validation of probes and lifecycle hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import HTTPGetAction, Lifecycle, LifecycleHandler, Probe

_ACTIONS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_COUNTS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")


def check_probe(name: str, probe: Probe | None, path: Path) -> Errors:
    """What is wrong with a probe; `name` is its field's (livenessProbe, …)."""
    if probe is None:
        return []
    errors = _check_action(probe, None, path)
    for count in _COUNTS:
        errors += field.not_negative(path.child(count), getattr(probe, count))
    seconds = probe.terminationGracePeriodSeconds
    if seconds is not None:
        at = path.child("terminationGracePeriodSeconds")
        if seconds <= 0:
            errors.append(field.invalid(at, seconds, "must be greater than 0"))
        if name == "readinessProbe":
            errors.append(field.invalid(at, seconds, "must not be set for readinessProbes"))
    if name != "readinessProbe" and probe.successThreshold != 1:
        errors.append(field.invalid(path.child("successThreshold"), probe.successThreshold, "must be 1"))
    return errors


def check_lifecycle(lifecycle: Lifecycle | None, grace_period: int | None, path: Path) -> Errors:
    """What is wrong with a container's hooks: a sleep must fit in the grace period."""
    if lifecycle is None:
        return []
    errors: Errors = []
    if lifecycle.postStart is not None:
        errors += _check_action(lifecycle.postStart, grace_period, path.child("postStart"))
    if lifecycle.preStop is not None:
        errors += _check_action(lifecycle.preStop, grace_period, path.child("preStop"))
    return errors


def check_port(port: int | str | None, path: Path) -> Errors:
    """A port by number or by name."""
    if isinstance(port, str):
        return field.all_invalid(path, port, names.port_name(port))
    return field.all_invalid(path, port or 0, names.port_number(port or 0))


def _check_action(handler: Probe | LifecycleHandler, grace_period: int | None, path: Path) -> Errors:
    given = [name for name in _ACTIONS if getattr(handler, name, None) is not None]
    if not given:
        return [field.required(path, "must specify a handler type")]
    errors = _check_one(given[0], handler, grace_period, path.child(given[0]))
    return errors + [field.forbidden(path.child(n), "may not specify more than 1 handler type") for n in given[1:]]


def _check_one(name: str, handler: Probe | LifecycleHandler, grace_period: int | None, path: Path) -> Errors:
    action = getattr(handler, name)
    if name == "exec":
        return [] if action.command else [field.required(path.child("command"))]
    if name == "httpGet":
        return _check_http(action, path)
    if name == "sleep":
        if grace_period is not None and not 0 <= action.seconds <= grace_period:
            detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_period})"
            return [field.invalid(path, action.seconds, detail)]
        return []
    return check_port(action.port, path.child("port"))


def _check_http(action: HTTPGetAction, path: Path) -> Errors:
    errors: Errors = []
    if not action.path:
        errors.append(field.required(path.child("path")))
    errors += check_port(action.port, path.child("port"))
    if action.scheme not in ("HTTP", "HTTPS"):
        errors.append(field.not_supported(path.child("scheme"), action.scheme, ("HTTP", "HTTPS")))
    for header in action.httpHeaders or ():
        errors += field.all_invalid(path.child("httpHeaders"), header.name, names.http_header(header.name))
    return errors
