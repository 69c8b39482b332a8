"""What is sent and what is wanted, in media types that are not all there."""

from typing import Any

import pytest
from tests.apiserver.conftest import MAPS, PODS, Api, config_map, pod

from steersman.api.http import Response

PB = "application/vnd.kubernetes.protobuf"
OFFERED = f"application/json, application/yaml, {PB}"
REFUSED = f"only the following media types are accepted: {OFFERED}"
UNKNOWN = f"the body of the request was in an unknown format - accepted media types include: {OFFERED}"
PATCHES = (
    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
    "application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml"
)
APPLY = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}}


async def begin(api: Api) -> None:
    await api.post(MAPS, config_map("a"))


def text(response: Response) -> str:
    assert isinstance(response.body, bytes)
    return response.body.decode()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"{MAPS}/a", None),
        ("GET", MAPS, None),
        ("POST", MAPS, config_map("b")),
        ("PUT", f"{MAPS}/a", config_map("a")),
        ("PATCH", f"{MAPS}/a", {}),
        ("DELETE", f"{MAPS}/a", None),
        ("DELETE", MAPS, None),
        ("GET", f"{MAPS}?watch=1", None),
        ("GET", "/api", None),
        ("GET", "/apis/apps/v1", None),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": {}}),
        ("POST", f"{PODS}/a/eviction", {"metadata": {"name": "a"}}),
        ("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", {}),
    ],
)
async def test_nothing_that_is_wanted(api: Api, method: str, path: str, body: Any) -> None:
    await begin(api)
    content = "application/merge-patch+json" if method == "PATCH" else "application/json"
    headers = {"accept": "text/html", "content-type": content}
    answer = await api.do(method, path, body, headers, code=406)
    assert (answer["message"], answer["reason"]) == (REFUSED, "NotAcceptable")
    # Nothing has been done before that.
    assert [i["metadata"]["name"] for i in (await api.get(MAPS))["items"]] == ["a"]


@pytest.mark.parametrize("accept", ["application/yaml", "application/yaml, application/json"])
async def test_watches_are_json_or_protobuf(api: Api, accept: str) -> None:
    answer = await api.raw("GET", f"{MAPS}?watch=1", headers={"accept": accept})
    assert answer.status == 406
    assert f"only the following media types are accepted: application/json;stream=watch, {PB};stream=watch" in text(
        answer
    )


async def test_the_stream_of_a_watch_may_be_named(api: Api) -> None:
    await begin(api)
    ((event),) = await api.watch(f"{MAPS}?watch=1", 1, headers={"accept": "application/json;stream=watch"})
    assert event["object"]["metadata"]["name"] == "a"


@pytest.mark.parametrize(("method", "path"), [("POST", MAPS), ("PUT", f"{MAPS}/a"), ("DELETE", f"{MAPS}/a")])
async def test_bodies_of_unknown_types(api: Api, method: str, path: str) -> None:
    await begin(api)
    for content in ("text/plain", "application/x-yaml", "application/cbor", "application/json; charset"):
        answer = await api.do(method, path, config_map("a"), {"content-type": content}, code=415)
        assert (answer["message"], answer["reason"]) == (UNKNOWN, "UnsupportedMediaType")
    await api.get(f"{MAPS}/a")


async def test_patches_of_unknown_types(api: Api) -> None:
    await begin(api)
    for content in ("application/json", "application/merge-patch+yaml", PB, ""):
        answer = await api.do("PATCH", f"{MAPS}/a", {}, {"content-type": content}, code=415)
        assert answer["message"] == PATCHES


@pytest.mark.parametrize(
    ("content", "body", "why"),
    [
        (
            "application/json",
            b"",
            "couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
        ),
        (
            "application/json",
            b'{"metadata": {"name": "abcdefghijklm"}',
            "couldn't get version/kind; json parse error: unexpected end of JSON input "
            '({"metadata": {"name": "abcdefg ...)',
        ),
        (
            "application/json; charset=utf-8",
            b"\x1f\x8b\x08",
            "couldn't get version/kind; json parse error: invalid character '\\x1f' looking for beginning of value (1f8b08)",
        ),
        (PB, b"", "empty data (<empty>)"),
        (
            PB,
            b"{}",
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({})",
        ),
        (PB, b"k8s\x00", "empty body (6b387300)"),
        (PB, b"k8s\x00\x0a\x05", "unexpected EOF (6b3873000a05)"),
    ],
)
async def test_bodies_that_are_no_objects(api: Api, content: str, body: bytes, why: str) -> None:
    answer = await api.do("POST", MAPS, body, {"content-type": content}, code=400)
    assert answer["message"] == f"the object provided is unrecognized (must be of type ConfigMap): {why}"


