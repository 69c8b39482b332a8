"""A whole cluster inside a test: a real control plane over the memory store, with simulated nodes.

Names are imported at their first use, because the pytest plugin beside them is loaded in every test run of whoever has this
package installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from steersman.testing.importing import quickly

if TYPE_CHECKING:
    from steersman.testing.cluster import Cluster
    from steersman.testing.conditions import Condition, has_condition
    from steersman.testing.serving import Served

__all__ = ["Cluster", "Condition", "Served", "has_condition"]

_HOMES = {"Cluster": "cluster", "Condition": "conditions", "Served": "serving", "has_condition": "conditions"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with quickly():
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
