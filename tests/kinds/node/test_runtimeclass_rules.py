"""Validation of RuntimeClasses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from steersman.kinds.node.runtimeclass import KIND

ErrorsOf = Callable[..., list[str]]

CLASS = "{metadata: {name: a.b}, handler: runc}"
LABEL = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("overhead: {podFixed: {cpu: 250m}}", []),
        ("handler: R_", [f'handler: Invalid value: "R_": {LABEL}']),
        ("overhead: {podFixed: {cpu: -1}}", ['overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0']),
        ("overhead: {podFixed: {foo: 1}}", ['overhead.limits[foo]: Invalid value: "foo": must be a standard resource type or fully qualified', 'overhead.limits[foo]: Invalid value: "foo": must be a standard resource for containers']),
        ("scheduling: {tolerations: [{key: a, operator: Exists, value: x}]}", ["scheduling.tolerations[0].operator: Invalid value: \"x\": value must be empty when `operator` is 'Exists'"]),
    ],
)  # fmt: skip
def test_validation(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, CLASS, change) == errors


def test_the_handler_stays(update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(KIND, CLASS, "handler: runsc") == ['handler: Invalid value: "runsc": field is immutable']
