"""What a change of an object is to a selection."""

from __future__ import annotations

import pytest

from steersman.api import fields, labels
from steersman.apiserver.cached import Cached, Change, Described, describe_metadata, join_bodies, selection, transition


def item(revision: int, app: str | None, *, namespace: str = "default", name: str = "web", node: str = "") -> Cached:
    """An object whose bytes are never read."""
    described: Described = ({} if app is None else {"app": app}, {"spec.nodeName": node, "metadata.name": name})
    return Cached(f"/p/{namespace}/{name}", namespace, name, revision, b"", _unread, described)


def _unread(_: bytes) -> Described:
    raise AssertionError("read without need")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(None, "a", ("ADDED", 9), id="created inside"),
        pytest.param(None, "b", None, id="created outside"),
        pytest.param("a", "a", ("MODIFIED", 9), id="changed inside"),
        pytest.param("b", "a", ("ADDED", 9), id="enters"),
        pytest.param("a", "b", ("DELETED", 9), id="leaves"),
        pytest.param("b", "b", None, id="changed outside"),
        pytest.param("a", None, ("DELETED", 9), id="deleted inside"),
        pytest.param("b", None, None, id="deleted outside"),
    ],
)
def test_transition(before: str | None, after: str | None, expected: tuple[str, int] | None) -> None:
    change = Change(9, item(5, before) if before else None, item(9, after) if after else None)
    told = transition(selection("default", labels.parse("app=a"), None), change)
    assert (told and (told[0], told[1].revision)) == expected
    if told and told[0] == "DELETED":
        assert told[1].labels == {"app": "a"}


@pytest.mark.parametrize(
    ("namespace", "label", "field", "expected"),
    [
        ("", "", "", True),
        ("default", "", "", True),
        ("other", "", "", False),
        ("", "app", "", True),
        ("", "!app", "", False),
        ("", "", "spec.nodeName=n1", True),
        ("", "", "spec.nodeName!=n1", False),
        ("", "", "metadata.name=web", True),
        ("", "", "metadata.name=other", False),
        ("", "app=a", "spec.nodeName=n2", False),
    ],
)
def test_accepts(namespace: str, label: str, field: str, expected: bool) -> None:
    wanted = selection(namespace, labels.parse(label), fields.parse(field))
    assert wanted.accepts(item(1, "a", node="n1")) is expected


def test_objects_are_not_read_for_another_name() -> None:
    unread = Cached("/p/d/x", "d", "x", 1, b"", _unread)
    assert not selection("", None, fields.parse("metadata.name=y")).accepts(unread)
    assert not selection("e", labels.parse("a"), None).accepts(unread)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("", None),
        ("spec.nodeName!=a", None),
        ("spec.nodeName=a", ("spec.nodeName", "a")),
        ("spec.nodeName=a,metadata.name=b", ("metadata.name", "b")),
    ],
)
def test_pin(field: str, expected: tuple[str, str] | None) -> None:
    assert selection("", None, fields.parse(field)).pin == expected


def test_selectors_that_restrict_nothing_are_left_out() -> None:
    assert selection("a", labels.parse(""), fields.parse("")) == selection("a", None, None)


def test_labels_and_fields_are_read_once() -> None:
    value = b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x","labels":{"a":"b"}},"spec":{"x":1}}'
    calls: list[bytes] = []

    def describe(data: bytes) -> Described:
        calls.append(data)
        return describe_metadata(data)

    subject = Cached("/p/d/x", "d", "x", 3, value, describe)
    assert (subject.labels, subject.fields) == ({"a": "b"}, {"metadata.name": "x", "metadata.namespace": "d"})
    assert subject.at(4).labels == {"a": "b"}
    assert calls == [value]


def test_bodies_are_joined() -> None:
    value = b'{"kind":"Pod","apiVersion":"v1","metadata":{}}'
    items = [Cached("", "", "", revision, value, _unread) for revision in (1, 2)]
    joined = join_bodies(items)
    assert joined == items[0].body + b"," + items[1].body
    assert b'"resourceVersion":"2"' in joined
