"""Namespaces, or the configuration for all of them, say which taints their pods tolerate by default and may tolerate."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import msgspec
from msgspec import Struct

from steersman.api import codec
from steersman.api.errors import NotFound, StatusError
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.apiserver.admission.given import Given
from steersman.kinds.core import pod_qos
from steersman.kinds.core.node_taints import MEMORY_PRESSURE
from steersman.kinds.core.tolerations import Coverage, merged
from steersman.kinds.types.core_v1 import Namespace, Pod, Toleration

_DEFAULTS = "scheduler.alpha.kubernetes.io/defaultTolerations"
_WHITELIST = "scheduler.alpha.kubernetes.io/tolerationsWhitelist"
_MEMORY = Toleration(key=MEMORY_PRESSURE, operator="Exists", effect="NoSchedule")


class Configuration(Struct, kw_only=True, forbid_unknown_fields=True):
    """Configuration of podtolerationrestriction.admission.k8s.io/v1alpha1."""

    default: list[Toleration] | None = None
    whitelist: list[Toleration] | None = None


_TYPES = {("podtolerationrestriction.admission.k8s.io/v1alpha1", "Configuration"): Configuration}


def configure(given: Given | None) -> Admission:
    """Raises ConfigurationError."""
    configuration = Configuration() if given is None else given.read(_TYPES)
    return replace(ADMISSION, mutate=partial(mutate, configuration), validate=partial(validate, configuration))


async def mutate(configuration: Configuration, review: Review, environment: Environment) -> None:
    pod: Pod = review.object
    extra: list[Toleration] = []
    if review.operation == CREATE:
        own = _said(review, environment, _DEFAULTS)
        extra += (configuration.default or []) if own is None else own
    if pod_qos.qos_class(pod.spec) != pod_qos.BEST_EFFORT:
        extra.append(codec.clone(_MEMORY))
    if extra:
        pod.spec.tolerations = merged(pod.spec.tolerations or (), extra) or None
    await validate(configuration, review, environment)


async def validate(configuration: Configuration, review: Review, environment: Environment) -> None:
    tolerations = review.object.spec.tolerations
    if not tolerations:
        return
    scope, permitted = "namespace", _said(review, environment, _WHITELIST)
    if permitted is None:
        scope, permitted = "cluster", configuration.whitelist
    wide = Coverage(permitted or ())
    if permitted and not all(wide.covers(t) for t in tolerations):
        raise StatusError(
            f"pod tolerations (possibly merged with namespace default tolerations) conflict with its {scope} whitelist",
            code=500,
            reason="",
        )


def _said(review: Review, environment: Environment, annotation: str) -> list[Toleration] | None:
    """What the namespace says; None when nothing."""
    namespace = environment.reader.get(Namespace, "", review.namespace)
    if namespace is None:
        raise NotFound.of(Namespace.__resource__, review.namespace)
    text = (namespace.metadata.annotations or {}).get(annotation)
    if not text:
        return None if text is None else []
    try:
        return msgspec.json.decode(text, type=list[Toleration])
    except msgspec.DecodeError as error:
        raise StatusError(f"{annotation}: {error}", code=500, reason="") from error


ADMISSION = Admission(
    name="PodTolerationRestriction",
    order=1_600,
    interests=(Interest(frozenset({CREATE, UPDATE}), "pods"),),
    configure=configure,
)
