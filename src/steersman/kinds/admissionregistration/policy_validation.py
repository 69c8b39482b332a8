"""What is wrong with an admission policy, or with a binding of one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds import label_selector
from steersman.kinds.admissionregistration import match_conditions, match_resources
from steersman.kinds.admissionregistration.expressions import Composition, ExpressionError

if TYPE_CHECKING:
    from steersman.cel import Program
    from steersman.kinds.types.admissionregistration_v1 import (
        AuditAnnotation,
        MutatingAdmissionPolicy,
        MutatingAdmissionPolicyBinding,
        MutatingAdmissionPolicySpec,
        Mutation,
        ParamKind,
        ParamRef,
        ValidatingAdmissionPolicy,
        ValidatingAdmissionPolicyBinding,
        ValidatingAdmissionPolicySpec,
        Validation,
        Variable,
    )

    Policy = ValidatingAdmissionPolicy | MutatingAdmissionPolicy
    Spec = ValidatingAdmissionPolicySpec | MutatingAdmissionPolicySpec

_SPEC = Path("spec")
_FAILURE_POLICIES = ("Fail", "Ignore")
_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
_ACTIONS = ("Audit", "Deny", "Warn")
_PATCHES = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}
_MOST_ANNOTATIONS = 20
_LONGEST_VALUE = 5 * 1024
_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*", re.ASCII)
_RESERVED = frozenset({
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
    "loop", "package", "namespace", "return", "var", "void", "while",
})  # fmt: skip
_NOTHING = "validations or auditAnnotations must contain at least one item"
_BOTH = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and "
    "headers serves no purpose)"
)
_EITHER = "name and selector are mutually exclusive"


def validate_validating(policy: ValidatingAdmissionPolicy, old: ValidatingAdmissionPolicy | None = None) -> Errors:
    """What is wrong with a policy, its metadata aside."""
    spec = policy.spec
    errors, composition = _common(spec, old.spec if old is not None else None)
    validations, annotations = spec.validations or [], spec.auditAnnotations or []
    if not validations and not annotations:
        return [*errors, *(field.required(_SPEC.child(n), _NOTHING) for n in ("validations", "auditAnnotations"))]
    for index, validation in enumerate(validations):
        errors += _validation(composition, validation, _SPEC.child("validations").index(index))
    path = _SPEC.child("auditAnnotations")
    if len(annotations) > _MOST_ANNOTATIONS:
        detail = f"must not have more than {_MOST_ANNOTATIONS} auditAnnotations"
        errors.append(field.invalid(path, annotations, detail))
    seen: set[str] = set()
    for index, annotation in enumerate(annotations):
        errors += _annotation(composition, policy.metadata.name, annotation, path.index(index))
        if annotation.key in seen:
            errors.append(field.duplicate(path.index(index).child("key"), annotation.key))
        seen.add(annotation.key)
    return errors


def validate_mutating(policy: MutatingAdmissionPolicy, old: MutatingAdmissionPolicy | None = None) -> Errors:
    spec = policy.spec
    errors, composition = _common(spec, old.spec if old is not None else None, operations=match_resources.MUTABLE)
    path = _SPEC.child("mutations")
    if not spec.mutations:
        errors.append(field.required(path, "mutations must contain at least one item"))
    for index, mutation in enumerate(spec.mutations or ()):
        errors += _mutation(composition, mutation, path.index(index))
    return errors + field.check_choice(
        spec.reinvocationPolicy, ("IfNeeded", "Never"), _SPEC.child("reinvocationPolicy")
    )


def _common(spec: Spec, old: Spec | None, operations: tuple[str, ...] = ()) -> tuple[Errors, Composition]:
    """What is wrong with that which all policies have; and its variables, for its other expressions."""
    errors = field.check_choice(spec.failurePolicy, _FAILURE_POLICIES, _SPEC.child("failurePolicy"))
    has_params = spec.paramKind is not None
    if spec.paramKind is not None:
        errors += _param_kind(spec.paramKind, _SPEC.child("paramKind"))
    errors += match_resources.validate_constraints(spec.matchConstraints, _SPEC.child("matchConstraints"), operations)
    if old is None or (spec.paramKind, spec.matchConditions) != (old.paramKind, old.matchConditions):
        conditions = spec.matchConditions or ()
        errors += match_conditions.validate(conditions, _SPEC.child("matchConditions"), params=has_params)
    composition = Composition(params=has_params)
    for index, variable in enumerate(spec.variables or ()):
        errors += _variable(composition, variable, _SPEC.child("variables").index(index))
    return errors, composition


def _expression(compiled: Callable[[], Program], value: str, path: Path) -> Errors:
    try:
        compiled()
    except ExpressionError as error:
        return [field.invalid(path, value, str(error))]
    return []


def _variable(composition: Composition, variable: Variable, path: Path) -> Errors:
    name, expression = variable.name, variable.expression
    errors: Errors = []
    if not name.strip():
        errors.append(field.required(path.child("name"), "name is not specified"))
    elif not _IDENTIFIER.fullmatch(name) or name in _RESERVED:
        errors.append(field.invalid(path.child("name"), name, "name is not a valid CEL identifier"))
    where = path.child("expression")
    if not expression.strip():
        return [*errors, field.required(where, "expression is not specified")]
    return errors + _expression(lambda: composition.define(name, expression), expression, where)


def _validation(composition: Composition, validation: Validation, path: Path) -> Errors:
    from steersman.cel import BOOL, STRING

    errors: Errors = []
    expression, said = validation.expression, validation.messageExpression
    if not expression.strip():
        errors.append(field.required(path.child("expression"), "expression is not specified"))
    else:
        errors += _expression(lambda: composition.compile(expression, BOOL), expression, path.child("expression"))
    if said and not said.strip():
        errors.append(field.invalid(path.child("messageExpression"), said, "must be non-empty if specified"))
    elif said:
        where = path.child("messageExpression")
        errors += _expression(lambda: composition.compile(said, STRING, authorizer=False), said, where)
    message = validation.message.strip()
    if validation.message and not message:
        detail = "message must be non-empty if specified"
        errors.append(field.invalid(path.child("message"), validation.message, detail))
    elif "\n" in message or "\r" in message:
        errors.append(field.invalid(path.child("message"), validation.message, "message must not contain line breaks"))
    if validation.reason and validation.reason not in _REASONS:
        errors.append(field.not_supported(path.child("reason"), validation.reason, _REASONS))
    return errors


def _annotation(composition: Composition, policy: str, annotation: AuditAnnotation, path: Path) -> Errors:
    from steersman.cel import NULL, STRING

    key = path.child("key")
    if policy:
        whole = f"{policy}/{annotation.key}"
        errors = field.all_invalid(key, whole, names.qualified_name(whole))
    else:
        errors = [field.invalid(key, annotation.key, "requires metadata.name be non-empty")]
    where, expression = path.child("valueExpression"), annotation.valueExpression.strip()
    if not expression:
        return [*errors, field.required(where, "valueExpression is not specified")]
    if len(expression.encode()) > _LONGEST_VALUE:
        return [*errors, field.required(where, f"must not exceed {_LONGEST_VALUE} bytes in length")]
    given = annotation.valueExpression
    return errors + _expression(lambda: composition.compile(expression, STRING, NULL), given, where)


def _mutation(composition: Composition, mutation: Mutation, path: Path) -> Errors:
    from steersman.cel import list_of
    from steersman.cel.admission import JSON_PATCH, OBJECT

    chosen = mutation.patchType
    errors = field.check_choice(chosen, tuple(_PATCHES), path.child("patchType"))
    if errors:
        return errors
    for kind, name in _PATCHES.items():
        given = mutation.applyConfiguration if kind == "ApplyConfiguration" else mutation.jsonPatch
        if kind != chosen:
            if given is not None:
                detail = f"must not be specified when patchType is {chosen}"
                errors.append(field.invalid(path.child(name), f"{{{name}}}", detail))
            continue
        if given is None:
            errors.append(field.required(path.child(name), f"must be specified when patchType is {chosen}"))
            continue
        where, text = path.child(name, "expression"), given.expression
        if not text.strip():
            errors.append(field.required(where, "expression is not specified"))
            continue
        returns = OBJECT if kind == "ApplyConfiguration" else list_of(JSON_PATCH)
        errors += _mutating_expression(composition, text, returns, where)
    return errors


def _mutating_expression(composition: Composition, text: str, returns: Any, path: Path) -> Errors:
    return _expression(lambda: composition.compile(text, returns, mutation=True), text, path)


def _param_kind(kind: ParamKind, path: Path) -> Errors:
    where = path.child("apiVersion")
    errors: Errors = []
    group, _, version = kind.apiVersion.rpartition("/")
    if not kind.apiVersion:
        errors.append(field.required(where))
    elif "/" in group:
        errors.append(field.invalid(where, kind.apiVersion, f"unexpected GroupVersion string: {kind.apiVersion}"))
    else:
        if group and (messages := names.dns1123_subdomain(group)):
            errors.append(field.invalid(where, group, ",".join(messages)))
        if not version:
            errors.append(field.invalid(where, kind.apiVersion, "version must be specified"))
        elif messages := names.dns1035_label(version):
            errors.append(field.invalid(where, version, ",".join(messages)))
    if not kind.kind:
        errors.append(field.required(path.child("kind")))
    elif messages := names.dns1035_label(kind.kind.lower()):
        detail = "may have mixed case, but should otherwise match: " + ",".join(messages)
        errors.append(field.invalid(path.child("kind"), kind.kind, detail))
    return errors


# Bindings


def validate_validating_binding(binding: ValidatingAdmissionPolicyBinding) -> Errors:
    spec = binding.spec
    errors = _policy_name(spec.policyName) + _param_ref(spec.paramRef, _SPEC.child("paramRef"))
    errors += match_resources.validate(spec.matchResources, _SPEC.child("matchResources"))
    return errors + _actions(spec.validationActions, _SPEC.child("validationActions"))


def validate_mutating_binding(binding: MutatingAdmissionPolicyBinding) -> Errors:
    spec, path = binding.spec, _SPEC.child("matchResources")
    errors = _policy_name(spec.policyName) + _param_ref(spec.paramRef, _SPEC.child("paramRef"))
    errors += match_resources.validate(spec.matchResources, path)
    return errors + match_resources.validate_operations(spec.matchResources, path, match_resources.MUTABLE)


def _policy_name(name: str) -> Errors:
    path = _SPEC.child("policyName")
    return field.all_invalid(path, name, names.dns1123_subdomain(name)) if name else [field.required(path)]


def _param_ref(ref: ParamRef | None, path: Path) -> Errors:
    if ref is None:
        return []
    errors = field.all_invalid(path.child("name"), ref.name, names.path_segment(ref.name))
    if ref.name and ref.selector is not None:
        errors.append(field.forbidden(path.child("name"), _EITHER))
    errors += label_selector.check(ref.selector, path.child("selector"))
    if ref.name and ref.selector is not None:
        errors.append(field.forbidden(path.child("selector"), _EITHER))
    if not ref.name and ref.selector is None:
        errors.append(field.required(path, "one of name or selector must be specified"))
    where = path.child("parameterNotFoundAction")
    return errors + field.check_choice(ref.parameterNotFoundAction, ("Deny", "Allow"), where)


def _actions(actions: list[str], path: Path) -> Errors:
    errors: Errors = []
    for index, action in enumerate(actions):
        if action not in _ACTIONS:
            errors.append(field.not_supported(path.index(index), action, _ACTIONS))
        if action in actions[:index]:
            errors.append(field.duplicate(path.index(index), action))
    if "Deny" in actions and "Warn" in actions:
        errors.append(field.invalid(path, actions, _BOTH))
    if not actions:
        errors.append(field.required(path, "at least one validation action is required"))
    return errors
