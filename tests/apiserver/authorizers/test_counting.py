"""What was decided about requests, as it is counted."""

from __future__ import annotations

from steersman.apiserver.authorizers.counting import Counts, Questions
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


def test_questions_to_webhooks() -> None:
    counts = Questions()
    counts.asked("hook", "success", 200, 0.02)
    counts.asked("hook", "timeout", 0, 3.0)
    counts.opened("hook", "timeout")
    for holds in (True, False, None):
        counts.matched("hook", 0.002, holds)
    told = [line for metric in counts.metrics() for line in metric.lines()]
    prefix, condition = "apiserver_authorization_", '{type="Webhook",name="hook"}'
    for line in (
        f'{prefix}webhook_evaluations_total{{name="hook",result="success"}} 1',
        f'{prefix}webhook_duration_seconds_bucket{{name="hook",result="timeout",le="2.5"}} 0',
        f'{prefix}webhook_duration_seconds_bucket{{name="hook",result="timeout",le="5"}} 1',
        f'{prefix}webhook_evaluations_fail_open_total{{name="hook",result="timeout"}} 1',
        f"{prefix}match_condition_evaluation_errors_total{condition} 1",
        f"{prefix}match_condition_exclusions_total{condition} 1",
        f"{prefix}match_condition_evaluation_seconds_count{condition} 3",
    ):
        assert line in told
