"""PodSecurityConfiguration: what holds where a namespace says nothing, and whom it does not concern."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path as File
from typing import Any

from msgspec import Struct
from msgspec import field as _field

from steersman.api import configuration, field, names
from steersman.api.configuration import ConfigurationError
from steersman.api.field import Errors, Path
from steersman.apiserver.podsecurity.policy import (
    PRIVILEGED,
    Configuration,
    Policy,
    Standard,
    check_level,
    check_version,
    parse_version,
)

GROUP = "pod-security.admission.config.k8s.io"
KIND = "PodSecurityConfiguration"


class PodSecurityDefaults(Struct, kw_only=True, forbid_unknown_fields=True):
    enforce: str = PRIVILEGED
    enforce_version: str = _field(name="enforce-version", default="latest")
    audit: str = PRIVILEGED
    audit_version: str = _field(name="audit-version", default="latest")
    warn: str = PRIVILEGED
    warn_version: str = _field(name="warn-version", default="latest")


class PodSecurityExemptions(Struct, kw_only=True, forbid_unknown_fields=True):
    usernames: list[str] = _field(default_factory=list)
    namespaces: list[str] = _field(default_factory=list)
    runtimeClasses: list[str] = _field(default_factory=list)


class PodSecurityConfiguration(Struct, kw_only=True, forbid_unknown_fields=True):
    defaults: PodSecurityDefaults = _field(default_factory=PodSecurityDefaults)
    exemptions: PodSecurityExemptions = _field(default_factory=PodSecurityExemptions)


TYPES = {(f"{GROUP}/{version}", KIND): PodSecurityConfiguration for version in ("v1", "v1beta1", "v1alpha1")}
"""By apiVersion and kind, as `api.configuration` wants them; the versions say the same."""


def convert(value: Any, where: File | str) -> Configuration:
    """What plain values say. Raises ConfigurationError, which begins with `where`."""
    return of(configuration.convert(value, TYPES, where), where)


def decode(data: bytes, where: File | str) -> Configuration:
    """As `convert`, from YAML or JSON."""
    return of(configuration.decode(data, TYPES, where), where)


def of(given: PodSecurityConfiguration, where: File | str) -> Configuration:
    """The configuration, if it is a good one. Raises ConfigurationError."""
    if errors := _check(given):
        raise ConfigurationError.of(where, errors)
    defaults, exempt = given.defaults, given.exemptions
    return Configuration(
        Policy(
            _standard(defaults.enforce, defaults.enforce_version),
            _standard(defaults.audit, defaults.audit_version),
            _standard(defaults.warn, defaults.warn_version),
        ),
        frozenset(exempt.usernames),
        frozenset(exempt.namespaces),
        frozenset(exempt.runtimeClasses),
    )


def _standard(level: str, version: str) -> Standard:
    minor = parse_version(version or "latest")
    if minor is None:
        raise ValueError(f"{version} was not checked")
    return Standard(level or PRIVILEGED, minor)


def _check(given: PodSecurityConfiguration) -> Errors:
    errors: Errors = []
    at = Path("defaults")
    for mode in ("enforce", "warn", "audit"):
        # What is empty has its default, as upstream.
        errors += check_level(getattr(given.defaults, mode) or PRIVILEGED, at.child(mode))
        errors += check_version(getattr(given.defaults, f"{mode}_version") or "latest", at.child(f"{mode}-version"))
    at = Path("exemptions")
    errors += _check_list(given.exemptions.namespaces, at.child("namespaces"), names.dns1123_label)
    errors += _check_list(given.exemptions.runtimeClasses, at.child("runtimeClasses"), names.dns1123_subdomain)
    errors += _check_list(given.exemptions.usernames, at.child("usernames"), _username)
    return errors


def _username(name: str) -> list[str]:
    return [] if name else ["username must not be empty"]


def _check_list(values: Sequence[str], path: Path, wrong: Callable[[str], Sequence[str]]) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, value in enumerate(values):
        if problems := wrong(value):
            errors.append(field.invalid(path.index(i), value, ", ".join(problems)))
        elif value in seen:
            errors.append(field.duplicate(path.index(i), value))
        seen.add(value)
    return errors
