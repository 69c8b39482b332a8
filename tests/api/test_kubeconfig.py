"""What a kubeconfig says: which cluster and user a context means, and where certificates are."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from steersman.api import kubeconfig
from steersman.api.configuration import ConfigurationError

WHERE = Path("config")
CONFIG: dict[str, Any] = {
    "current-context": "a",
    "contexts": [
        {"name": "a", "context": {"cluster": "c", "user": "u"}},
        {"name": "b", "context": {"cluster": "c"}},
        {"name": "c", "context": {"cluster": "gone", "user": "u"}},
        {"name": "d", "context": {"cluster": "c", "user": "gone"}},
        {"name": "e", "context": None},
    ],
    "clusters": [{"name": "c", "cluster": {"server": "s"}}, {"name": "c", "cluster": {"server": "second"}}, "x"],
    "users": [{"name": "u", "user": {"token": "t"}}],
}


def test_contexts() -> None:
    assert kubeconfig.chosen(CONFIG, WHERE) == ({"server": "s"}, {"token": "t"})
    assert kubeconfig.chosen(CONFIG, WHERE, "b") == ({"server": "s"}, {})


@pytest.mark.parametrize(
    ("context", "why"),
    [
        ("c", "config: clusters: there is no cluster named 'gone'"),
        ("d", "config: users: there is no user named 'gone'"),
        ("e", "config: clusters: there is no cluster named ''"),
        ("x", "config: contexts: there is no context named 'x'"),
    ],
)
def test_what_is_not_there(context: str, why: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        kubeconfig.chosen(CONFIG, WHERE, context)
    assert str(caught.value) == why


def test_no_context() -> None:
    with pytest.raises(ConfigurationError, match="there is no context named ''"):
        kubeconfig.chosen({}, WHERE)


@pytest.mark.parametrize("text", [b"[", b"a", b"", b"- a"])
def test_what_is_none(text: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"^config: "):
        kubeconfig.parse(text, WHERE)


def test_where_certificates_are() -> None:
    encoded = base64.encodebytes(b"PEM" * 50).decode()
    assert "\n" in encoded.strip()
    assert kubeconfig.pem({"crt-data": encoded}, "crt", Path("/d")) == "PEM" * 50
    assert kubeconfig.pem({"crt": "f"}, "crt", Path("/d")) == Path("/d/f")
    assert kubeconfig.pem({"crt": "/e/f"}, "crt", Path("/d")) == Path("/e/f")
    assert kubeconfig.pem({}, "crt", Path("/d")) == ""
    for wrong, why in (
        ({"crt": "f", "crt-data": encoded}, "crt and crt-data are both given"),
        ({"crt-data": "!"}, "crt-data: must be base64 of PEM"),
        ({"crt-data": base64.b64encode(b"\xff").decode()}, "crt-data: must be base64 of PEM"),
    ):
        with pytest.raises(ValueError, match=why):
            kubeconfig.pem(wrong, "crt", Path("/d"))
