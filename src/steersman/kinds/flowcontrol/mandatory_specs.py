"""The FlowSchemas and priority levels that every cluster has, whatever anybody wishes: `exempt` and `catch-all`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from steersman.api import codec
from steersman.api.meta import Resource

FLOWS = Resource("flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "FlowSchema", False)
LEVELS = Resource(
    "flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "PriorityLevelConfiguration", False
)

EXEMPT, CATCH_ALL = "exempt", "catch-all"

ALL_RESOURCES: dict[str, Any] = {
    "verbs": ["*"],
    "apiGroups": ["*"],
    "resources": ["*"],
    "namespaces": ["*"],
    "clusterScope": True,
}
ALL_PATHS: dict[str, Any] = {"verbs": ["*"], "nonResourceURLs": ["*"]}


def groups(*names: str) -> list[dict[str, Any]]:
    """Subjects that are groups."""
    return [{"kind": "Group", "group": {"name": name}} for name in names]


def everything(subjects: list[dict[str, Any]]) -> dict[str, Any]:
    """The rule for all that these subjects ask for."""
    return {"subjects": subjects, "resourceRules": [ALL_RESOURCES], "nonResourceRules": [ALL_PATHS]}


FLOW_SPECS: dict[str, dict[str, Any]] = {
    EXEMPT: {
        "priorityLevelConfiguration": {"name": EXEMPT},
        "matchingPrecedence": 1,
        "rules": [everything(groups("system:masters"))],
    },
    CATCH_ALL: {
        "priorityLevelConfiguration": {"name": CATCH_ALL},
        "matchingPrecedence": 10000,
        "distinguisherMethod": {"type": "ByUser"},
        "rules": [everything(groups("system:unauthenticated", "system:authenticated"))],
    },
}
LEVEL_SPECS: dict[str, dict[str, Any]] = {
    EXEMPT: {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}},
    CATCH_ALL: {
        "type": "Limited",
        "limited": {"nominalConcurrencyShares": 5, "lendablePercent": 0, "limitResponse": {"type": "Reject"}},
    },
}


@lru_cache(maxsize=64)
def flow_spec(name: str) -> Any:
    """The fixed FlowSchemaSpec of this name, shared and not to be changed; None for all other names."""
    from steersman.kinds.types.flowcontrol_v1 import FlowSchemaSpec

    plain = FLOW_SPECS.get(name)
    return None if plain is None else codec.from_builtins(FlowSchemaSpec, plain)[0]


@lru_cache(maxsize=64)
def level_spec(name: str) -> Any:
    """The fixed PriorityLevelConfigurationSpec of this name, likewise."""
    from steersman.kinds.types.flowcontrol_v1 import PriorityLevelConfigurationSpec

    plain = LEVEL_SPECS.get(name)
    return None if plain is None else codec.from_builtins(PriorityLevelConfigurationSpec, plain)[0]