async def test_broken_protobuf_of_a_known_kind(api: Api) -> None:
    head = b"k8s\x00\x0a\x0f\x0a\x02v1\x12\x09ConfigMap"
    answer = await api.do("POST", MAPS, head + b"\x12\x02\x0a\x05", {"content-type": PB}, code=400)
    assert answer["message"] == 'ConfigMap in version "v1" cannot be handled as a ConfigMap: unexpected EOF'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("application/json", "couldn't get version/kind; json parse error: unexpected end of JSON input"),
        (PB, "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"),
    ],
)
async def test_options_that_are_no_objects(api: Api, content: str, why: str) -> None:
    await begin(api)
    answer = await api.do("DELETE", f"{MAPS}/a", b"{", {"content-type": content}, code=400)
    assert answer["message"] == why


async def test_people_get_indented_json(api: Api) -> None:
    await begin(api)
    for headers, query in (
        ({"user-agent": "curl/8.5.0"}, ""),
        ({}, "?pretty=true"),
        ({"accept": "application/json;pretty=1"}, ""),
    ):
        for path in (f"{MAPS}/a", MAPS, f"{MAPS}/no", "/api", "/apis/apps/v1"):
            answer = text(await api.raw("GET", path + query, headers=headers))
            assert answer.startswith('{\n  "kind": "')
    assert text(await api.raw("GET", f"{MAPS}/a?pretty=false", headers={"user-agent": "curl/8.5.0"})).startswith(
        '{"kind":'
    )
    made = await api.raw("POST", f"{MAPS}?pretty=1", config_map("b"))
    assert text(made).startswith('{\n  "kind": "ConfigMap"')
    # A stream of events has one a line, whoever reads it.
    ((event),) = await api.watch(f"{MAPS}?watch=1&pretty=true&fieldSelector=metadata.name=b", 1)
    assert event["type"] == "ADDED"


async def test_writes_answer_with_what_is_wanted(api: Api) -> None:
    table = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    made = await api.post(PODS, pod("a"), headers=table)
    assert (made["kind"], made["rows"][0]["cells"][0], made["columnDefinitions"][0]["name"]) == ("Table", "a", "Name")
    metadata = {"accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"}
    patched = await api.do(
        "PATCH",
        f"{PODS}/a",
        {"metadata": {"labels": {"x": "y"}}},
        {**metadata, "content-type": "application/merge-patch+json"},
    )
    assert (patched["kind"], patched["metadata"]["labels"]) == ("PartialObjectMetadata", {"x": "y"})
    assert "spec" not in patched
    listed = {"accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    gone = await api.delete(PODS, headers=listed)
    assert (gone["kind"], len(gone["items"])) == ("PartialObjectMetadataList", 1)


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", f"{PODS}/a/binding", "Binding"),
        ("POST", f"{PODS}/a/eviction", "Eviction"),
        ("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", "TokenRequest"),
        ("PUT", "/api/v1/namespaces/default/replicationcontrollers/a/scale", "Scale"),
        ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", "SubjectAccessReview"),
        ("PUT", f"{MAPS}/a", "ConfigMap"),
    ],
)
async def test_requests_that_are_no_objects(api: Api, method: str, path: str, kind: str) -> None:
    begin = f"the object provided is unrecognized (must be of type {kind}): "
    answer = await api.do(method, path, b"[1", {"content-type": PB}, code=400)
    assert answer["message"].startswith(f"{begin}provided data does not appear to be a protobuf message")
    answer = await api.do(method, path, b"{", code=400)
    assert answer["message"] == f"{begin}couldn't get version/kind; json parse error: unexpected end of JSON input ({{)"
    answer = await api.do(method, path, b'{"metadata": 3}', code=400)
    assert "cannot be handled as a " + kind in answer["message"]
