"""EncryptionConfiguration as it is written in files, and what is wrong with one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from urllib.parse import urlsplit

from msgspec import Struct

from steersman.api import configuration, duration, field
from steersman.api.configuration import ConfigurationError
from steersman.api.field import FieldError, Path
from steersman.apiserver.encryption.table import group_resource, shown

Errors = list[FieldError]

AES_SIZES = (16, 24, 32)
SECRETBOX_SIZES = (32,)
DEFAULT_TIMEOUT = "3s"
_NO_REST = ("apiserveripinfo", "serviceipallocations", "servicenodeportallocations")


class Key(Struct, forbid_unknown_fields=True):
    """A key by name; `secret` is base64."""

    name: str = ""
    secret: str = ""

    def __repr__(self) -> str:
        return f"Key(name={self.name!r}, secret=[REDACTED])"


class Keys(Struct, forbid_unknown_fields=True):
    """The settings of aesgcm, aescbc and secretbox: the first key writes."""

    keys: list[Key] | None = None


class Identity(Struct, forbid_unknown_fields=True):
    """Values stay as they are."""


class KMS(Struct, forbid_unknown_fields=True):
    """A plugin that keeps the key, behind a unix socket."""

    apiVersion: str | None = None
    name: str = ""
    cachesize: int | None = None
    endpoint: str = ""
    timeout: str | None = None


class Provider(Struct, forbid_unknown_fields=True):
    """Exactly one of these."""

    aesgcm: Keys | None = None
    aescbc: Keys | None = None
    secretbox: Keys | None = None
    identity: Identity | None = None
    kms: KMS | None = None


class Rule(Struct, forbid_unknown_fields=True):
    """The providers of some resources: the first writes, all read."""

    resources: list[str] | None = None
    providers: list[Provider] | None = None


class EncryptionConfiguration(Struct, forbid_unknown_fields=True):
    """A whole file."""

    resources: list[Rule] | None = None


TYPES = {("apiserver.config.k8s.io/v1", "EncryptionConfiguration"): EncryptionConfiguration}


def read(path: FilePath) -> EncryptionConfiguration:
    """A file that is valid. Raises ConfigurationError."""
    return parse(configuration.read_bytes(path), path)


def parse(data: bytes, where: FilePath | str) -> EncryptionConfiguration:
    """As `read`, from a text; `where` begins every error."""
    if not data:
        raise ConfigurationError(f"{where}: encryption provider configuration file is empty")
    found = configuration.decode(data, TYPES, where)
    if errors := validate(found):
        raise ConfigurationError.of(where, errors)
    if masked := _masked(found):
        raise ConfigurationError(f"{where}: {masked}")
    return found


def timeout_of(kms: KMS) -> float:
    """Seconds a call of the plugin may take."""
    return duration.parse(kms.timeout or DEFAULT_TIMEOUT)


def secret_of(key: Key) -> bytes:
    """A valid key's bytes."""
    return base64.b64decode(key.secret, validate=True)


def validate(config: EncryptionConfiguration) -> Errors:
    """What is wrong, in upstream's words."""
    root = Path("resources")
    if not config.resources:
        return [_at_least_one(root, str(root))]
    errors: Errors = []
    names: set[str] = set()
    for number, rule in enumerate(config.resources):
        path = root.index(number)
        errors += _check_resources(rule.resources or [], path.child("resources"))
        if not rule.providers:
            errors.append(_at_least_one(path.child("providers"), str(path.child("providers"))))
        for position, provider in enumerate(rule.providers or []):
            errors += _check_provider(provider, path.child("providers").index(position), names)
            if provider.kms is not None:
                names.add(provider.kms.name)
    return errors


def _at_least_one(path: Path, what: str) -> FieldError:
    return field.required(path, f"at least one {what} is required")


def _check_resources(resources: list[str], path: Path) -> Errors:
    errors: Errors = [] if resources else [_at_least_one(path, str(path))]
    found = [group_resource(text) for text in resources]
    if len(set(found)) < len(found):
        errors.append(field.invalid(path, resources, "the same resource cannot be specified multiple times"))
    if _overlap(found):
        detail = (
            "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they "
            "will be masked"
        )
        errors.append(field.invalid(path, resources, detail))
    for number, text in enumerate(resources):
        if detail := _wrong_resource(text):
            errors.append(field.invalid(path.index(number), text, detail))
    return errors


def _overlap(found: list[tuple[str, str]]) -> bool:
    distinct = set(found)
    if len(distinct) < 2:
        return False
    groups: dict[str, set[str]] = {}
    for group, plural in distinct:
        groups.setdefault(group, set()).add(plural)
    return ("*", "*") in distinct or any("*" in plurals and len(plurals) > 1 for plurals in groups.values())


