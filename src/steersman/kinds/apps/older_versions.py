"""The workloads as apps/v1beta1, apps/v1beta2 and extensions/v1beta1 knew them: selectors that follow from the template,
and other defaults."""

from __future__ import annotations

from steersman.api.field import IMMUTABLE, FieldError
from steersman.api.meta import Resource
from steersman.kinds.apps.annotations import TEMPLATE_GENERATION
from steersman.kinds.kind import Plain, Version, older

ROLLBACK_TO = "deprecated.deployment.rollback.to"
_NO_LIMIT = 2**31 - 1
_MAX_DIGITS = 18
_V1BETA1, _V1BETA2 = ("1.8", "1.16"), ("1.9", "1.16")


def default_labels(plain: Plain) -> None:
    """The template's labels select its pods, and are the object's own, where these are not given."""
    spec = plain.get("spec") or {}
    labels = spec.get("template", {}).get("metadata", {}).get("labels")
    if not labels:
        return
    if not spec.get("selector"):
        spec["selector"] = {"matchLabels": dict(labels)}
    metadata = plain.setdefault("metadata", {})
    if not metadata.get("labels"):
        metadata["labels"] = dict(labels)


def _default_deployment(plain: Plain) -> None:
    default_labels(plain)
    plain.setdefault("spec", {}).setdefault("revisionHistoryLimit", 2)


def _default_extensions_deployment(plain: Plain) -> None:
    default_labels(plain)
    spec = plain.setdefault("spec", {})
    spec.setdefault("revisionHistoryLimit", _NO_LIMIT)
    spec.setdefault("progressDeadlineSeconds", _NO_LIMIT)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 1)


def _default_on_delete(plain: Plain) -> None:
    """Pods are replaced when somebody deletes them, unless it is said otherwise."""
    default_labels(plain)
    plain.setdefault("spec", {}).setdefault("updateStrategy", {}).setdefault("type", "OnDelete")


def _rollback_to_stored(plain: Plain) -> None:
    rollback = plain.get("spec", {}).pop("rollbackTo", None)
    if rollback is not None:
        _annotate(plain, ROLLBACK_TO, rollback.get("revision") or 0)


def _rollback_from_stored(plain: Plain) -> None:
    revision = _take(plain, ROLLBACK_TO)
    if revision is not None:
        plain.setdefault("spec", {})["rollbackTo"] = {"revision": revision}


def _generation_to_stored(plain: Plain) -> None:
    generation = plain.get("spec", {}).pop("templateGeneration", None)
    if generation is not None:
        _annotate(plain, TEMPLATE_GENERATION, generation)


def _generation_from_stored(plain: Plain) -> None:
    generation = _take(plain, TEMPLATE_GENERATION)
    if generation is not None:
        plain.setdefault("spec", {})["templateGeneration"] = generation


def _annotate(plain: Plain, name: str, number: int) -> None:
    plain.setdefault("metadata", {}).setdefault("annotations", {})[name] = str(number)


def _take(plain: Plain, name: str) -> int | None:
    """The number in an annotation, which is removed; one that is none stays."""
    annotations = plain.get("metadata", {}).get("annotations", {})
    text = annotations.get(name, "")
    if len(text) > _MAX_DIGITS or not text.isascii() or not text.isdigit() or str(int(text)) != text:
        return None
    del annotations[name]
    if not annotations:
        del plain["metadata"]["annotations"]
    return int(text)


def _selector_may_change(error: FieldError) -> bool:
    return error.field == "spec.selector" and error.detail == IMMUTABLE


DEPLOYMENT = (
    older(Resource("apps", "v1beta2", "deployments", "Deployment", True), *_V1BETA2),
    older(
        Resource("apps", "v1beta1", "deployments", "Deployment", True),
        *_V1BETA1,
        to_stored=_rollback_to_stored,
        from_stored=_rollback_from_stored,
        default=_default_deployment,
        tolerates=_selector_may_change,
    ),
    older(
        Resource("extensions", "v1beta1", "deployments", "Deployment", True),
        *_V1BETA1,
        to_stored=_rollback_to_stored,
        from_stored=_rollback_from_stored,
        default=_default_extensions_deployment,
        tolerates=_selector_may_change,
    ),
)
REPLICA_SET = (
    older(Resource("apps", "v1beta2", "replicasets", "ReplicaSet", True), *_V1BETA2),
    older(
        Resource("extensions", "v1beta1", "replicasets", "ReplicaSet", True),
        *_V1BETA1,
        default=default_labels,
        tolerates=_selector_may_change,
    ),
)
DAEMON_SET = (
    older(Resource("apps", "v1beta2", "daemonsets", "DaemonSet", True), *_V1BETA2),
    older(
        Resource("extensions", "v1beta1", "daemonsets", "DaemonSet", True),
        *_V1BETA1,
        to_stored=_generation_to_stored,
        from_stored=_generation_from_stored,
        default=_default_on_delete,
        tolerates=_selector_may_change,
    ),
)
STATEFUL_SET = (
    older(Resource("apps", "v1beta2", "statefulsets", "StatefulSet", True), *_V1BETA2),
    older(
        Resource("apps", "v1beta1", "statefulsets", "StatefulSet", True),
        *_V1BETA1,
        default=_default_on_delete,
    ),
)
CONTROLLER_REVISION: tuple[Version, ...] = (
    older(Resource("apps", "v1beta2", "controllerrevisions", "ControllerRevision", True), *_V1BETA2),
    older(Resource("apps", "v1beta1", "controllerrevisions", "ControllerRevision", True), *_V1BETA1),
)
