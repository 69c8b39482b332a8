"""Which admission plugins a server has: those that are on by default, those it was told to have, and what it must have."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from steersman.api.configuration import ConfigurationError
from steersman.apiserver.admission.framework import Admission
from steersman.apiserver.admission.given import Given

_HERE = "steersman.apiserver.admission"
_RULES, _DEFAULT, _OPTIONAL = "rules", "plugins", "optional"

# On in kube-apiserver, for what is not in this server; whoever switches them off has what they want.
_WITHOUT_EFFECT = frozenset({"PodGroupProtection"})


@dataclass(frozen=True, slots=True)
class Plugins:
    """What a server is told about its plugins. A plugin in both lists is a mistake; `given` is by name."""

    enable: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    given: Mapping[str, Given] = field(default_factory=dict)


def select(plugins: Plugins | None = None) -> tuple[Admission, ...]:
    """The plugins, configured, and the server's own rules; in no particular order. Raises ConfigurationError."""
    plugins = plugins or Plugins()
    _check(plugins)
    off = set(plugins.disable)
    chosen = [a for a in _all(_DEFAULT) if a.name not in off]
    chosen += [_named(name) for name in dict.fromkeys(plugins.enable) if _package(name) == _OPTIONAL]
    return (*_all(_RULES), *(_configured(a, plugins.given.get(a.name)) for a in chosen))


def names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the plugins that are on by default, and of the optional ones, in order. Imports all of them."""
    return (
        tuple(a.name for a in sorted(_all(_DEFAULT), key=lambda a: a.order)),
        tuple(a.name for a in sorted(_all(_OPTIONAL), key=lambda a: a.order)),
    )


def _check(plugins: Plugins) -> None:
    for setting, named in (("enable", plugins.enable), ("disable", plugins.disable)):
        for name in named:
            known = name in _WITHOUT_EFFECT and setting == "disable"
            if not known and not _package(name):
                raise ConfigurationError(f'{setting}-admission-plugins plugin "{name}" is unknown')
    if both := sorted({*plugins.enable} & {*plugins.disable}):
        raise ConfigurationError(
            f"[{' '.join(both)}] in enable-admission-plugins and disable-admission-plugins overlapped"
        )
    for name, given in plugins.given.items():
        if not _package(name):
            raise ConfigurationError(f'{given.where}: plugin "{name}" is unknown')
        if _named(name).configure is None:
            raise ConfigurationError(f'{given.where}: plugin "{name}" takes no configuration')


def _configured(admission: Admission, given: Given | None) -> Admission:
    if admission.configure is None:
        return admission
    made = admission.configure(given)
    return replace(made, configure=None) if made is not admission else made


@cache
def _modules(package: str) -> frozenset[str]:
    """What there is, without importing it."""
    path = importlib.import_module(f"{_HERE}.{package}").__path__
    return frozenset(module.name for module in pkgutil.iter_modules(path))


def _package(name: str) -> str:
    """Where the plugin is; "" when there is none of that name."""
    for package in (_DEFAULT, _OPTIONAL):
        if name.lower() in _modules(package) and _import(package, name.lower()).name == name:
            return package
    return ""


def _named(name: str) -> Admission:
    return _import(_package(name), name.lower())


@cache
def _all(package: str) -> Sequence[Admission]:
    return tuple(_import(package, module) for module in sorted(_modules(package)))


def _import(package: str, module: str) -> Admission:
    found: Any = importlib.import_module(f"{_HERE}.{package}.{module}").ADMISSION
    if not isinstance(found, Admission):
        raise TypeError(f"{_HERE}.{package}.{module}.ADMISSION is not an Admission")
    return found
