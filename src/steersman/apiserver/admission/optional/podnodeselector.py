"""A namespace says by an annotation, or the configuration for it, on which nodes its pods run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from msgspec import Struct

from steersman.api import field, names
from steersman.api.configuration import ConfigurationError
from steersman.api.errors import Forbidden, NotFound, StatusError
from steersman.apiserver.admission.framework import CREATE, Admission, Environment, Interest, Review
from steersman.apiserver.admission.given import Given
from steersman.kinds.types.core_v1 import Namespace

_ANNOTATION = "scheduler.alpha.kubernetes.io/node-selector"
_DEFAULT = "clusterDefaultNodeSelector"

_Selectors = Mapping[str, Mapping[str, str]]
"""Selectors by namespace; the default's name is no namespace's."""


class _Configuration(Struct, kw_only=True, forbid_unknown_fields=True):
    podNodeSelectorPluginConfig: dict[str, str] | None = None


def configure(given: Given | None) -> Admission:
    """Raises ConfigurationError."""
    selectors: dict[str, dict[str, str]] = {}
    if given is not None:
        for name, text in (given.bare(_Configuration).podNodeSelectorPluginConfig or {}).items():
            try:
                selectors[name] = parse(text)
            except ValueError as error:
                raise ConfigurationError(f"{given.where}: podNodeSelectorPluginConfig.{name}: {error}") from error
    return replace(ADMISSION, mutate=partial(mutate, selectors), validate=partial(validate, selectors))


def parse(text: str) -> dict[str, str]:
    """Labels written as `a=b,c=d`. Raises ValueError."""
    labels: dict[str, str] = {}
    for part in text.split(",") if text else ():
        name, equals, value = part.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or "=" in value:
            raise ValueError(f"invalid selector: {part.split('=')}".replace("'", "").replace(", ", " "))
        for text_, rule in ((name, names.qualified_name), (value, names.label_value)):
            if wrong := "; ".join(rule(text_)):
                raise ValueError(str(field.invalid(field.Path(), text_, wrong)))
        labels[name] = value
    return labels


async def mutate(selectors: _Selectors, review: Review, environment: Environment) -> None:
    wanted = _of_namespace(selectors, review, environment)
    spec = review.object.spec
    spec.nodeSelector = {**wanted, **(spec.nodeSelector or {})} or None
    await validate(selectors, review, environment)


async def validate(selectors: _Selectors, review: Review, environment: Environment) -> None:
    wanted = _of_namespace(selectors, review, environment)
    own = review.object.spec.nodeSelector or {}
    if any(own.get(name, value) != value for name, value in wanted.items()):
        raise Forbidden.of(
            review.resource, review.name, "pod node label selector conflicts with its namespace node label selector"
        )
    permitted = selectors.get(review.namespace)
    if permitted and any(permitted.get(name) != value for name, value in own.items()):
        raise Forbidden.of(
            review.resource, review.name, "pod node label selector labels conflict with its namespace whitelist"
        )


def _of_namespace(selectors: _Selectors, review: Review, environment: Environment) -> Mapping[str, str]:
    namespace = environment.reader.get(Namespace, "", review.namespace)
    if namespace is None:
        raise NotFound.of(Namespace.__resource__, review.namespace)
    text = (namespace.metadata.annotations or {}).get(_ANNOTATION)
    if text is None:
        return selectors.get(_DEFAULT) or {}
    try:
        return parse(text)
    except ValueError as error:
        raise StatusError(str(error), code=500, reason="") from error


ADMISSION = Admission(
    name="PodNodeSelector",
    order=1_300,
    interests=(Interest(frozenset({CREATE}), "pods"),),
    configure=configure,
)
