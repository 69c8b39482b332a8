import pytest

from steersman.api.errors import NotAcceptable, UnsupportedMediaType
from steersman.apiserver.negotiation import (
    DISCOVERY_KINDS,
    META_KINDS,
    NO_KINDS,
    Accepted,
    accept,
    body_media,
)

KUBECTL_TABLE = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)
TABLE = Accepted(False, "meta.k8s.io", "v1", "Table")
CASES = [
    ("", NO_KINDS, Accepted()),
    ("*/*", NO_KINDS, Accepted()),
    ("application/json", NO_KINDS, Accepted()),
    ("application/yaml", NO_KINDS, Accepted(yaml=True)),
    ("application/vnd.kubernetes.protobuf,application/json", NO_KINDS, Accepted()),
    ("application/json;q=0.5,application/yaml", NO_KINDS, Accepted(yaml=True)),
    ("application/json;q=0,application/yaml;q=0.1", NO_KINDS, Accepted(yaml=True)),
    (KUBECTL_TABLE, META_KINDS, TABLE),
    (KUBECTL_TABLE, NO_KINDS, Accepted()),
    (
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
        DISCOVERY_KINDS,
        Accepted(False, "apidiscovery.k8s.io", "v2", "APIGroupDiscoveryList"),
    ),
]


@pytest.mark.parametrize(("header", "kinds", "expected"), CASES)
def test_accept(header: str, kinds: frozenset[tuple[str, str, str]], expected: Accepted) -> None:
    assert accept(header, kinds) == expected


@pytest.mark.parametrize("header", ["text/html", "application/vnd.kubernetes.protobuf", "application/json;q=0"])
def test_not_acceptable(header: str) -> None:
    with pytest.raises(NotAcceptable, match="only the following media types are accepted: application/json"):
        accept(header)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "json"),
        ("application/json; charset=utf-8", "json"),
        ("application/yaml", "yaml"),
        ("application/vnd.kubernetes.protobuf", "protobuf"),
    ],
)
def test_body_media(header: str, expected: str) -> None:
    assert body_media(header) == expected


def test_unknown_body() -> None:
    with pytest.raises(UnsupportedMediaType, match="unknown format"):
        body_media("text/plain")
