"""Whether the expressions of a ValidatingAdmissionPolicy fit the types that it is about: what there is to warn of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from steersman.kinds.admissionregistration.expressions import Composition, ExpressionError
from steersman.kinds.types.admissionregistration_v1 import (
    ExpressionWarning,
    NamedRuleWithOperations,
    ValidatingAdmissionPolicy,
)

if TYPE_CHECKING:
    from steersman.cel import Type

_MOST = 10
Name = tuple[str, str, str]
"""Group, version and kind."""


class Types(Protocol):
    """The types of everything that is served."""

    def kind_of(self, group: str, version: str, plural: str) -> Name | None:
        """The kind of a resource, if it is served."""
        ...

    def type_of(self, kind: Name) -> Type | None:
        """The type of a kind; None where it is not known."""
        ...


def check(policy: ValidatingAdmissionPolicy, types: Types) -> list[ExpressionWarning]:
    """The warnings for each expression that does not fit, in the order of the validations."""
    compositions = dict(_compositions(policy, types))
    warnings: list[ExpressionWarning] = []
    for index, validation in enumerate(policy.spec.validations or ()):
        for name in ("expression", "messageExpression"):
            text: str = getattr(validation, name)
            found = "\n".join(_misfits(text, compositions)) if text else ""
            if found:
                where = f"spec.validations[{index}].{name}"
                warnings.append(ExpressionWarning(fieldRef=where, warning=found))
    return warnings


def _misfits(text: str, compositions: Mapping[Name, Composition]) -> Iterator[str]:
    for (group, version, kind), composition in compositions.items():
        try:
            composition.compile(text)
        except ExpressionError as error:
            report = str(error).removeprefix("compilation failed: ")
            yield f"{group}/{version}, Kind={kind}: {report}\n"


def _compositions(policy: ValidatingAdmissionPolicy, types: Types) -> Iterator[tuple[Name, Composition]]:
    """What the expressions may name, for each kind that the policy is about."""
    spec = policy.spec
    params: Type | None = None
    if spec.paramKind is not None:
        group, _, version = spec.paramKind.apiVersion.rpartition("/")
        params = types.type_of((group, version, spec.paramKind.kind))
    rules = spec.matchConstraints.resourceRules if spec.matchConstraints is not None else None
    for kind in sorted(_kinds(rules or (), types)):
        found = types.type_of(kind)
        if found is None:
            continue
        known = {"object": found, "oldObject": found, **({"params": params} if params is not None else {})}
        composition = Composition(params=spec.paramKind is not None, known=known)
        for variable in spec.variables or ():
            composition.declare(variable.name, variable.expression)
        yield kind, composition


def _kinds(rules: Iterable[NamedRuleWithOperations], types: Types) -> set[Name]:
    """The kinds that are named; wildcards and subresources are not followed."""
    found: set[Name] = set()
    for rule in rules:
        plurals = [p for p in rule.resources or () if "*" not in p and "/" not in p]
        named = list(_named(_exact(rule.apiGroups), _exact(rule.apiVersions), plurals, types))
        found.update(named[:_MOST])
    return found


def _exact(values: Sequence[str] | None) -> list[str]:
    given = list(values or ())
    return [] if any("*" in v for v in given) else sorted(given)


def _named(groups: list[str], versions: list[str], plurals: list[str], types: Types) -> Iterator[Name]:
    for group in groups:
        for version in versions:
            for plural in sorted(plurals):
                kind = types.kind_of(group, version, plural)
                if kind is not None:
                    yield kind
