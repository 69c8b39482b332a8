"""Fixtures for the kinds' tests: objects from plain values, prepared and judged as the API server does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.api import codec, yaml
from steersman.api.patch import merge_patch
from steersman.kinds.kind import Kind

Build = Callable[..., Any]
ErrorsOf = Callable[..., list[str]]


def _plain(value: str | dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = yaml.load(value) if isinstance(value, str) else value
    return plain


@pytest.fixture
def build() -> Build:
    """build(kind, base, change…) → the object of `base` with the changes merged in, defaulted. YAML or dicts."""

    def make(kind: Kind[Any], base: str | dict[str, Any], *changes: str | dict[str, Any]) -> Any:
        plain = _plain(base)
        for change in changes:
            plain = merge_patch(plain, _plain(change))
        obj, problems = codec.from_builtins(kind.type, plain)
        assert problems == []
        kind.default(obj)
        return obj

    return make


@pytest.fixture
def create(build: Build) -> Build:
    """As `build`, and prepared as a new object."""

    def make(kind: Kind[Any], *parts: str | dict[str, Any]) -> Any:
        obj = build(kind, *parts)
        kind.prepare_create(obj)
        return obj

    return make


@pytest.fixture
def errors_of(create: Build) -> ErrorsOf:
    """errors_of(kind, base, change…) → what is wrong with a new object, as texts."""

    def judge(kind: Kind[Any], *parts: str | dict[str, Any]) -> list[str]:
        return [str(e) for e in kind.validate(create(kind, *parts))]

    return judge


@pytest.fixture
def update_errors_of(create: Build) -> ErrorsOf:
    """update_errors_of(kind, base, change…) → what is wrong with changing an object made of `base`."""

    def judge(kind: Kind[Any], base: str | dict[str, Any], *changes: str | dict[str, Any]) -> list[str]:
        old = create(kind, base)
        new, _ = codec.from_builtins(kind.type, merge_patch(codec.to_builtins(old), _merged(changes)))
        kind.default(new)
        kind.prepare_update(new, old)
        return [str(e) for e in kind.validate_update(new, old)]

    return judge


@pytest.fixture
def status_errors_of(create: Build) -> ErrorsOf:
    """status_errors_of(kind, base, status, new status) → what is wrong with that status update."""

    def judge(kind: Kind[Any], base: str | dict[str, Any], before: str, after: str) -> list[str]:
        old = create(kind, base)
        old, _ = codec.from_builtins(kind.type, merge_patch(codec.to_builtins(old), {"status": _plain(before)}))
        new, _ = codec.from_builtins(kind.type, merge_patch(codec.to_builtins(old), {"status": _plain(after)}))
        kind.prepare_status_update(new, old)
        return [str(e) for e in kind.validate_status_update(new, old)]

    return judge


def _merged(changes: tuple[str | dict[str, Any], ...]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for change in changes:
        # Nulls must reach the object, so the changes are put together without being applied.
        out |= _plain(change)
    return out
