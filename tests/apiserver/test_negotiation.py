"""Which representation a client gets, by Accept, and how its own body is read."""

import pytest

from steersman.api.errors import NotAcceptable, UnsupportedMediaType
from steersman.apiserver.negotiation import (
    DISCOVERY_KINDS,
    META_KINDS,
    NO_KINDS,
    Accepted,
    Kinds,
    Media,
    accept,
    body_media,
    find,
    readable,
    streamed,
)

PB = "application/vnd.kubernetes.protobuf"
KUBECTL_TABLE = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)
TABLE = Accepted("json", "meta.k8s.io", "v1", "Table")
METADATA = "as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
OFFERED = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
CASES: list[tuple[str, Kinds, Accepted]] = [
    ("", NO_KINDS, Accepted()),
    ("*/*", NO_KINDS, Accepted()),
    ("*", NO_KINDS, Accepted()),
    ("application/*", NO_KINDS, Accepted()),
    ("application/json", NO_KINDS, Accepted()),
    ("application/json; charset=utf-8", NO_KINDS, Accepted()),
    ("application/json;stream=watch", NO_KINDS, Accepted()),
    ("application/json;pretty=1", NO_KINDS, Accepted(pretty=True)),
    ("application/json;pretty=0", NO_KINDS, Accepted()),
    ("application/yaml", NO_KINDS, Accepted("yaml")),
    (PB, NO_KINDS, Accepted("protobuf")),
    (f"{PB};stream=watch", NO_KINDS, Accepted("protobuf")),
    (f"{PB},application/json", NO_KINDS, Accepted("protobuf")),
    (f"application/json,{PB}", NO_KINDS, Accepted()),
    (f"application/json;q=0.9,{PB}", NO_KINDS, Accepted("protobuf")),
    (f"text/html, {PB};q=0.4, */*;q=0.8", NO_KINDS, Accepted()),
    # The exact type goes before the wildcard, wherever it stands.
    (f"*/*, {PB}", NO_KINDS, Accepted("protobuf")),
    (f"*/*;q=0.8, {PB};q=0.4", NO_KINDS, Accepted("protobuf")),
    (f"{PB};q=0.4, */*;q=0.8", NO_KINDS, Accepted()),
    ("application/yaml;q=0.2, application/json;q=0.1, application/*;q=0.3", NO_KINDS, Accepted()),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", NO_KINDS, Accepted()),
    ("application/json;q=0.5,application/yaml", NO_KINDS, Accepted("yaml")),
    ("application/json;q=0,application/yaml;q=0.1", NO_KINDS, Accepted("yaml")),
    # Zero does not rule out; it comes last.
    ("application/json;q=0", NO_KINDS, Accepted()),
    ("application/json;q=x,application/yaml;q=0.1", NO_KINDS, Accepted("yaml")),
    ("application/yaml;stream=watch,application/json", NO_KINDS, Accepted()),
    ("application/json;sv=v2,application/yaml", NO_KINDS, Accepted("yaml")),
    (KUBECTL_TABLE, META_KINDS, TABLE),
    (KUBECTL_TABLE, NO_KINDS, Accepted()),
    (f"{PB};as=Table;v=v1;g=meta.k8s.io,{KUBECTL_TABLE}", META_KINDS, TABLE),
    ("*/*;as=Table;v=v1;g=meta.k8s.io", META_KINDS, TABLE),
    ("application/yaml;as=Table;v=v1;g=meta.k8s.io", META_KINDS, Accepted("yaml", "meta.k8s.io", "v1", "Table")),
    (
        f"{PB};{METADATA},application/json;{METADATA},application/json",
        META_KINDS,
        Accepted("protobuf", "meta.k8s.io", "v1", "PartialObjectMetadata"),
    ),
    ("application/json;as=Other;v=v1;g=meta.k8s.io,application/yaml", META_KINDS, Accepted("yaml")),
    ("application/json;v=v1,application/yaml", META_KINDS, Accepted("yaml")),
    (
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
        DISCOVERY_KINDS,
        Accepted("json", "apidiscovery.k8s.io", "v2", "APIGroupDiscoveryList"),
    ),
]


