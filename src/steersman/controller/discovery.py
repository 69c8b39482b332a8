"""Finding the controllers: every module of a package that exports CONTROLLER."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from steersman.controller.declaration import Controller


def discover(package: ModuleType) -> tuple[Controller, ...]:
    """The controllers of a package, ordered by name. A module without CONTROLLER is a helper of its neighbours."""
    found: list[Controller] = []
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        declared = getattr(importlib.import_module(info.name), "CONTROLLER", None)
        if isinstance(declared, Controller):
            found.append(declared)
    names = [c.name for c in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"controllers declared twice: {', '.join(sorted(twice))}")
    return tuple(sorted(found, key=lambda c: c.name))
