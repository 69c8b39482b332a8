"""What plugins, webhooks and policies are counted for."""

from __future__ import annotations

import pytest

from steersman.api.clock import FakeClock
from steersman.api.errors import Forbidden
from steersman.api.http import User
from steersman.api.meta import Resource
from steersman.apiserver.admission.counting import REFUSED, Counts
from steersman.apiserver.admission.framework import CREATE, Admission, Chain, Environment, Interest, Review, Step
from steersman.apiserver.registries import Registries

PODS = Resource("", "v1", "pods", "Pod", True)
INTERESTS = (Interest(frozenset({CREATE})),)


def review() -> Review:
    return Review(CREATE, PODS, "", "ns", "a", None, None, User("u"))


def taking(clock: FakeClock, seconds: float) -> Step:
    async def step(review: Review, environment: Environment) -> None:
        await clock.advance(seconds)

    return step


def told(counts: Counts) -> list[str]:
    return [line for metric in counts.metrics() for line in metric.lines()]


async def test_plugins() -> None:
    clock = FakeClock()
    refuses = False

    async def refuse(review: Review, environment: Environment) -> None:
        await clock.advance(1.5)
        if refuses:
            raise Forbidden("no")

    environment = Environment(Registries(), clock)
    chain = Chain(
        [
            Admission("Quick", 1, INTERESTS, taking(clock, 0.003), taking(clock, 0.003)),
            Admission("Strict", 2, INTERESTS, None, refuse),
            Admission("Never", 3, INTERESTS, None, taking(clock, 9)),
        ],
        environment,
    )
    for _ in range(40):
        await chain.mutate(review())
    refuses = True
    with pytest.raises(Forbidden):
        await chain.validate(review())
    refuses = False
    await chain.validate(review())
    lines = told(environment.counts)
    plugin, step = (
        "apiserver_admission_controller_admission_duration_seconds",
        "apiserver_admission_step_admission_duration_seconds",
    )
    for line in (
        f'{plugin}_bucket{{name="Quick",type="admit",operation="CREATE",rejected="false",le="0.005"}} 40',
        f'{plugin}_count{{name="Quick",type="validate",operation="CREATE",rejected="false"}} 2',
        f'{plugin}_count{{name="Strict",type="validate",operation="CREATE",rejected="true"}} 1',
        f'{plugin}_count{{name="Strict",type="validate",operation="CREATE",rejected="false"}} 1',
        f'{plugin}_count{{name="Never",type="validate",operation="CREATE",rejected="false"}} 1',
        f'{step}_count{{type="admit",operation="CREATE",rejected="false"}} 40',
        f'{step}_count{{type="validate",operation="CREATE",rejected="false"}} 1',
        f'{step}_bucket{{type="validate",operation="CREATE",rejected="true",le="1"}} 0',
        f'{step}_bucket{{type="validate",operation="CREATE",rejected="true",le="2.5"}} 1',
        f"# TYPE {step}_summary summary",
        f'{step}_summary_count{{type="admit",operation="CREATE",rejected="false"}} 40',
    ):
        assert line in lines
    median = f'{step}_summary{{type="admit",operation="CREATE",rejected="false",quantile="0.5"}} '
    found = next(line for line in lines if line.startswith(median))
    assert float(found.removeprefix(median)) == pytest.approx(0.003, abs=1e-6)


async def test_nobody_concerned() -> None:
    environment = Environment(Registries(), FakeClock())
    chain = Chain([], environment)
    for _ in range(40):
        await chain.mutate(review())
    assert 'apiserver_admission_step_admission_duration_seconds_count{type="admit",operation="CREATE",rejected="false"} 40' in told(environment.counts)  # fmt: skip


def test_webhooks_and_policies() -> None:
    counts = Counts()
    counts.answered(("a.example.com", "admit", "CREATE"), 0.2, 200)
    counts.answered(("a.example.com", "admit", "CREATE"), 12.0, 4000, REFUSED)
    counts.failed_open.add("a.example.com", "admit")
    counts.checked("validating", ("p", "b", "no_error", "deny"), 0.0001)
    counts.checked("mutating", ("p", "b", "no_error"), 0.0001)
    lines = told(counts)
    hook = 'name="a.example.com",type="admit",operation="CREATE"'
    for line in (
        f'apiserver_admission_webhook_request_total{{{hook},code="200",rejected="false"}} 1',
        f'apiserver_admission_webhook_request_total{{{hook},code="600",rejected="true"}} 1',
        f'apiserver_admission_webhook_admission_duration_seconds_bucket{{{hook},rejected="true",le="10"}} 0',
        f'apiserver_admission_webhook_admission_duration_seconds_bucket{{{hook},rejected="true",le="25"}} 1',
        f'apiserver_admission_webhook_rejection_count{{{hook},error_type="no_error",rejection_code="600"}} 1',
        'apiserver_admission_webhook_fail_open_count{name="a.example.com",type="admit"} 1',
        'apiserver_mutating_admission_policy_check_total{policy="p",policy_binding="b",error_type="no_error"} 1',
        'apiserver_validating_admission_policy_check_total{policy="p",policy_binding="b",error_type="no_error",enforcement_action="deny"} 1',
        'apiserver_validating_admission_policy_check_duration_seconds_bucket{policy="p",policy_binding="b",error_type="no_error",enforcement_action="deny",le="0.001"} 1',
    ):
        assert line in lines