@pytest.mark.parametrize(("header", "kinds", "expected"), CASES)
def test_accept(header: str, kinds: Kinds, expected: Accepted) -> None:
    assert accept(header, kinds) == expected


@pytest.mark.parametrize(
    "header", ["text/html", "text/*", "json", "a/b/c", f"{PB};as=Table;v=v1;g=meta.k8s.io", "application/cbor"]
)
def test_not_acceptable(header: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        accept(header, META_KINDS)
    assert refused.value.message == f"only the following media types are accepted: {OFFERED}"
    assert (refused.value.code, refused.value.reason) == (406, "NotAcceptable")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"{PB},application/json", Accepted()),
        (f"{PB};{METADATA},application/json", Accepted("protobuf", "meta.k8s.io", "v1", "PartialObjectMetadata")),
        (PB, None),
    ],
)
def test_what_has_no_protobuf(header: str, expected: Accepted | None) -> None:
    assert find(header, META_KINDS, protobuf=False) == expected


def test_many_clauses() -> None:
    many = ",".join(f"application/x{n};q=0.{n}" for n in range(1, 30))
    assert accept(f"{many},*/*;q=0.1,application/yaml;q=0.1,{PB};q=0.99") == Accepted("protobuf")
    assert accept(f"{many},*/*;q=0.1,application/yaml;q=0.1") == Accepted("yaml")


def test_only_transformations() -> None:
    header = "application/json,application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    found = find(header, DISCOVERY_KINDS, plain=False)
    assert found is not None
    assert found.kind == "APIGroupDiscoveryList"
    assert find("application/json", DISCOVERY_KINDS, plain=False) is None
    assert find("", DISCOVERY_KINDS, plain=False) is None


def test_streams() -> None:
    assert streamed(Accepted()) == "application/json"
    assert streamed(Accepted("protobuf")) == f"{PB};stream=watch"
    with pytest.raises(NotAcceptable) as refused:
        streamed(Accepted("yaml"))
    assert refused.value.message == (
        f"only the following media types are accepted: application/json;stream=watch, {PB};stream=watch"
    )


@pytest.mark.parametrize(
    ("accepted", "parameter", "agent", "pretty"),
    [
        (Accepted(), "", "kubectl/v1.32", False),
        (Accepted(), "", "curl/8.5", True),
        (Accepted(), "", "Wget/1.21", True),
        (Accepted(), "", "Mozilla/5.0 (X11)", True),
        (Accepted(), "false", "curl/8.5", False),
        (Accepted(), "true", "kubectl/v1.32", True),
        (Accepted(), "1", "", True),
        (Accepted(), "yes", "", False),
        (Accepted("yaml"), "true", "curl/8.5", False),
        (Accepted("protobuf"), "true", "curl/8.5", False),
        (Accepted(pretty=True), "false", "", True),
    ],
)
def test_for_people(accepted: Accepted, parameter: str, agent: str, pretty: bool) -> None:
    assert readable(accepted, parameter, agent).pretty is pretty


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "json"),
        ("application/json; charset=utf-8", "json"),
        ("Application/JSON", "json"),
        ("application/yaml", "yaml"),
        (PB, "protobuf"),
        (f"{PB};stream=watch", "protobuf"),
    ],
)
def test_body_media(header: str, expected: Media) -> None:
    assert body_media(header) == expected


@pytest.mark.parametrize("header", ["text/plain", "text/yaml", "application/json; charset", "application/cbor", ";"])
def test_unknown_body(header: str) -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        body_media(header)
    assert refused.value.message == (
        f"the body of the request was in an unknown format - accepted media types include: {OFFERED}"
    )
