"""Defaults, the generated selector, and validation of Jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds import label_selector
from steersman.kinds.apps.workload_rules import check_counts
from steersman.kinds.batch import job_policies
from steersman.kinds.core import pod_validation
from steersman.kinds.core.pod_defaults import default_template

if TYPE_CHECKING:
    from steersman.kinds.types.batch_v1 import Job, JobSpec
    from steersman.kinds.types.core_v1 import Affinity, Container, PodTemplateSpec

CONTROLLER_UID, JOB_NAME = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
# The same labels from before they had a prefix: older selectors use them.
OLD_CONTROLLER_UID, OLD_JOB_NAME = "controller-uid", "job-name"
MODES = ("NonIndexed", "Indexed")
_SPEC = Path("spec")
_MAX_INDEXES, _MAX_OF_MANY = 100_000, 10_000
_PER_INDEX = "and used with backoff limit per index"
_MAX_INT32 = 2**31 - 1


def default(job: Job) -> None:
    default_spec(job.spec)
    if not job.metadata.labels and job.spec.template.metadata.labels:
        job.metadata.labels = dict(job.spec.template.metadata.labels)


def default_spec(spec: JobSpec) -> None:
    default_template(spec.template)
    if spec.completions is None and spec.parallelism is None:
        spec.completions = 1
    if spec.parallelism is None:
        spec.parallelism = 1
    if spec.backoffLimit is None:
        spec.backoffLimit = _MAX_INT32 if spec.backoffLimitPerIndex is not None else 6
    spec.completionMode = spec.completionMode or "NonIndexed"
    if spec.suspend is None:
        spec.suspend = False
    if not spec.podReplacementPolicy:
        spec.podReplacementPolicy = "Failed" if spec.podFailurePolicy is not None else "TerminatingOrFailed"
    if spec.podFailurePolicy is not None:
        for rule in spec.podFailurePolicy.rules:
            for pattern in rule.onPodConditions or ():
                pattern.status = pattern.status or "True"


def on_create(job: Job) -> None:
    """The job's pods get its unique id as a label, and the selector asks for it, unless the user made the selector."""
    from steersman.kinds.types.meta_v1 import LabelSelector

    if job.spec.manualSelector:
        return
    template = job.spec.template
    labels = dict(template.metadata.labels or {})
    for key, value in (
        (CONTROLLER_UID, job.metadata.uid), (JOB_NAME, job.metadata.name),
        (OLD_CONTROLLER_UID, job.metadata.uid), (OLD_JOB_NAME, job.metadata.name),
    ):  # fmt: skip
        labels.setdefault(key, value)
    template.metadata.labels = labels
    if job.spec.selector is None:
        job.spec.selector = LabelSelector()
    job.spec.selector.matchLabels = {
        CONTROLLER_UID: job.metadata.uid,
        **(job.spec.selector.matchLabels or {}),
    }


def check(job: Job) -> Errors:
    spec = job.spec
    errors = check_spec(spec, _SPEC)
    if spec.selector is None:
        errors.append(field.required(_SPEC.child("selector")))
    else:
        errors += label_selector.check(spec.selector, _SPEC.child("selector"))
    errors += label_selector.check_match(spec.selector, spec.template, _SPEC)
    if spec.completionMode == "Indexed" and spec.completions:
        # Each pod's host name is the job's name and its index.
        longest = f"{job.metadata.name}-{spec.completions - 1}"
        if names.dns1123_label(longest):
            detail = f"will not able to create pod with invalid DNS label: {longest}"
            errors.append(field.invalid(Path("metadata", "name"), job.metadata.name, detail))
    return errors


def check_new(job: Job) -> Errors:
    """A generated selector and labels must be the job's own."""
    if job.spec.manualSelector or job.spec.selector is None:
        return []
    labels = job.spec.template.metadata.labels or {}
    uid, name = job.metadata.uid, job.metadata.name
    expected = {OLD_CONTROLLER_UID: uid, OLD_JOB_NAME: name, CONTROLLER_UID: uid, JOB_NAME: name}
    errors: Errors = []
    for key, value in expected.items():
        at = _SPEC.child("template", "metadata", "labels").key(key)
        if key not in labels:
            errors.append(field.required(at, f"must be '{value}'"))
        elif labels[key] != value:
            errors.append(field.invalid(at, labels, f"must be '{value}'"))
    selector = label_selector.compiled_or_none(job.spec.selector)
    if selector is not None and not selector.matches(expected):
        errors.append(field.invalid(_SPEC.child("selector"), job.spec.selector, "`selector` not auto-generated"))
    return errors


