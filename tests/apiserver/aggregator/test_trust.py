"""What aggregated servers are told of whom to trust."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.apiserver.aggregator.conftest import Outer, outer_config

from steersman.apiserver.aggregator import trust
from steersman.apiserver.config import ServerConfig
from steersman.pki import layout

PATH = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"


def test_published(pki: layout.Layout) -> None:
    assert trust.published(ServerConfig()) == {}
    found = trust.published(outer_config(pki))
    assert found["client-ca-file"] == pki.ca.cert.read_text()
    assert found["requestheader-client-ca-file"] == pki.front_proxy_ca.cert.read_text()
    assert {k: json.loads(v) for k, v in found.items() if not k.endswith("-file")} == {
        "requestheader-allowed-names": ["front-proxy-client"],
        "requestheader-username-headers": ["X-Remote-User"],
        "requestheader-uid-headers": ["X-Remote-Uid"],
        "requestheader-group-headers": ["X-Remote-Group"],
        "requestheader-extra-headers-prefix": ["X-Remote-Extra-"],
    }


def test_headers_of_other_names(pki: layout.Layout) -> None:
    config = outer_config(pki)
    assert config.front_proxy is not None
    named = replace(
        config.front_proxy,
        username_headers=("X-User", "X-Remote-User"),
        uid_headers=(),
        group_headers=("X-Team",),
        extra_prefixes=("X-More-",),
    )
    found = trust.published(replace(config, front_proxy=named))
    assert {k: json.loads(v) for k, v in found.items() if k.endswith(("-headers", "-prefix"))} == {
        "requestheader-username-headers": ["X-User", "X-Remote-User"],
        "requestheader-uid-headers": [],
        "requestheader-group-headers": ["X-Team"],
        "requestheader-extra-headers-prefix": ["X-More-"],
    }


def test_renewed() -> None:
    before = {"client-ca-file": "a", "requestheader-allowed-names": '["a","b"]', "mine": "kept"}
    own = {"client-ca-file": "b", "requestheader-group-headers": "[]"}
    assert trust.renewed(before, own) == {**own, "mine": "kept"}


async def test_what_a_cluster_has(outer: Outer) -> None:
    found = await outer.get(PATH)
    assert "requestheader-client-ca-file" in found["data"]
    role = await outer.get(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles/extension-apiserver-authentication-reader"
    )
    assert role["rules"][0]["resourceNames"] == ["extension-apiserver-authentication"]
    await outer.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/system:auth-delegator")


async def test_what_is_configured_otherwise_counts_from_the_next_start(outer: Outer) -> None:
    from steersman.apiserver.bootstrap import bootstrap

    assert outer.app.config.front_proxy is not None
    proxy = replace(outer.app.config.front_proxy, allowed_names=("other",))
    outer.app.config = replace(outer.app.config, front_proxy=proxy)
    await bootstrap(outer.app)
    data = (await outer.get(PATH))["data"]
    assert json.loads(data["requestheader-allowed-names"]) == ["other"]
    assert data["client-ca-file"].count("BEGIN") == 1
