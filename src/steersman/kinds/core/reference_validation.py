"""Names by which one kind refers to others: of drivers, of secrets, of signers and of what they trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import SecretReference

_MAX_DRIVER_NAME = 63
_MAX_SIGNER_NAME = 571


def check_driver_name(name: str, path: Path) -> Errors:
    """The name of a driver, be it for storage or for devices."""
    if not name:
        return [field.required(path)]
    errors: Errors = []
    if len(name) > _MAX_DRIVER_NAME:
        errors.append(field.too_long(path, _MAX_DRIVER_NAME))
    return errors + field.all_invalid(path, name, names.dns1123_subdomain(name.lower()))


def check_secret(secret: SecretReference | None, path: Path) -> Errors:
    """A secret and its namespace; an absent one is fine."""
    if secret is None:
        return []
    errors: Errors = []
    for name, rule in (("name", names.dns1123_subdomain), ("namespace", names.dns1123_label)):
        value, at = getattr(secret, name), path.child(name)
        errors += field.all_invalid(at, value, rule(value)) if value else [field.required(at)]
    return errors


def check_signer_name(name: str, path: Path) -> Errors:
    """A domain, a slash, and a path that the domain's owner has chosen: example.com/some.signer."""
    if not name:
        return [field.required(path)]
    domain, slash, tail = name.partition("/")
    if not slash or "/" in tail:
        form = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        return [field.invalid(path, name, form)]
    errors: Errors = []
    if len(domain) > names.SUBDOMAIN_MAX:
        errors.append(field.too_long(path, names.SUBDOMAIN_MAX))
    errors += _check_parts(domain, names.dns1123_label, path)
    if "." not in domain:
        errors.append(field.invalid(path, domain, "should be a domain with at least two segments separated by dots"))
    errors += _check_parts(tail, names.dns1123_subdomain, path)
    if len(name) > _MAX_SIGNER_NAME:
        errors.append(field.too_long(path, _MAX_SIGNER_NAME))
    return errors


def is_kubernetes_signer(name: str) -> bool:
    """Whether the signer's domain is one that Kubernetes keeps for itself."""
    return f".{name.partition('/')[0]}".endswith(".kubernetes.io")


def _check_parts(text: str, rule: names.Check, path: Path) -> Errors:
    """The parts between dots; the first wrong one is enough."""
    for part in text.split("."):
        if wrong := rule(part):
            return [field.invalid(path, text, f"validating label {field.quote(part)}: {message}") for message in wrong]
    return []


def trust_bundle_name(signer: str) -> names.Check:
    """The rule for names of ClusterTrustBundles: those of a signer begin with its name."""
    prefix = signer.replace("/", ":") + ":"

    def check(name: str) -> names.Messages:
        if signer and not name.startswith(prefix):
            return (f"ClusterTrustBundle for signerName {signer} must be named with prefix {prefix}",)
        if not signer and ":" in name:
            return ('ClusterTrustBundle without signer name must not have ":" in its name',)
        return names.dns1123_subdomain(name.removeprefix(prefix) if signer else name)

    return check
