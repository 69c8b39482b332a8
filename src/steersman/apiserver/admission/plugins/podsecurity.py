"""Pods keep to the Pod Security Standard that their namespace asks for; who may not, or would not, is told."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from steersman.api.errors import Forbidden, InternalError, Invalid
from steersman.api.field import Errors
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.apiserver.admission.given import Given
from steersman.apiserver.podsecurity import policy
from steersman.apiserver.podsecurity.policy import Configuration, Policy
from steersman.kinds.types.core_v1 import Namespace, Pod, PodTemplateSpec

_WRITES = frozenset({CREATE, UPDATE})
_TEMPLATED = (
    ("", "replicationcontrollers"),
    ("", "podtemplates"),
    ("apps", "replicasets"),
    ("apps", "deployments"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("batch", "jobs"),
    ("batch", "cronjobs"),
)
"""Pods are made after them: nothing is refused, as the pods will be."""
_PRIVILEGED = f"{policy.PRIVILEGED}:latest"


async def validate(configuration: Configuration, review: Review, environment: Environment) -> None:
    plural = review.resource.plural
    if plural == "namespaces":
        await _check_namespace(configuration, review, environment)
    elif not _is_exempt(configuration, review, environment):
        _check_pods(configuration, review, environment, enforce=plural == "pods")


def _about(review: Review) -> tuple[str, str, str]:
    return review.operation, review.resource.plural, review.subresource


def _is_exempt(configuration: Configuration, review: Review, environment: Environment) -> bool:
    if review.namespace in configuration.namespaces:
        _exempt(review, environment, "namespace")
    elif review.user.name in configuration.usernames:
        _exempt(review, environment, "user")
    else:
        return False
    return True


def _exempt(review: Review, environment: Environment, why: str) -> None:
    review.annotations[policy.EXEMPT] = why
    environment.pod_security.exempted(_about(review))


def _check_pods(configuration: Configuration, review: Review, environment: Environment, *, enforce: bool) -> None:
    namespace = environment.reader.get(Namespace, "", review.namespace)
    if namespace is None:
        problem = f'failed to lookup namespace "{review.namespace}"'
        review.annotations[policy.ERROR] = problem
        environment.pod_security.failed(_about(review), fatal=True)
        if enforce:
            raise InternalError.occurred(problem)
        return
    wanted, errors = policy.of_labels(namespace.metadata.labels, configuration.defaults)
    if not errors and wanted.privileged:
        if enforce:
            review.annotations[policy.ENFORCED] = _PRIVILEGED
            environment.pod_security.evaluated(_about(review), "enforce", wanted.enforce, allowed=True)
        return
    found = review.object if enforce else _template(review.object)
    if found is not None:
        _check(configuration, review, environment, found, wanted, errors, enforce=enforce)


def _check(
    configuration: Configuration,
    review: Review,
    environment: Environment,
    found: Pod | PodTemplateSpec,
    wanted: Policy,
    errors: Errors,
    *,
    enforce: bool,
) -> None:
    from steersman.apiserver.podsecurity import decision

    if enforce and review.old is not None and not decision.is_significant(found.spec, review.old.spec):
        return
    if found.spec.runtimeClassName and found.spec.runtimeClassName in configuration.runtime_classes:
        _exempt(review, environment, "runtimeClass")
        return
    decided = decision.decide(wanted, errors, found.metadata.annotations, found.spec, enforce=enforce)
    review.annotations.update(decided.annotations)
    about, counters = _about(review), environment.pod_security
    if errors:
        counters.failed(about, fatal=False)
    if enforce:
        counters.evaluated(about, "enforce", wanted.enforce, allowed=not decided.refused)
    if policy.VIOLATIONS in decided.annotations:
        counters.evaluated(about, "audit", wanted.audit, allowed=False)
    if decided.refused:
        raise Forbidden.of(review.resource, review.name, decided.refused)
    if decided.warning:
        counters.evaluated(about, "warn", wanted.warn, allowed=False)
        _warn(review, [decided.warning])


def _template(obj: Any) -> Any:
    """The template of the pods that are made after an object."""
    if obj.kind == "PodTemplate":
        return obj.template
    return obj.spec.jobTemplate.spec.template if obj.kind == "CronJob" else obj.spec.template


async def _check_namespace(configuration: Configuration, review: Review, environment: Environment) -> None:
    labels = review.object.metadata.labels or {}
    wanted, errors = policy.of_labels(labels, configuration.defaults)
    before = None
    if review.old is not None:
        before, old_errors = policy.of_labels(review.old.metadata.labels, configuration.defaults)
        if errors == old_errors:
            # Nobody has to mend what was wrong already.
            errors = []
    if errors:
        raise Invalid.of(review.resource, review.name, errors)
    name = review.object.metadata.name
    concerned = name in configuration.namespaces if before is None else before.enforce != wanted.enforce
    if not concerned:
        return
    from steersman.apiserver.podsecurity import namespaces

    if before is not None and not namespaces.concerns_pods(wanted, before):
        return
    if name in configuration.namespaces:
        if warning := namespaces.exempt_warning(name, wanted, labels, configuration):
            _warn(review, [warning])
    elif before is not None:
        reader = environment.reader
        total = reader.count("", "pods", name) or 0
        exempt = configuration.runtime_classes
        _warn(
            review,
            await namespaces.existing_pods(
                name, reader.each(Pod, name), total, wanted.enforce, exempt, environment.clock
            ),
        )


def _warn(review: Review, warnings: list[str]) -> None:
    # A write that lost a race is reviewed again.
    review.warnings.extend(warning for warning in warnings if warning not in review.warnings)


def configure(given: Given | None) -> Admission:
    """The plugin with a PodSecurityConfiguration. Raises ConfigurationError."""
    if given is None:
        return ADMISSION
    from steersman.apiserver.podsecurity.configuration import convert

    configuration = convert(given.value, given.where)
    return replace(ADMISSION, validate=partial(validate, configuration))


ADMISSION = Admission(
    name="PodSecurity",
    order=1_200,
    interests=(
        Interest(_WRITES, "namespaces"),
        Interest(_WRITES, "pods"),
        Interest(frozenset({UPDATE}), "pods", subresource="ephemeralcontainers"),
        Interest(frozenset({UPDATE}), "pods", subresource="resize"),
        *(Interest(_WRITES, plural, group) for group, plural in _TEMPLATED),
    ),
    validate=partial(validate, Configuration()),
    configure=configure,
)
