"""Stores are opened by URL, by the backend that declares its scheme."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from steersman import store
from steersman.api.clock import RealClock


def test_backends_are_found() -> None:
    assert {scheme: backend.scheme for scheme, backend in store.discover().items()} == {
        "memory": "memory",
        "sqlite": "sqlite",
    }


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "must begin with one of memory://, sqlite://"),
        ("/var/lib/x.db", "must begin with one of"),
        ("postgres://host", "must begin with one of"),
        ("memory://somewhere", "takes no location"),
        ("sqlite://", "needs a path"),
    ],
)
def test_bad_urls(url: str, message: str) -> None:
    with pytest.raises(store.BadLocation, match=message):
        store.open(url, RealClock())


async def test_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("memory://", f"sqlite://{tmp_path}/a.db", "sqlite://b/c.db"):
        opened = store.open(url, RealClock())
        await opened.create("/a/x", b"1")
        await opened.close()
    assert {"a.db", "b"} <= set(os.listdir(tmp_path))
