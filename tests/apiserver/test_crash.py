"""Failures in the log: what is told of them, and what is not."""

from __future__ import annotations

import logging

import pytest

from steersman.api.http import Request
from steersman.apiserver import crash
from steersman.apiserver.requestinfo import Query, parse


def failed(request: Request, caplog: pytest.LogCaptureFixture) -> str:
    with caplog.at_level(logging.DEBUG):
        try:
            try:
                int("MARKER")
            except ValueError as error:
                raise KeyError("MARKER too") from error
        except KeyError as error:
            crash.note(request, parse(request.method, request.path, Query("")), error)
    return caplog.text


@pytest.mark.parametrize(
    ("request_", "shown"),
    [
        (Request("GET", "/api/v1/pods"), True),
        (Request("GET", "/api/v1/namespaces/a/secrets/b"), False),
        (Request("POST", "/api/v1/namespaces/a/pods", body=b"{}"), False),
        (Request("PATCH", "/api/v1/namespaces/a/pods/b"), False),
    ],
)
def test_words_of_errors_are_told_where_they_can_hold_no_object(
    request_: Request, shown: bool, caplog: pytest.LogCaptureFixture
) -> None:
    text = failed(request_, caplog)
    assert "test_crash.py" in text
    assert text.rstrip().endswith("KeyError: 'MARKER too'" if shown else "KeyError")
    assert ("ValueError: invalid literal" in text) is shown
    assert "ValueError" in text


def test_a_path_makes_no_lines(caplog: pytest.LogCaptureFixture) -> None:
    assert r"'/x\n2026 ERROR forged'" in failed(Request("GET", "/x\n2026 ERROR forged"), caplog)
