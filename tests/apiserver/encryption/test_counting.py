"""Encryption as it is counted: values, plugins, keys."""

from __future__ import annotations

import pytest

from steersman.apiserver.encryption import counting
from steersman.apiserver.encryption.providers import Keyed
from steersman.apiserver.encryption.table import Chain, Table, Tables, Unchanged, resource_of
from steersman.apiserver.metrics import PROCESS
from steersman.store.sealing import OpenFailed

KEY = "/registry/core/secrets/default/a"
OPERATIONS = "apiserver_storage_transformation_operations_total"


def value(line: str) -> float:
    """What a series has now, 0 without it."""
    found = [told for told in PROCESS.render().splitlines() if told.startswith(f"{line} ")]
    return float(found[0].rsplit(" ", 1)[1]) if found else 0.0


@pytest.fixture
def tables() -> Tables:
    gcm = Keyed("aesgcm", [("key1", b"k" * 32)])
    return Tables(Table({("", "secrets"): Chain((gcm, Unchanged()))}), active=True)


@pytest.mark.parametrize(
    ("key", "resource"),
    [(KEY, "secrets"), ("/registry/apps/deployments/ns/a", "deployments.apps"), ("k", "")],
)
def test_resources(key: str, resource: str) -> None:
    assert resource_of(key) == resource


def test_values(tables: Tables) -> None:
    prefix = "k8s:enc:aesgcm:v1:"
    written = (
        f'{OPERATIONS}{{resource="secrets",transformation_type="to_storage",transformer_prefix="{prefix}",status="OK"}}'
    )
    read = f'{OPERATIONS}{{resource="secrets",transformation_type="from_storage",transformer_prefix="{prefix}",status="OK"}}'
    plain = f'{OPERATIONS}{{resource="secrets",transformation_type="from_storage",transformer_prefix="identity",status="OK"}}'
    broken = read.replace('"OK"', '"unknown-non-grpc"')
    unknown = broken.replace(prefix, "unknown")
    series = (written, read, plain, broken, unknown)
    before = [value(one) for one in series]
    sealed, _ = tables.seal(KEY, b"{}")
    assert tables.open(KEY, sealed)[0] == b"{}"
    assert tables.open(KEY, b"{}")[0] == b"{}"
    for wrong in (sealed[:-1] + bytes((sealed[-1] ^ 1,)), b"k8s:enc:other:v1:x"):
        with pytest.raises(OpenFailed):
            tables.open(KEY, wrong)
    assert [value(one) - b for one, b in zip(series, before, strict=True)] == [1, 1, 1, 1, 1]
    took = "apiserver_storage_transformation_duration_seconds_count"
    assert value(f'{took}{{transformation_type="to_storage",transformer_prefix="{prefix}"}}') >= 1


def test_what_no_rule_names_is_not_counted(tables: Tables) -> None:
    # Nobody else's: what other tests have counted in this process is there for good.
    key = "/registry/example.com/unruled/default/a"
    tables.open(key, tables.seal(key, b"{}")[0])
    assert 'resource="unruled' not in PROCESS.render()


def test_plugins() -> None:
    counting.called("one", "/v2.KeyManagementService/Decrypt", 0.002)
    counting.called(
        "one", "/v2.KeyManagementService/Decrypt", 0.5, ValueError("rpc error: code = Unavailable desc = x")
    )
    name = 'provider_name="one",method_name="/v2.KeyManagementService/Decrypt"'
    calls = "apiserver_envelope_encryption_kms_operations_latency_seconds_count"
    assert value(f'{calls}{{{name},grpc_status_code="OK"}}') == 1
    assert value(f'{calls}{{{name},grpc_status_code="Unavailable"}}') == 1


def test_keys_are_forgotten() -> None:
    for n in range(150):
        counting.key_used(counting.TO_STORAGE, "many", f"h{n}", float(n))
        counting.key_told("many", f"h{n}", float(n))
    of = 'provider_name="many",key_id_hash="{}",apiserver_id_hash=""'
    for name, labels in (
        ("key_id_hash_total", 'transformation_type="to_storage",'),
        ("key_id_hash_last_timestamp_seconds", 'transformation_type="to_storage",'),
        ("key_id_hash_status_last_timestamp_seconds", ""),
    ):
        lines = PROCESS.render()
        name = f"apiserver_envelope_encryption_{name}"
        assert f"{name}{{{labels}{of.format('h149')}}}" in lines
        assert f"{name}{{{labels}{of.format('h0')}}}" not in lines
        assert lines.count(f"\n{name}{{") <= 100
