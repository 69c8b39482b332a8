"""What whoever writes a workload is told of its name, of its pods, of its claims."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.apps import daemonset, deployment, replicaset, statefulset
from steersman.kinds.batch import cronjob, job
from steersman.kinds.core import podtemplate, replicationcontroller
from steersman.kinds.kind import Kind

Build = Callable[..., Any]

NAME = "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"
OLD_OS = 'nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'
PODS = {"spec": {"nodeSelector": {"beta.kubernetes.io/os": "linux"}, "containers": [{"name": "c", "image": "x"}]}}
OTHER = {"spec": {**PODS["spec"], "hostname": "h"}}

WORKLOADS = [
    (deployment.KIND, ("spec", "template"), True),
    (replicaset.KIND, ("spec", "template"), True),
    (replicationcontroller.KIND, ("spec", "template"), True),
    (job.KIND, ("spec", "template"), True),
    (cronjob.KIND, ("spec", "jobTemplate", "spec", "template"), True),
    (daemonset.KIND, ("spec", "template"), False),
    (statefulset.KIND, ("spec", "template"), False),
    (podtemplate.KIND, ("template",), False),
]


def _made(path: tuple[str, ...], pods: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = pods
    for step in reversed(path):
        plain = {step: plain}
    return {"metadata": {"name": "a.b"}, **plain}


@pytest.mark.parametrize(("kind", "path", "named"), WORKLOADS, ids=[w[0].name for w in WORKLOADS])
def test_workload(kind: Kind[Any], path: tuple[str, ...], named: bool, build: Build) -> None:
    """A new one is told of, and a change of what is wanted, and no other."""
    old = build(kind, _made(path, PODS))
    told = f"{'.'.join(path)}.spec.{OLD_OS}"
    assert kind.warnings(old) == ([NAME] if named else []) + [told]
    old.metadata.generation = 1
    same, new = build(kind, _made(path, PODS)), build(kind, _made(path, OTHER))
    same.metadata.generation, new.metadata.generation = 1, 2
    assert kind.warn_update(same, old) == []
    assert kind.warn_update(new, old) == [told]
    assert kind.warn_update(new, old, "status") == []


JOBS = [
    ("{completionMode: Indexed, completions: 100001, parallelism: 10001}", True),
    ("{completionMode: Indexed, completions: 100000, parallelism: 10001}", False),
    ("{completionMode: Indexed, completions: 100001, parallelism: 10000}", False),
    ("{completionMode: NonIndexed, completions: 100001, parallelism: 10001}", False),
]


@pytest.mark.parametrize(("spec", "told"), JOBS)
def test_many_indexes(spec: str, told: bool, build: Build) -> None:
    what = "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
    of_job = build(job.KIND, "metadata: {name: a}", f"spec: {spec}")
    assert job.KIND.warnings(of_job) == ([f"spec: {what}"] if told else [])
    of_cron_job = build(cronjob.KIND, "metadata: {name: a}", f"spec: {{jobTemplate: {{spec: {spec}}}}}")
    assert cronjob.KIND.warnings(of_cron_job) == ([f"spec.jobTemplate.spec: {what}"] if told else [])


def test_time_zone_in_a_schedule(build: Build) -> None:
    cron_job = build(cronjob.KIND, "{metadata: {name: a}, spec: {schedule: TZ=UTC 0 * * * *}}")
    assert cronjob.KIND.warnings(cron_job) == []
    assert cronjob.KIND.warn_update(cron_job, cron_job) == [
        "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
    ]


def test_claims_and_revisions_of_a_stateful_set(build: Build) -> None:
    change = "spec: {revisionHistoryLimit: -1, volumeClaimTemplates: [{spec: {resources: {limits: {storage: 100m}}}}]}"
    stateful_set = build(statefulset.KIND, "metadata: {name: a}", change)
    fraction = 'resources.limits[storage]: fractional byte value "100m" is invalid, must be an integer'
    revisions = (
        "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
    )
    assert statefulset.KIND.warnings(stateful_set) == [f"spec.volumeClaimTemplates[0].{fraction}", revisions]
    assert statefulset.KIND.warn_update(stateful_set, stateful_set) == [
        f"spec.volumeClaimTemplates[0].Spec.{fraction}",
        revisions,
    ]
