"""Image references in full."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.kubelet.references import normalize_reference

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("library/nginx", "docker.io/library/nginx:latest"),
        ("me/web", "docker.io/me/web:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/me/web:v1", "docker.io/me/web:v1"),
        ("localhost/web", "localhost/web:latest"),
        ("localhost:5000/web:v1", "localhost:5000/web:v1"),
        ("ghcr.io/a/b/c:v1", "ghcr.io/a/b/c:v1"),
        ("Registry/web", "Registry/web:latest"),
        ("[::1]:5000/web", "[::1]:5000/web:latest"),
        (f"nginx@{DIGEST}", f"docker.io/library/nginx@{DIGEST}"),
        (f"nginx:1.27@{DIGEST}", f"docker.io/library/nginx:1.27@{DIGEST}"),
        ("a__b--c/e_f", "docker.io/a__b--c/e_f:latest"),
    ],
)
def test_full_names(given: str, full: str) -> None:
    assert normalize_reference(given) == full
    assert normalize_reference(full) == full


@pytest.mark.parametrize(
    "given",
    [
        "",
        "/",
        "Nginx",
        "nginx:",
        "nginx:-x",
        "a//b",
        "me/Web",
        "nginx@sha256:12",
        "ng inx",
        "a" * 256,
        "0" * 64,
        "a_b.c/d",
    ],
)
def test_what_is_no_reference(given: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        normalize_reference(given)


@given(st.text(alphabet="ab./:@-_A0", max_size=40))
def test_full_names_are_fixed_points(given: str) -> None:
    try:
        full = normalize_reference(given)
    except ValueError:
        return
    assert normalize_reference(full) == full