def _wrong_resource(text: str) -> str:
    group, plural = group_resource(text)
    if text != text.lower():
        return "resource name should not contain capital letters"
    if text == "*":
        return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
    if text in _NO_REST:
        return "resources which do not have REST API/s cannot be encrypted"
    if group == "events.k8s.io":
        return "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file"
    if group == "extensions":
        return "'extensions' group has been removed and cannot be used for encryption"
    if group == "*" and plural != "*":
        return "encrypting the same resource across groups is not supported"
    return ""


def _check_provider(provider: Provider, path: Path, names: set[str]) -> Errors:
    given = [name for name in provider.__struct_fields__ if getattr(provider, name) is not None]
    if not given:
        detail = "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity"
        return [field.invalid(path, {}, detail)]
    if len(given) > 1:
        detail = "more than one provider specified in a single element, should split into different list elements"
        # What is there may hold keys.
        return [field.invalid(path, given, detail)]
    if provider.kms is not None:
        return _check_kms(provider.kms, path.child("kms"), names)
    errors: Errors = []
    for name, keys, sizes in (
        ("aesgcm", provider.aesgcm, AES_SIZES),
        ("aescbc", provider.aescbc, AES_SIZES),
        ("secretbox", provider.secretbox, SECRETBOX_SIZES),
    ):
        if keys is not None:
            errors += _check_keys(keys.keys or [], path.child(name).child("keys"), sizes)
    return errors


def _check_keys(keys: Iterable[Key], path: Path, sizes: tuple[int, ...]) -> Errors:
    errors = [e for number, key in enumerate(keys) for e in _check_key(key, path.index(number), sizes)]
    return errors if keys else [_at_least_one(path, "keys")]


def _check_key(key: Key, path: Path, sizes: tuple[int, ...]) -> Errors:
    errors: Errors = []
    if not key.name:
        errors.append(field.required(path.child("name"), "name is a mandatory field for a key"))
    if not key.secret:
        return [*errors, field.required(path.child("secret"), "secret is a mandatory field for a key")]
    try:
        secret = secret_of(key)
    except (binascii.Error, ValueError):
        return [*errors, field.invalid(path.child("secret"), "REDACTED", "secrets must be base64 encoded")]
    if len(secret) not in sizes:
        expected = " ".join(str(size) for size in sizes)
        detail = f"secret is not of the expected length, got {len(secret)}, expected one of [{expected}]"
        errors.append(field.invalid(path.child("secret"), "REDACTED", detail))
    return errors


def _check_kms(kms: KMS, path: Path, names: set[str]) -> Errors:
    errors: Errors = []
    name = path.child("name")
    if not kms.name:
        errors.append(field.required(name, "name is a mandatory field for a provider"))
    if ":" in kms.name:
        errors.append(field.invalid(name, kms.name, f"invalid KMS provider name {kms.name}, must not contain ':'"))
    if kms.name in names:
        errors.append(field.invalid(name, kms.name, f"duplicate KMS provider name {kms.name}, names must be unique"))
    errors += _check_timeout(kms, path.child("timeout"))
    endpoint = path.child("endpoint")
    if not kms.endpoint:
        errors.append(field.invalid(endpoint, "", "endpoint is a mandatory field for a kms"))
    elif wrong := _wrong_endpoint(kms.endpoint):
        errors.append(field.invalid(endpoint, kms.endpoint, wrong))
    if kms.cachesize is not None and kms.apiVersion == "v2":
        errors.append(field.invalid(path.child("cachesize"), kms.cachesize, "cachesize is not supported in v2"))
    errors += _check_version(kms, path.child("apiVersion"))
    return errors


def _wrong_endpoint(url: str) -> str:
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        return f"invalid endpoint for kms provider, error: {error}"
    return "" if scheme == "unix" else f'unsupported scheme "{scheme}" for KMS provider, only unix is supported'


def _check_timeout(kms: KMS, path: Path) -> Errors:
    try:
        good = timeout_of(kms) > 0
    except ValueError as error:
        return [field.invalid(path, kms.timeout, str(error))]
    return [] if good else [field.invalid(path, kms.timeout, "timeout should be a positive value")]


def _check_version(kms: KMS, path: Path) -> Errors:
    # Nothing said is v1, as upstream.
    version = "v1" if kms.apiVersion is None else kms.apiVersion
    if version == "v1":
        detail = "KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead."
        return [field.invalid(path, version, detail)]
    if version != "v2":
        detail = "unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported"
        return [field.invalid(path, version, detail)]
    return []


def _masked(config: EncryptionConfiguration) -> str:
    """Why a rule never counts because of one before it, or nothing."""
    seen: Mapping[tuple[str, str], None] = {}
    for rule in config.resources or []:
        earlier = dict(seen)
        for text in rule.resources or []:
            group, plural = group_resource(text)
            for mask in ((group, "*"), ("*", "*")):
                if mask in earlier:
                    return f'resource "{shown(group, plural)}" is masked by earlier rule "{shown(*mask)}"'
            earlier[group, plural] = None
        seen = earlier
    return ""