def check_spec(spec: JobSpec, path: Path) -> Errors:
    """What is wrong with a job's spec, whether in a Job or in a CronJob."""
    errors = check_counts(
        spec, path, "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
        "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes",
    )  # fmt: skip
    if spec.maxFailedIndexes is not None and spec.backoffLimitPerIndex is None:
        errors.append(field.required(path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified"))
    if spec.managedBy:
        errors += field.all_invalid(path.child("managedBy"), spec.managedBy, names.domain_prefixed_path(spec.managedBy))
        if len(spec.managedBy) > names.LABEL_MAX:
            errors.append(field.too_long(path.child("managedBy"), names.LABEL_MAX))
    if spec.completionMode and spec.completionMode not in MODES:
        errors.append(field.not_supported(path.child("completionMode"), spec.completionMode, MODES))
    errors += _check_indexed(spec, path) if spec.completionMode == "Indexed" else _check_unindexed(spec, path)
    errors += job_policies.check(spec, path)
    errors += pod_validation.check_template(spec.template, path.child("template"))
    restart, at = spec.template.spec.restartPolicy, path.child("template", "spec", "restartPolicy")
    # A template always has a restart policy by now: "Always" may have been filled in rather than asked for.
    if restart == "Always":
        errors.append(field.required(at, 'valid values: "OnFailure", "Never"'))
    elif restart not in ("OnFailure", "Never"):
        errors.append(field.not_supported(at, restart, ("OnFailure", "Never")))
    elif spec.podFailurePolicy is not None and restart != "Never":
        errors.append(field.invalid(at, restart, 'only "Never" is supported when podFailurePolicy is specified'))
    return errors


def _check_indexed(spec: JobSpec, path: Path) -> Errors:
    """What is reported of an indexed job must not grow without bounds."""
    errors: Errors = []
    completions, parallelism, failed = spec.completions, spec.parallelism or 0, spec.maxFailedIndexes
    if completions is None:
        errors.append(field.required(path.child("completions"), "when completion mode is Indexed"))
    if parallelism > _MAX_INDEXES:
        detail = f"must be less than or equal to {_MAX_INDEXES} when completion mode is Indexed"
        errors.append(field.invalid(path.child("parallelism"), parallelism, detail))
    at = path.child("maxFailedIndexes")
    if failed is not None and completions is not None and failed > completions:
        errors.append(field.invalid(at, failed, "must be less than or equal to completions"))
    if failed is not None and failed > _MAX_INDEXES:
        errors.append(field.invalid(at, failed, f"must be less than or equal to {_MAX_INDEXES}"))
    if completions is None or completions <= _MAX_INDEXES or spec.backoffLimitPerIndex is None:
        return errors
    detail = f"must be less than or equal to {_MAX_OF_MANY} when completions are above {_MAX_INDEXES} {_PER_INDEX}"
    if failed is None:
        errors.append(field.required(at, f"must be specified when completions is above {_MAX_INDEXES}"))
    if parallelism > _MAX_OF_MANY:
        errors.append(field.invalid(path.child("parallelism"), parallelism, detail))
    if failed is not None and failed > _MAX_OF_MANY:
        errors.append(field.invalid(at, failed, detail))
    return errors


def _check_unindexed(spec: JobSpec, path: Path) -> Errors:
    return [
        field.invalid(path.child(name), getattr(spec, name), "requires indexed completion mode")
        for name in ("backoffLimitPerIndex", "maxFailedIndexes")
        if spec.completionMode in ("", "NonIndexed") and getattr(spec, name) is not None
    ]


def check_update(job: Job, old: Job) -> Errors:
    spec, before = job.spec, old.spec
    errors = _check_completions(spec, before)
    errors += field.immutable(_SPEC.child("selector"), spec.selector, before.selector)
    errors += _check_template(spec.template, before.template, _may_change(old))
    for name in ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"):
        errors += field.immutable(_SPEC.child(name), getattr(spec, name), getattr(before, name))
    return errors


def _check_completions(spec: JobSpec, before: JobSpec) -> Errors:
    """An indexed job may change in size when its parallelism changes with it."""
    at = _SPEC.child("completions")
    if spec.completionMode != "Indexed":
        return field.immutable(at, spec.completions, before.completions)
    if spec.completions in (None, before.completions, spec.parallelism):
        return []
    return [field.invalid(at, spec.completions, "can only be modified in tandem with spec.parallelism")]


def _may_change(old: Job) -> bool:
    """A suspended job without pods may still change where its pods run and what they use."""
    stopped = not old.status.startTime or any(
        c.type == "Suspended" and c.status == "True" for c in old.status.conditions or ()
    )
    return bool(old.spec.suspend) and stopped and not old.status.active


def _check_template(template: PodTemplateSpec, before: PodTemplateSpec, may_change: bool) -> Errors:
    at = _SPEC.child("template")
    if not may_change:
        return field.immutable(at, template, before)
    spec = structs.replace(
        before.spec,
        nodeSelector=template.spec.nodeSelector,
        tolerations=template.spec.tolerations,
        affinity=_with_node_affinity(before.spec.affinity, template.spec.affinity),
        schedulingGates=template.spec.schedulingGates,
        containers=_with_resources(before.spec.containers, template.spec.containers),
        initContainers=_with_resources(before.spec.initContainers or [], template.spec.initContainers or []) or None,
    )
    return field.immutable(at.child("spec"), template.spec, spec)


def _with_resources(before: list[Container], new: list[Container]) -> list[Container]:
    """The old containers with what the new ones use, if they are the same ones."""
    if len(before) != len(new):
        return before
    pairs = zip(before, new, strict=True)
    return [structs.replace(old, resources=now.resources) if old.name == now.name else old for old, now in pairs]


def _with_node_affinity(before: Affinity | None, new: Affinity | None) -> Affinity | None:
    """The old affinity with the new one's choice of nodes."""
    from steersman.kinds.types.core_v1 import Affinity

    kept = structs.replace(before or Affinity(), nodeAffinity=new.nodeAffinity if new is not None else None)
    return None if new is None and field.same(kept, Affinity()) else kept
