"""Defaults and validation of ConfigMaps and Secrets: keys, sizes, types, and what `immutable` fixes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from steersman.api import field, names, prune
from steersman.api.decode_error import DecodeError
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ConfigMap, Secret

MAX_SIZE = 1024 * 1024
OPAQUE = "Opaque"
SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"
SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name"
SERVICE_ACCOUNT_UID = "kubernetes.io/service-account.uid"
_JSON_KEYS = {
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
}
_TLS, _TLS_KEYS = "kubernetes.io/tls", ("tls.crt", "tls.key")
_REDACTED = "<secret contents redacted>"
_FIXED = "field is immutable when `immutable` is set"


def check_config_map(obj: ConfigMap) -> Errors:
    errors: Errors = []
    data, binary = obj.data or {}, obj.binaryData or {}
    for key in data:
        at = Path("data").key(key)
        errors += field.all_invalid(at, key, names.config_map_key(key))
        if key in binary:
            errors.append(field.invalid(at, key, "duplicate of key present in binaryData"))
    for key in binary:
        errors += field.all_invalid(Path("binaryData").key(key), key, names.config_map_key(key))
    size = sum(len(v.encode()) for v in data.values()) + _decoded_size(binary)
    if size > MAX_SIZE:
        errors.append(field.too_long(Path(""), MAX_SIZE))
    return errors


def check_config_map_update(obj: ConfigMap, old: ConfigMap) -> Errors:
    errors = _check_fixed(obj, old, "data", "binaryData") if old.immutable else []
    return errors + check_config_map(obj)


def default_secret(obj: Secret) -> None:
    """`stringData` is a way to write `data`, never stored itself; a Secret without a type is Opaque."""
    if obj.stringData is not None:
        encoded = {k: base64.b64encode(v.encode()).decode() for k, v in obj.stringData.items()}
        obj.data = {**(obj.data or {}), **encoded} or obj.data
        obj.stringData = None
    obj.type = obj.type or OPAQUE


def check_secret(obj: Secret) -> Errors:
    errors: Errors = []
    data, at = obj.data or {}, Path("data")
    for key in data:
        errors += field.all_invalid(at.key(key), key, names.config_map_key(key))
    if _decoded_size(data) > MAX_SIZE:
        errors.append(field.too_long(at, MAX_SIZE))
    return errors + _check_type(obj, data, at)


def secret_warnings(obj: Secret) -> list[str]:
    """Why servers will not be able to use a certificate and its key."""
    if obj.type != _TLS:
        return []
    from steersman.kinds.certificates import pairs

    certificate, key = (base64.b64decode((obj.data or {}).get(name, "")) for name in _TLS_KEYS)
    problem = pairs.problem(certificate, key)
    return [problem] if problem else []


def check_secret_update(obj: Secret, old: Secret) -> Errors:
    errors = field.immutable(Path("type"), obj.type, old.type)
    errors += _check_fixed(obj, old, "data") if old.immutable else []
    return errors + check_secret(obj)


def _check_fixed(obj: ConfigMap | Secret, old: ConfigMap | Secret, *bags: str) -> Errors:
    errors: Errors = []
    if not obj.immutable:
        errors.append(field.forbidden(Path("immutable"), _FIXED))
    errors += [
        field.forbidden(Path(bag), _FIXED) for bag in bags if (getattr(obj, bag) or {}) != (getattr(old, bag) or {})
    ]
    return errors


def _check_type(obj: Secret, data: Mapping[str, str], path: Path) -> Errors:
    """What a Secret of a known type must hold."""
    if obj.type == SERVICE_ACCOUNT_TOKEN:
        if (obj.metadata.annotations or {}).get(SERVICE_ACCOUNT_NAME):
            return []
        return [field.required(Path("metadata", "annotations").key(SERVICE_ACCOUNT_NAME))]
    if obj.type in _JSON_KEYS:
        return _check_json(data, _JSON_KEYS[obj.type], path)
    if obj.type == "kubernetes.io/basic-auth":
        if "username" in data or "password" in data:
            return []
        return [field.required(path.key("username")), field.required(path.key("password"))]
    if obj.type == "kubernetes.io/ssh-auth":
        return [] if data.get("ssh-privatekey") else [field.required(path.key("ssh-privatekey"))]
    if obj.type == _TLS:
        return [field.required(path.key(key)) for key in _TLS_KEYS if key not in data]
    return []


def _check_json(data: Mapping[str, str], key: str, path: Path) -> Errors:
    if key not in data:
        return [field.required(path.key(key))]
    try:
        value = prune.parse_json(base64.b64decode(data[key]))
    except DecodeError as e:
        return [field.invalid(path.key(key), _REDACTED, str(e))]
    if value is None or isinstance(value, dict):
        return []
    detail = f"json: cannot unmarshal {prune.json_type(value)} into Go value of type map[string]interface {{}}"
    return [field.invalid(path.key(key), _REDACTED, detail)]


def _decoded_size(data: Mapping[str, str]) -> int:
    return sum(len(v) * 3 // 4 - v[-2:].count("=") for v in data.values())
