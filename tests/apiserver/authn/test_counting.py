"""Who is known and who is not, as it is counted."""

from __future__ import annotations

import pytest

from steersman.api.errors import Unauthorized
from steersman.apiserver.authn.counting import Counts, username
from steersman.apiserver.authn.users import Rejected


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("admin", "admin"),
        ("kubelet", "kubelet"),
        ("system:serviceaccount:kube-system:default", "system:serviceaccount:kube-system:default"),
        ("jane@example.com", "email_id"),
        ("system:node:a", "other"),
        ("", "other"),
    ],
)
def test_names_are_few(name: str, told: str) -> None:
    assert username(name) == told


def test_counts() -> None:
    counts = Counts()
    for n in range(3000):
        counts.succeeded(f"joe-{n}", 0.0001)
    counts.succeeded("admin", 3.0)
    assert len(counts._names) < 200
    counts.failed(Unauthorized(), 0.1)
    counts.failed(Rejected("no"), 0.1)
    known = Unauthorized()
    known.__cause__ = ValueError()
    counts.failed(known, 0.1)
    told = [line for metric in counts.metrics() for line in metric.lines()]
    for line in (
        'authenticated_user_requests{username="other"} 3000',
        'authenticated_user_requests{username="admin"} 1',
        'authentication_attempts{result="success"} 3001',
        'authentication_attempts{result="failure"} 1',
        'authentication_attempts{result="error"} 2',
        'authentication_duration_seconds_bucket{result="success",le="0.001"} 3000',
        'authentication_duration_seconds_bucket{result="success",le="4.096"} 3001',
        'authentication_duration_seconds_bucket{result="error",le="16.384"} 2',
    ):
        assert line in told
