"""ConfigMaps and Secrets: keys, sizes, types, stringData, and what `immutable` fixes."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.core import configmap, secret

Build = Callable[..., Any]
ErrorsOf = Callable[..., list[str]]

META = "{metadata: {name: a, namespace: default}}"
KEY = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("data: {a: b, c.d: e}", []),
        ("data: {a/b: c}", [f'data[a/b]: Invalid value: "a/b": {KEY}']),
        ("{data: {a: b}, binaryData: {a: Yg==}}", ['data[a]: Invalid value: "a": duplicate of key present in binaryData']),
        ("binaryData: {..: Yg==}", ["binaryData[..]: Invalid value: \"..\": must not be '..'"]),
    ],
)  # fmt: skip
def test_config_maps(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(configmap.KIND, META, change) == errors


def test_a_megabyte_is_the_limit(errors_of: ErrorsOf) -> None:
    full = {"data": {"a": "x" * (1024 * 1024 - 4)}, "binaryData": {"b": base64.b64encode(b"1234").decode()}}
    assert errors_of(configmap.KIND, META, full) == []
    full["data"]["a"] += "x"
    assert errors_of(configmap.KIND, META, full) == [": Too long: may not be more than 1048576 bytes"]
    assert errors_of(secret.KIND, META, {"stringData": full["data"]}) == []
    assert errors_of(secret.KIND, META, {"stringData": {"a": "x" * (1024 * 1024 + 1)}}) == [
        "data: Too long: may not be more than 1048576 bytes"
    ]


FIXED = "Forbidden: field is immutable when `immutable` is set"


@pytest.mark.parametrize("kind", [configmap.KIND, secret.KIND])
@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("metadata: {labels: {a: b}}", []),
        ("data: {a: eA==, b: eA==}", [f"data: {FIXED}"]),
        ("immutable: null", [f"immutable: {FIXED}"]),
    ],
)
def test_immutable(kind: Any, change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert (
        update_errors_of(kind, "{metadata: {name: a, namespace: default}, immutable: true, data: {a: eA==}}", change)
        == errors
    )


def test_string_data_is_a_way_to_write_data(build: Build) -> None:
    got = build(secret.KIND, META, "{data: {a: eA==, b: eA==}, stringData: {b: ü}}")
    assert got.data == {"a": "eA==", "b": base64.b64encode("ü".encode()).decode()}
    assert got.stringData is None
    assert got.type == "Opaque"


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("type: kubernetes.io/service-account-token", ["metadata.annotations[kubernetes.io/service-account.name]: Required value"]),
        ("{type: kubernetes.io/service-account-token, metadata: {annotations: {kubernetes.io/service-account.name: a}}}", []),
        ("type: kubernetes.io/dockercfg", ["data[.dockercfg]: Required value"]),
        ("{type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: '{}'}}", []),
        ("{type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: '[]'}}", ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": json: cannot unmarshal array into Go value of type map[string]interface {}']),
        ("{type: kubernetes.io/dockercfg, stringData: {.dockercfg: '1'}}", ['data[.dockercfg]: Invalid value: "<secret contents redacted>": json: cannot unmarshal number into Go value of type map[string]interface {}']),
        ("{type: kubernetes.io/dockercfg, stringData: {.dockercfg: 'null'}}", []),
        ("{type: kubernetes.io/dockercfg, stringData: {.dockercfg: ''}}", ['data[.dockercfg]: Invalid value: "<secret contents redacted>": unexpected end of JSON input']),
        ("{type: kubernetes.io/dockercfg, stringData: {.dockercfg: '{a}'}}", ['data[.dockercfg]: Invalid value: "<secret contents redacted>": invalid character \'a\' looking for beginning of object key string']),
        ("type: kubernetes.io/basic-auth", ["data[username]: Required value", "data[password]: Required value"]),
        ("{type: kubernetes.io/basic-auth, stringData: {username: a}}", []),
        ("type: kubernetes.io/ssh-auth", ["data[ssh-privatekey]: Required value"]),
        ("{type: kubernetes.io/tls, stringData: {tls.crt: a}}", ["data[tls.key]: Required value"]),
        ("type: example.com/any", []),
    ],
)  # fmt: skip
def test_types(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(secret.KIND, META, change) == errors


def test_the_type_stays(update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(secret.KIND, META, "type: other") == ['type: Invalid value: "other": field is immutable']


def test_what_is_fixed_is_told_first(update_errors_of: ErrorsOf) -> None:
    base = "{metadata: {name: a, namespace: default}, immutable: true}"
    assert update_errors_of(configmap.KIND, base, "data: {a/b: c}") == [
        f"data: {FIXED}", f'data[a/b]: Invalid value: "a/b": {KEY}'
    ]  # fmt: skip


def test_a_pair_that_no_server_can_use(build: Build) -> None:
    kind = secret.KIND
    obj = build(kind, META, "{type: kubernetes.io/tls, stringData: {tls.crt: a, tls.key: b}}")
    want = ["tls: failed to find any PEM data in certificate input"]
    assert kind.warnings(obj) == kind.warn_update(obj, obj) == want
    assert kind.warnings(build(kind, META, "stringData: {tls.crt: a, tls.key: b}")) == []
