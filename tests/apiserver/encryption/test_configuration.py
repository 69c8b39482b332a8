"""What is wrong with an EncryptionConfiguration, in upstream's words."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.encryption.conftest import IDENTITY, keyed, kms, rule, text

from steersman.api.clock import FakeClock
from steersman.api.configuration import ConfigurationError
from steersman.apiserver.encryption import configuration
from steersman.apiserver.encryption.build import build
from steersman.apiserver.encryption.plugin import Plugin
from steersman.store.sealing import PLAIN

NONE = "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity"
OVERLAP = "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked"


def key(name: str = "a", secret: str = "") -> dict[str, Any]:
    return {"aesgcm": {"keys": [{"name": name, "secret": secret}]}}


def b64(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


def problem(content: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        configuration.parse(content.encode(), "f")
    return str(caught.value).removeprefix("f: ")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], "resources: Required value: at least one resources is required"),
        (
            [{"providers": [IDENTITY]}],
            "resources[0].resources: Required value: at least one resources[0].resources is required",
        ),
        (
            [{"resources": ["secrets"]}],
            "resources[0].providers: Required value: at least one resources[0].providers is required",
        ),
        ([rule({})], f"resources[0].providers[0]: Invalid value: {{}}: {NONE}"),
        (
            [rule({**IDENTITY, **keyed("key1")})],
            'resources[0].providers[0]: Invalid value: ["aesgcm","identity"]: more than one provider specified in a single '
            "element, should split into different list elements",
        ),
        (
            [rule({"aesgcm": {}})],
            "resources[0].providers[0].aesgcm.keys: Required value: at least one keys is required",
        ),
        (
            [rule(key(secret=b64(31)))],
            'resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected '
            "length, got 31, expected one of [16 24 32]",
        ),
        (
            [rule({"secretbox": {"keys": [{"name": "a", "secret": b64(16)}]}})],
            'resources[0].providers[0].secretbox.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected '
            "length, got 16, expected one of [32]",
        ),
        (
            [rule(key(secret="no base64!"))],
            'resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: "REDACTED": secrets must be base64 encoded',
        ),
        (
            [rule(key("", ""))],
            "[resources[0].providers[0].aesgcm.keys[0].name: Required value: name is a mandatory field for a key, "
            "resources[0].providers[0].aesgcm.keys[0].secret: Required value: secret is a mandatory field for a key]",
        ),
        (
            [rule(IDENTITY, resources=("secrets", "secrets"))],
            'resources[0].resources: Invalid value: ["secrets","secrets"]: the same resource cannot be specified multiple times',
        ),
        (
            [rule(IDENTITY, resources=("*.", "secrets"))],
            f'resources[0].resources: Invalid value: ["*.","secrets"]: {OVERLAP}',
        ),
        (
            [rule(IDENTITY, resources=("*.*", "a.b"))],
            f'resources[0].resources: Invalid value: ["*.*","a.b"]: {OVERLAP}',
        ),
        (
            [rule(IDENTITY, resources=("Secrets",))],
            'resources[0].resources[0]: Invalid value: "Secrets": resource name should not contain capital letters',
        ),
        (
            [rule(IDENTITY, resources=("*",))],
            "resources[0].resources[0]: Invalid value: \"*\": use '*.' to encrypt all the resources from core API group or "
            "*.* to encrypt all resources",
        ),
        (
            [rule(IDENTITY, resources=("serviceipallocations",))],
            'resources[0].resources[0]: Invalid value: "serviceipallocations": resources which do not have REST API/s cannot '
            "be encrypted",
        ),
        (
            [rule(IDENTITY, resources=("events.events.k8s.io",))],
            "resources[0].resources[0]: Invalid value: \"events.events.k8s.io\": '*.events.k8s.io' objects are stored using "
            "the 'events' API group in etcd. Use 'events' instead in the config file",
        ),
        (
            [rule(IDENTITY, resources=("secrets.*",))],
            'resources[0].resources[0]: Invalid value: "secrets.*": encrypting the same resource across groups is not supported',
        ),
        (
            [rule(IDENTITY, resources=("*.",)), rule(IDENTITY)],
            'resource "secrets" is masked by earlier rule "*."',
        ),
        (
            [rule(IDENTITY, resources=("*.*",)), rule(IDENTITY, resources=("a.b",))],
            'resource "a.b" is masked by earlier rule "*.*"',
        ),
        (
            [rule(kms("a:b"))],
            "resources[0].providers[0].kms.name: Invalid value: \"a:b\": invalid KMS provider name a:b, must not contain ':'",
        ),
        (
            [rule(kms(), kms())],
            'resources[0].providers[1].kms.name: Invalid value: "plug": duplicate KMS provider name plug, names must be unique',
        ),
        (
            [rule(kms(timeout="0s"))],
            'resources[0].providers[0].kms.timeout: Invalid value: "0s": timeout should be a positive value',
        ),
        (
            [rule(kms(endpoint="unix://[x"))],
            'resources[0].providers[0].kms.endpoint: Invalid value: "unix://[x": invalid endpoint for kms provider, error: '
            "Invalid IPv6 URL",
        ),
        (
            [rule(kms(endpoint="http://x"))],
            'resources[0].providers[0].kms.endpoint: Invalid value: "http://x": unsupported scheme "http" for KMS provider, '
            "only unix is supported",
        ),
        (
            [rule({"kms": {"name": "a", "endpoint": "unix:///x"}})],
            'resources[0].providers[0].kms.apiVersion: Invalid value: "v1": KMSv1 is deprecated and will only receive '
            "security updates going forward. Use KMSv2 instead.",
        ),
        (
            [rule({"kms": {"name": "a", "endpoint": "unix:///x", "apiVersion": "v2", "cachesize": 5}})],
            "resources[0].providers[0].kms.cachesize: Invalid value: 5: cachesize is not supported in v2",
        ),
    ],
)
def test_mistakes(rules: list[Any], expected: str) -> None:
    assert problem(text(*rules)) == expected


def test_unknown_fields_and_other_kinds_are_refused() -> None:
    assert "typo" in problem(text({**rule(IDENTITY), "typo": 1}))
    assert "Other" in problem(text(rule(IDENTITY)).replace('"EncryptionConfiguration"', '"Other"'))
    assert problem("") == "encryption provider configuration file is empty"


def test_keys_are_in_no_error_and_no_representation() -> None:
    found = configuration.parse(text(rule(keyed("key1"))).encode(), "f")
    assert b64(32)[:10] not in repr(found)
    assert "REDACTED" in repr(found)


def test_the_rules_of_a_table() -> None:
    content = text(
        rule(IDENTITY, resources=("events",)),
        rule(keyed("key1"), IDENTITY, resources=("secrets", "pandas.awesome.bears.example")),
        rule(keyed("key2"), resources=("*.apps",)),
        # Once more: its providers are added.
        rule(keyed("key4"), resources=("secrets",)),
        rule(keyed("key3", provider="aescbc"), resources=("*.*",)),
    )
    table = build(content.encode(), Path("f"), FakeClock(), Plugin).table
    writes = {
        "/registry/core/events/default/a": PLAIN,
        "/registry/core/secrets/default/a": ("aesgcm", "key1"),
        "/registry/awesome.bears.example/pandas/a": ("aesgcm", "key1"),
        "/registry/apps/deployments/default/a": ("aesgcm", "key2"),
        "/registry/core/configmaps/default/a": ("aescbc", "key3"),
        "/other": PLAIN,
    }
    for place, origin in writes.items():
        found = table.chain(place).writer.origin
        assert (found.provider, found.key) == (("", "") if origin is PLAIN else origin), place
    assert len(table.chain("/registry/core/secrets/default/a").providers) == 3
