"""Validation of custom resource definitions: names, versions, conversion, and what goes along with the schemas."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from steersman.api import field, names
from steersman.api.field import Errors, Path, same
from steersman.kinds import webhook_config
from steersman.kinds.apiextensions import crd_columns, crd_schema, crd_status
from steersman.kinds.apiextensions.crd_schema import Options
from steersman.kinds.apiextensions.structural.nodes import is_deep_schema

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import (
        CustomResourceConversion,
        CustomResourceDefinition,
        CustomResourceDefinitionNames,
        CustomResourceDefinitionSpec,
        CustomResourceDefinitionVersion,
        WebhookClientConfig,
    )

APPROVED = "api-approved.kubernetes.io"
MAX_DEPTH = 100
_PROPOSAL = "https://github.com/kubernetes/enhancements/pull/1111"
_REVIEW_VERSIONS = ("v1", "v1beta1")
_SPEC = Path("spec")


def validate(crd: CustomResourceDefinition) -> Errors:
    """What is wrong with a new definition; its metadata are looked at elsewhere."""
    if errors := _deep(crd.spec):
        return errors
    wanted = f"{crd.spec.names.plural}.{crd.spec.group}"
    if crd.metadata.name and crd.metadata.name != wanted:
        detail = 'must be spec.names.plural+"."+spec.group'
        errors.append(field.invalid(Path("metadata", "name"), crd.metadata.name, detail))
    errors += _spec(crd.spec, _options(crd.spec, Options()), None)
    errors += _status(crd)
    errors += _approval(crd, None)
    return errors + _preserved(crd, None)


def validate_update(crd: CustomResourceDefinition, old: CustomResourceDefinition) -> Errors:
    if errors := _deep(crd.spec):
        return errors
    errors = _spec(crd.spec, _options(crd.spec, crd_schema.options_of(old, crd)), old)
    errors += _unchanged(crd.spec, old)
    errors += _status(crd)
    errors += _approval(crd, old)
    return errors + _preserved(crd, old)


def validate_status(crd: CustomResourceDefinition, old: CustomResourceDefinition) -> Errors:
    accepted = crd.status.acceptedNames
    return [] if accepted is None else _names(accepted, Path("status", "acceptedNames"))


def _options(spec: CustomResourceDefinitionSpec, options: Options) -> Options:
    """Where every field is kept, schemas only validate, as they did before they had to be structural."""
    if not spec.preserveUnknownFields:
        return options
    return replace(options, require_schema=False, require_types=False, require_structural=False)


def _unchanged(spec: CustomResourceDefinitionSpec, old: CustomResourceDefinition) -> Errors:
    before = old.spec
    errors: Errors = []
    if crd_status.is_true(old, crd_status.ESTABLISHED):
        errors += field.immutable(_SPEC.child("scope"), spec.scope, before.scope)
        errors += field.immutable(_SPEC.child("names", "kind"), spec.names.kind, before.names.kind)
    errors += field.immutable(_SPEC.child("group"), spec.group, before.group)
    return errors + field.immutable(_SPEC.child("names", "plural"), spec.names.plural, before.names.plural)


@dataclass(frozen=True, slots=True)
class _Hoisted:
    """Which fields are the same in every version: they are then said to be those of the spec."""

    schema: bool
    subresources: bool
    columns: bool
    fields: bool

    @classmethod
    def of(cls, versions: list[CustomResourceDefinitionVersion]) -> _Hoisted:
        def alike(attribute: str) -> bool:
            first = getattr(versions[0], attribute)
            return all(same(getattr(v, attribute), first) for v in versions)

        if not versions:
            return cls(False, False, False, False)
        return cls(alike("schema"), alike("subresources"), alike("additionalPrinterColumns"), alike("selectableFields"))


def _deep(spec: CustomResourceDefinitionSpec) -> Errors:
    """The schemas that are nested too deep to be looked at."""
    errors: Errors = []
    for index, version in enumerate(spec.versions):
        schema = None if version.schema is None else version.schema.openAPIV3Schema
        if schema is not None and is_deep_schema(schema, MAX_DEPTH):
            where = _SPEC.child("versions").index(index).child("schema", "openAPIV3Schema")
            errors.append(field.forbidden(where, f"may not be nested more than {MAX_DEPTH} levels deep"))
    return errors


def _spec(spec: CustomResourceDefinitionSpec, options: Options, old: CustomResourceDefinition | None) -> Errors:
    errors = _group(spec.group, _SPEC.child("group"))
    errors += field.check_choice(spec.scope, ("Cluster", "Namespaced"), _SPEC.child("scope"))
    hoisted = _Hoisted.of(spec.versions)
    path = _SPEC.child("versions")
    if options.require_schema:
        for index, version in enumerate(spec.versions):
            if version.schema is None or version.schema.openAPIV3Schema is None:
                errors.append(field.required(path.index(index).child("schema", "openAPIV3Schema")))
    for index, version in enumerate(spec.versions):
        errors += _version(version, path.index(index), hoisted, options)
    versions = [v.name for v in spec.versions]
    if len(set(versions)) != len(versions):
        errors.append(field.invalid(path, spec.versions, "must contain unique version names"))
    if sum(v.storage for v in spec.versions) != 1:
        errors.append(field.invalid(path, spec.versions, "must have exactly one version marked as storage version"))
    errors += [
        field.required(_SPEC.child("names", n))
        for n in ("plural", "singular", "kind", "listKind")
        if not getattr(spec.names, n)
    ]
    errors += _names(spec.names, _SPEC.child("names"))
    if spec.versions:
        errors += _common(spec.versions[0], spec, hoisted, options)
    return errors + _conversion(spec, old)


def _group(group: str, path: Path) -> Errors:
    if not group:
        return [field.required(path)]
    messages = names.dns1123_subdomain(group)
    if messages:
        return [field.invalid(path, group, ",".join(messages))]
    return [] if "." in group else [field.invalid(path, group, "should be a domain with at least one dot")]


def _has_status(version: CustomResourceDefinitionVersion) -> bool:
    return version.subresources is not None and version.subresources.status is not None


def _version(version: CustomResourceDefinitionVersion, path: Path, hoisted: _Hoisted, options: Options) -> Errors:
    errors: Errors = []
    messages = names.dns1035_label(version.name)
    if messages:
        errors.append(field.invalid(path.child("name"), version.name, ",".join(messages)))
    errors += [
        field.invalid(path.child("deprecationWarning"), version.deprecationWarning, m)
        for m in _deprecation(bool(version.deprecated), version.deprecationWarning)
    ]
    if not hoisted.schema:
        own = options.for_version(version.name)
        errors += crd_schema.validate(version.schema, path.child("schema"), own, status=_has_status(version))
    if not hoisted.subresources:
        errors += crd_columns.validate_subresources(version.subresources, path.child("subresources"))
    if not hoisted.columns:
        errors += crd_columns.validate(version.additionalPrinterColumns, path.child("additionalPrinterColumns"))
    if not hoisted.fields:
        errors += crd_columns.validate_selectable(version, path.child("selectableFields"), options)
    return errors


def _common(
    version: CustomResourceDefinitionVersion, spec: CustomResourceDefinitionSpec, hoisted: _Hoisted, options: Options
) -> Errors:
    """What every version has in common."""
    errors: Errors = []
    if hoisted.schema:
        status = any(_has_status(v) for v in spec.versions)
        own = options.for_version(version.name)
        errors += crd_schema.validate(version.schema, _SPEC.child("validation"), own, status=status)
    if hoisted.subresources:
        errors += crd_columns.validate_subresources(version.subresources, _SPEC.child("subresources"))
    if hoisted.columns:
        errors += crd_columns.validate(version.additionalPrinterColumns, _SPEC.child("additionalPrinterColumns"))
    if hoisted.fields:
        errors += crd_columns.validate_selectable(version, _SPEC.child("selectableFields"), options)
    return errors


def _deprecation(deprecated: bool, warning: str | None) -> Iterable[str]:
    if warning is None:
        return
    if not deprecated:
        yield "can only be set for deprecated versions"
        return
    if len(warning.encode()) > 256:
        yield "must be <= 256 characters long"
    if not warning:
        yield "must not be an empty string"
    for index, char in enumerate(warning):
        if not char.isprintable():
            at = len(warning[:index].encode())
            yield f"must only contain printable UTF-8 characters; non-printable character found at index {at}"
            return


def _names(given: CustomResourceDefinitionNames, path: Path) -> Errors:
    errors: Errors = []
    for name in ("plural", "singular"):
        errors += _label(getattr(given, name), path.child(name))
    for name in ("kind", "listKind"):
        value = getattr(given, name)
        messages = names.dns1035_label(value.lower()) if value else []
        if messages:
            detail = "may have mixed case, but should otherwise match: " + ",".join(messages)
            errors.append(field.invalid(path.child(name), value, detail))
    for index, short in enumerate(given.shortNames or ()):
        errors += _label(short, path.child("shortNames").index(index), empty=False)
    if given.kind and given.kind == given.listKind:
        errors.append(field.invalid(path.child("listKind"), given.listKind, "kind and listKind may not be the same"))
    for index, category in enumerate(given.categories or ()):
        errors += _label(category, path.child("categories").index(index), empty=False)
    return errors


def _label(value: str, path: Path, *, empty: bool = True) -> Errors:
    if not value and empty:
        return []
    messages = names.dns1035_label(value)
    return [field.invalid(path, value, ",".join(messages))] if messages else []


def _conversion(spec: CustomResourceDefinitionSpec, old: CustomResourceDefinition | None) -> Errors:
    conversion, path = spec.conversion, _SPEC.child("conversion")
    if conversion is None:
        return []
    errors = field.check_choice(conversion.strategy, ("None", "Webhook"), path.child("strategy"))
    webhook, where = conversion.webhook, path.child("webhookClientConfig")
    config = None if webhook is None else webhook.clientConfig
    reviewed = path.child("conversionReviewVersions")
    versions = [] if webhook is None else webhook.conversionReviewVersions
    if conversion.strategy == "Webhook":
        if config is None:
            errors.append(field.required(where, "required when strategy is set to Webhook"))
        else:
            errors += _client(config, where, old)
        return errors + _reviews(versions, reviewed, known=_must_know(old))
    if config is not None:
        errors.append(field.forbidden(where, "should not be set when strategy is not set to Webhook"))
    if versions:
        errors.append(field.forbidden(reviewed, "should not be set when strategy is not set to Webhook"))
    return errors


def _client(config: WebhookClientConfig, path: Path, old: CustomResourceDefinition | None) -> Errors:
    errors: Errors = []
    service = config.service
    if (config.url is None) == (service is None):
        errors.append(field.required(path, "exactly one of url or service is required"))
    elif config.url is not None:
        errors += webhook_config.validate_url(config.url, path.child("url"))
    elif service is not None:
        errors += webhook_config.validate_service(
            service.name, service.namespace, service.path, service.port, path.child("service")
        )
    if config.caBundle and not _bundle_allowed(old) and not is_bundle(config.caBundle):
        detail = "unable to load root certificates: unable to parse bytes as PEM block"
        errors.append(field.invalid(path.child("caBundle"), config.caBundle, detail))
    return errors


def _bundle_allowed(old: CustomResourceDefinition | None) -> bool:
    """A broken bundle may stay, and may come before the definition is established."""
    if old is None or not crd_status.is_true(old, crd_status.ESTABLISHED):
        return True
    webhook = None if old.spec.conversion is None else old.spec.conversion.webhook
    before = "" if webhook is None or webhook.clientConfig is None else webhook.clientConfig.caBundle
    return bool(before) and not is_bundle(before)


def is_bundle(encoded: str) -> bool:
    """Whether base64 text is PEM certificates."""
    try:
        text = base64.b64decode(encoded)
    except (binascii.Error, ValueError):
        return False
    return b"-----BEGIN CERTIFICATE-----" in text


def _must_know(old: CustomResourceDefinition | None) -> bool:
    """Whether a version of the review must be one that the server speaks."""
    conversion: CustomResourceConversion | None = None if old is None else old.spec.conversion
    if conversion is None or conversion.webhook is None:
        return True
    versions = conversion.webhook.conversionReviewVersions
    return not versions or any(v in _REVIEW_VERSIONS for v in versions)


def _reviews(versions: list[str], path: Path, *, known: bool) -> Errors:
    if not versions:
        return [field.required(path)]
    errors: Errors = []
    seen: set[str] = set()
    for index, version in enumerate(versions):
        if version in seen:
            errors.append(field.invalid(path.index(index), version, "duplicate version"))
            continue
        seen.add(version)
        errors += field.all_invalid(path.index(index), version, names.dns1035_label(version))
    if known and not seen.intersection(_REVIEW_VERSIONS):
        errors.append(field.invalid(path, versions, f"must include at least one of {', '.join(_REVIEW_VERSIONS)}"))
    return errors


def _status(crd: CustomResourceDefinition) -> Errors:
    accepted, path = crd.status.acceptedNames, Path("status")
    errors = [] if accepted is None else _names(accepted, path.child("acceptedNames"))
    stored, where = crd.status.storedVersions or [], path.child("storedVersions")
    if not stored:
        return [*errors, field.invalid(where, stored, "must have at least one stored version")]
    known = {v.name for v in crd.spec.versions}
    errors += [
        field.invalid(where, stored, f"must have the storage version {v.name}")
        for v in crd.spec.versions
        if v.storage and v.name not in stored
    ]
    for index, version in enumerate(stored):
        if version not in known:
            detail = (
                f"missing from spec.versions; {version} was previously a storage version, and must remain in spec.versions "
                f"until a storage migration ensures no data remains persisted in {version} and removes {version} from "
                "status.storedVersions"
            )
            errors.append(field.invalid(where.index(index), version, detail))
    return errors


def _approval(crd: CustomResourceDefinition, old: CustomResourceDefinition | None) -> Errors:
    """Groups of the Kubernetes community are for what it has approved."""
    group = crd.spec.group
    if not any(group == d or group.endswith(f".{d}") for d in ("k8s.io", "kubernetes.io")):
        return []
    value = (crd.metadata.annotations or {}).get(APPROVED, "")
    state = _approval_state(value)
    if state in ("approved", "bypassed"):
        return []
    if old is not None and _approval_state((old.metadata.annotations or {}).get(APPROVED, "")) == state:
        return []
    path = Path("metadata", "annotations").key(APPROVED)
    if state == "missing":
        return [field.required(path, f'protected groups must have approval annotation "{APPROVED}", see {_PROPOSAL}')]
    detail = (
        f'protected groups must have approval annotation "{APPROVED}" with either a URL or a reason starting with '
        f'"unapproved", see {_PROPOSAL}'
    )
    return [field.invalid(path, value, detail)]


def _approval_state(value: str) -> str:
    if not value:
        return "missing"
    if value.startswith("unapproved"):
        return "bypassed"
    try:
        url = urlsplit(value)
    except ValueError:
        return "invalid"
    return "approved" if url.scheme and url.netloc else "invalid"


def _preserved(crd: CustomResourceDefinition, old: CustomResourceDefinition | None) -> Errors:
    if old is not None and old.spec.preserveUnknownFields:
        return []
    if not crd.spec.preserveUnknownFields:
        return []
    value: Any = True
    detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
    return [field.invalid(_SPEC.child("preserveUnknownFields"), value, detail)]
