"""Namespaces: the name's label, phase, finalizers, and what blocks their end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.core.namespace import KIND

Build = Callable[..., Any]
ErrorsOf = Callable[..., list[str]]

NS = "{metadata: {name: a}}"


def test_a_new_namespace(create: Build) -> None:
    assert codec.to_builtins(create(KIND, NS)) == {
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": {"name": "a", "labels": {"kubernetes.io/metadata.name": "a"}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def test_it_stays_until_both_kinds_of_finalizers_are_gone(create: Build) -> None:
    namespace = create(KIND, NS, "metadata: {finalizers: [x.io/y]}")
    assert KIND.blockers(namespace) == ["x.io/y", "kubernetes"]
    KIND.on_delete(namespace)
    assert namespace.status.phase == "Terminating"


def test_a_plain_update_leaves_the_finalizers(create: Build) -> None:
    old, new = create(KIND, NS), create(KIND, NS)
    new.spec.finalizers = []
    KIND.prepare_update(new, old)
    assert new.spec.finalizers == ["kubernetes"]


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("{}", []),
        ("metadata: {name: a.b}", ['metadata.name: Invalid value: "a.b": must not contain dots']),
        ("metadata: {namespace: x}", ["metadata.namespace: Forbidden: not allowed on this type"]),
        ("spec: {finalizers: [foo]}", ['spec.finalizers: Invalid value: "foo": name is neither a standard finalizer name nor is it fully qualified']),
    ],
)  # fmt: skip
def test_validation(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, NS, change) == errors


def test_the_phase_follows_from_the_deletion(status_errors_of: ErrorsOf) -> None:
    assert status_errors_of(KIND, NS, "{}", "{phase: Active}") == []
    assert status_errors_of(KIND, NS, "{}", "{phase: Terminating}") == [
        "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"
    ]


def test_finalize_is_checked(create: Build) -> None:
    old, new = create(KIND, NS), create(KIND, NS)
    new.spec.finalizers = ["Bad Name"]
    assert KIND.validate_subresource("finalize", new, old)
    new.spec.finalizers = None
    assert not KIND.validate_subresource("finalize", new, old)
