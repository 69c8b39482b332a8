"""What was decided about requests, as it is counted."""

from __future__ import annotations

from steersman.apiserver.authorizers.counting import Counts
from steersman.apiserver.authz import ALLOWED, NO_OPINION, Decision, Verdict


def test_counts() -> None:
    counts = Counts()
    for _ in range(100):
        counts.decided(ALLOWED, 0.00001)
    counts.decided(NO_OPINION, 0.1)
    counts.decided(Decision(Verdict.DENY), 0.1)
    counts.decided(Decision(Verdict.DENY, "", "it broke"), 0.1)
    counts.decided(Decision(Verdict.ALLOW, "", "it broke"), 0.1)
    told = [line for metric in counts.metrics() for line in metric.lines()]
    assert told[2:6] == [
        'authorization_attempts_total{result="allowed"} 101',
        'authorization_attempts_total{result="denied"} 1',
        'authorization_attempts_total{result="error"} 1',
        'authorization_attempts_total{result="no-opinion"} 1',
    ]
    assert 'authorization_duration_seconds_bucket{result="allowed",le="0.001"} 100' in told
