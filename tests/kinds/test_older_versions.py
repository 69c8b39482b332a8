"""Older versions of kinds: nothing is lost on the way to them and back, and each fills in what it used to fill in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steersman.api import codec, shape
from steersman.api.codec import DecodeError
from steersman.api.shape import Choice, Leaf, ListOf, MapOf, ObjectOf, Shape
from steersman.kinds.catalog import load
from steersman.kinds.kind import Served

CATALOG = load()
# Those that are still served convert by the same rules.
CURRENT = [CATALOG.find("autoscaling", "v1", "horizontalpodautoscalers"), CATALOG.find("events.k8s.io", "v1", "events")]
OLDER = [*(s for s in CATALOG.served if s.is_legacy), *(s for s in CURRENT if s is not None)]
DEPTH = 7


def name_of(served: Served) -> str:
    return f"{served.resource.api_version}/{served.resource.plural}"


words = st.sampled_from(["a", "b-c", "x.example.com", "Utilization", "0"])
LEAVES: dict[Leaf, st.SearchStrategy[Any]] = {
    Leaf.STRING: words,
    Leaf.INT32: st.integers(0, 9),
    Leaf.INT64: st.integers(0, 9),
    Leaf.FLOAT: st.integers(0, 9),
    Leaf.BOOL: st.booleans(),
    Leaf.INT_OR_STRING: st.one_of(st.integers(1, 9), st.sampled_from(["25%", "http"])),
    Leaf.QUANTITY: st.sampled_from(["1", "100m", "2Gi"]),
    Leaf.TIME: st.just("2020-01-02T03:04:05Z"),
    Leaf.MICRO_TIME: st.just("2020-01-02T03:04:05.000001Z"),
    Leaf.BYTES: st.just("YQ=="),
    Leaf.ANY: st.sampled_from([{"a": 1}, {"b": {"c": "d"}}]),
}


def values(of: Shape, depth: int) -> st.SearchStrategy[Any]:
    match of:
        case ObjectOf(cls):
            return objects(cls, depth)
        case ListOf(item):
            return st.lists(values(item, depth - 1), min_size=1, max_size=2)
        case MapOf(value):
            return st.dictionaries(words, values(value, depth - 1), min_size=1, max_size=2)
        case Choice(options):
            return values(options[1], depth)
        case Leaf():
            return LEAVES[of]


@st.composite
def objects(draw: st.DrawFn, cls: type[Any], depth: int) -> dict[str, Any]:
    """Some of the fields of a type, and those of its fields, down to a depth."""
    out: dict[str, Any] = {}
    for wire, field in shape.fields(cls).items():
        if wire in ("kind", "apiVersion", "metadata", "managedFields"):
            continue
        deep = not isinstance(field.shape, Leaf)
        if (deep and depth <= 0) or not draw(st.booleans()):
            continue
        out[wire] = draw(values(field.shape, depth - 1))
    return out


def stored(served: Served, plain: dict[str, Any]) -> Any:
    """An object of the stored type."""
    return codec.from_builtins(served.kind.type, consistent(served, plain))[0]


def consistent(served: Served, plain: dict[str, Any]) -> dict[str, Any]:
    """What a validated object would be like, where a conversion relies on it."""
    fix = FIXES.get(served.resource.kind)
    if fix is not None:
        fix(plain)
    return plain


SECTIONS = {
    "resource": "Resource",
    "pods": "Pods",
    "object": "Object",
    "external": "External",
    "containerResource": "ContainerResource",
}


def _fix_autoscaler(plain: dict[str, Any]) -> None:
    for part, name, inner in (("spec", "metrics", "target"), ("status", "currentMetrics", "current")):
        metrics = []
        for metric in plain.get(part, {}).get(name, ()):
            found = next((s for s in SECTIONS if s in metric), None)
            if found is None:
                continue
            source = metric[found]
            value = source.setdefault(inner, {})
            _fix_value(found, value, target=inner == "target")
            metrics.append({"type": SECTIONS[found], found: source})
        if name in plain.get(part, {}):
            # A field of some versions is the CPU's, of which there is one metric then, and it comes first.
            cpu = [m for m in metrics if "averageUtilization" in m.get("resource", {}).get(inner, {})]
            for metric in cpu:
                metric["resource"]["name"] = "cpu"
            plain[part][name] = cpu[:1] + [m for m in metrics if m not in cpu]
            if not plain[part][name]:
                del plain[part][name]


def _fix_value(section: str, value: dict[str, Any], *, target: bool) -> None:
    """Each kind of metric has values that it cannot have, and a target is of one type."""
    if section in ("resource", "containerResource"):
        value.pop("value", None)
    else:
        value.pop("averageUtilization", None)
    if section == "pods":
        value.pop("value", None)
    if not target:
        return
    for name in ("averageUtilization", "averageValue", "value"):
        if name in value:
            kept = {name: value[name]}
            break
    else:
        kept = {"averageValue": "1"}
    value.clear()
    value |= {
        **kept,
        "type": {"averageUtilization": "Utilization", "averageValue": "AverageValue", "value": "Value"}[
            next(iter(kept))
        ],
    }


def _fix_ingress(plain: dict[str, Any]) -> None:
    def backend(found: dict[str, Any]) -> None:
        service = found.get("service")
        if service is not None:
            service.setdefault("name", "a")
            service["port"] = {"name": "http"} if (service.get("port") or {}).get("name") else {"number": 80}

    spec = plain.get("spec", {})
    backend(spec.get("defaultBackend", {}))
    for rule in spec.get("rules", ()):
        for path in rule.get("http", {}).get("paths", ()):
            backend(path.get("backend", {}))


def _fix_subjects(plain: dict[str, Any]) -> None:
    for subject in plain.get("subjects", ()):
        subject["kind"] = "User" if "apiGroup" in subject else "ServiceAccount"
        if "apiGroup" in subject:
            subject["apiGroup"] = "rbac.authorization.k8s.io"


def _fix_definition(plain: dict[str, Any]) -> None:
    spec = plain.get("spec", {})
    if spec.get("preserveUnknownFields") is False:
        del spec["preserveUnknownFields"]
    webhook = spec.get("conversion", {}).get("webhook")
    if webhook is not None:
        webhook.setdefault("conversionReviewVersions", ["v1"])


def _fix_event(plain: dict[str, Any]) -> None:
    if "series" in plain:
        plain["series"].setdefault("count", 1)


FIXES = {
    "Event": _fix_event,
    "HorizontalPodAutoscaler": _fix_autoscaler,
    "Ingress": _fix_ingress,
    "RoleBinding": _fix_subjects,
    "ClusterRoleBinding": _fix_subjects,
    "CustomResourceDefinition": _fix_definition,
}


@pytest.mark.parametrize("served", OLDER, ids=name_of)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_read_as_old_and_written_back_nothing_is_lost(served: Served, data: st.DataObject) -> None:
    plain = data.draw(objects(served.kind.type, DEPTH))
    plain["metadata"] = {"name": "x", "annotations": {"mine": "kept"}, "labels": {"a": "b"}}
    before = stored(served, plain)
    old = served.from_stored(before)
    assert old.apiVersion == served.resource.api_version
    sent = codec.decode(served.type, codec.encode(old))
    assert codec.to_builtins(served.to_stored(sent)) == codec.to_builtins(before)


@pytest.mark.parametrize("served", OLDER, ids=name_of)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_defaults_of_what_is_complete_change_nothing(served: Served, data: st.DataObject) -> None:
    plain = data.draw(objects(served.kind.type, DEPTH))
    plain["metadata"] = {"name": "x"}
    complete = stored(served, plain)
    served.kind.default(complete)
    first = served.adopt(served.from_stored(complete))
    again = served.adopt(served.from_stored(first))
    assert json.loads(codec.encode(again)) == json.loads(codec.encode(first))


@pytest.mark.parametrize("served", OLDER, ids=name_of)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_sent_is_understood_or_refused(served: Served, data: st.DataObject) -> None:
    """No object of an older type, however odd, makes a conversion fail in any other way than by saying so."""
    obj = codec.from_builtins(served.type, data.draw(objects(served.type, DEPTH)))[0]
    try:
        adopted = served.adopt(obj)
    except DecodeError:
        return
    served.from_stored(adopted)
