"""What `steer up` makes of what was asked for and of what there is."""

import contextlib
from pathlib import Path

import pytest

from steersman.cmd.config import ClusterConfig
from steersman.cmd.errors import CommandError
from steersman.cmd.place import Place
from steersman.cmd.up import Wish, option, resolve

PLACE = Place("c", Path("/base"))
STOPPED = ClusterConfig(
    name="c", nodes=2, simulate=1, legacy_service_account_tokens=True, store="memory://", port=16443, dns_port=53
)


@pytest.mark.parametrize(
    ("wish", "changed"),
    [
        (Wish(), {}),
        (Wish(nodes=0, port=6443), {"nodes": 0, "port": 6443}),
        (
            Wish(simulate=0, legacy_service_account_tokens=False),
            {"simulate": 0, "legacy_service_account_tokens": False},
        ),
        (Wish(runtime_config={"api/legacy": "false"}), {"runtime_config": {"api/legacy": "false"}}),
    ],
)
def test_a_stopped_cluster_keeps_what_is_not_said(wish: Wish, changed: dict[str, object]) -> None:
    with contextlib.ExitStack() as held:
        found = resolve(wish, PLACE, STOPPED, held)
    assert {k: getattr(found, k) for k in vars(STOPPED)} == {**vars(STOPPED), **changed}


@pytest.mark.parametrize("part", ["apiserver_args", "kubelet_args"])
def test_settings_of_parts_are_kept_one_by_one(part: str) -> None:
    config, wishes = STOPPED, ({"a": "1", "b": "2"}, {"b": "3", "c": ""}, None, {"a": "", "d": "4"})
    for said in wishes:
        with contextlib.ExitStack() as held:
            config = resolve(Wish(**{part: said}), PLACE, config, held)
    assert getattr(config, part) == {"b": "3", "d": "4"}


@pytest.mark.parametrize("said", [None, False, True])
def test_a_new_cluster_has_tokens_in_secrets_only_when_asked(said: bool | None) -> None:
    with contextlib.ExitStack() as held:
        found = resolve(Wish(port=6443, legacy_service_account_tokens=said), PLACE, None, held)
    assert found.legacy_service_account_tokens is bool(said)


def test_the_store_stays() -> None:
    with contextlib.ExitStack() as held, pytest.raises(CommandError, match="another --store needs a new cluster"):
        resolve(Wish(store="sqlite:///x"), PLACE, STOPPED, held)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("nodes", 3, "--nodes 3"),
        ("legacy_service_account_tokens", True, "--legacy-service-account-tokens"),
        ("legacy_service_account_tokens", False, "--no-legacy-service-account-tokens"),
        (
            "runtime_config",
            {"extensions/v1beta1": "false", "api/legacy": "true"},
            "--runtime-config extensions/v1beta1=false,api/legacy=true",
        ),
        (
            "apiserver_args",
            {"event_ttl": "60", "audit_policy_file": "/p"},
            "--apiserver-arg event-ttl=60 --apiserver-arg audit-policy-file=/p",
        ),
        ("kubelet_args", {"allowed_unsafe_sysctls": "kernel.msg*"}, "--kubelet-arg allowed-unsafe-sysctls=kernel.msg*"),
    ],
)
def test_how_a_wish_is_said(name: str, value: object, text: str) -> None:
    assert option(name, value) == text
