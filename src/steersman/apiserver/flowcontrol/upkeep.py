"""What the server does to the objects of its configuration: makes what is missing, repairs, removes what is no longer known,
and says of each FlowSchema whether its priority level exists."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from steersman.api import codec
from steersman.api.field import same
from steersman.apiserver.flowcontrol.objects import AUTO_UPDATE
from steersman.kinds.flowcontrol.mandatory_specs import CATCH_ALL, EXEMPT

_MANDATORY = frozenset({EXEMPT, CATCH_ALL})
_TRUE, _FALSE = (
    frozenset({"1", "t", "T", "true", "TRUE", "True"}),
    frozenset({"0", "f", "F", "false", "FALSE", "False"}),
)


@dataclass(slots=True)
class Plan:
    """What is to be done to the objects of one kind. The objects are new ones."""

    create: list[Any] = field(default_factory=list)
    update: list[Any] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)


def plan(cls: type[Any], wanted: Mapping[str, Mapping[str, Any]], found: Sequence[Any]) -> Plan:
    """How the objects found come to be as wanted (specs by name). What users changed stays, but for the mandatory ones."""
    out, present = Plan(), {obj.metadata.name: obj for obj in found}
    for name, spec in wanted.items():
        made, _ = codec.from_builtins(
            cls, {"metadata": {"name": name, "annotations": {AUTO_UPDATE: "true"}}, "spec": spec}
        )
        current = present.get(name)
        if current is None:
            out.create.append(made)
        elif (repaired := _repaired(current, made)) is not None:
            out.update.append(repaired)
    out.delete = [obj.metadata.name for obj in found if obj.metadata.name not in wanted and _flag(obj) is True]
    return out


def _flag(obj: Any) -> bool | None:
    """What the annotation says, None when that is neither yes nor no."""
    text = (obj.metadata.annotations or {}).get(AUTO_UPDATE)
    return True if text in _TRUE else False if text in _FALSE else None


def _repaired(current: Any, made: Any) -> Any:
    """The object as it should be; None when it is so. The spec is followed as long as nobody has changed it."""
    flag, name = _flag(current), current.metadata.name
    follow = name in _MANDATORY or (flag if flag is not None else current.metadata.generation == 1)
    spec = made.spec
    if name == EXEMPT and getattr(current.spec, "exempt", None) is not None:
        # How much the exempt level lends is the cluster's to say.
        spec = codec.clone(spec)
        spec.exempt = current.spec.exempt
    changed = follow and not same(current.spec, spec)
    if flag is follow and not changed:
        return None
    new = codec.clone(current)
    new.metadata.annotations = {**(new.metadata.annotations or {}), AUTO_UPDATE: str(follow).lower()}
    if changed:
        new.spec = spec
    return new


def dangling(schema: Any, levels: Collection[str], now: str) -> Any:
    """The FlowSchema with a condition that says whether its level is there; None when it says so already."""
    from steersman.kinds.types.flowcontrol_v1 import FlowSchemaCondition

    level = schema.spec.priorityLevelConfiguration.name
    text = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}"'
    wanted = FlowSchemaCondition(type="Dangling", lastTransitionTime=now)
    if level in levels:
        wanted.status, wanted.reason, wanted.message = "False", "Found", f"{text} and it exists"
    else:
        wanted.status, wanted.reason, wanted.message = "True", "NotFound", f"{text} but there is no such object"
    conditions = schema.status.conditions or []
    found = next((c for c in conditions if c.type == "Dangling"), None)
    if found is not None and (found.status, found.reason, found.message) == (
        wanted.status,
        wanted.reason,
        wanted.message,
    ):
        return None
    new = codec.clone(schema)
    new.status.conditions = [*(c for c in new.status.conditions or () if c.type != "Dangling"), wanted]
    return new


def all_dangling(schemas: Iterable[Any], levels: Iterable[Any], now: str) -> list[Any]:
    """The FlowSchemas whose condition has to be written, with it."""
    names = {level.metadata.name for level in levels}
    return [new for schema in schemas if (new := dangling(schema, names, now)) is not None]
