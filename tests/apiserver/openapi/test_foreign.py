"""Documents of other servers: cut down, put beside our own, turned into version 3."""

from __future__ import annotations

from typing import Any

from steersman.apiserver.openapi import foreign


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


def test_only() -> None:
    document = {
        "parameters": {"p": {"name": "p", "in": "query", "type": "string"}},
        "paths": {
            "/apis/a/v1/": {"get": {"responses": {"200": {"schema": ref("A")}}}},
            "/apis/a/v1beta1/": {"get": {"responses": {"200": {"schema": ref("C")}}}},
            "/apis/a/v1/x": {
                "parameters": [{"$ref": "#/parameters/p"}, {"$ref": "#/parameters/unknown"}],
                "post": {"consumes": ["a/b"], "parameters": [{"$ref": "#/parameters/p"}]},
            },
        },
        "definitions": {"A": {"properties": {"b": {"items": ref("B")}}}, "B": ref("A"), "C": {}},
    }
    found = foreign.only(document, "/apis/a/v1/")
    assert list(found["paths"]) == ["/apis/a/v1/", "/apis/a/v1/x"]
    assert list(found["definitions"]) == ["A", "B"]
    item = found["paths"]["/apis/a/v1/x"]
    assert item["parameters"] == [{"name": "p", "in": "query", "type": "string"}]
    assert item["post"]["consumes"] == ["a/b"]
    assert item["post"]["responses"] == {}
    assert found["paths"]["/apis/a/v1/"]["get"]["responses"]["200"] == {"description": "", "schema": ref("A")}


def test_merge_renames_what_means_something_else() -> None:
    own = {"Meta": {"type": "object"}, "Time": {"type": "string"}, "Meta_v2": {}}
    into: dict[str, Any] = {"paths": {"/a": "ours"}, "definitions": {"Mine": {}}}
    other = {
        "paths": {"/a": "theirs", "/b": {"get": {"schema": ref("Flunder")}}},
        "definitions": {
            "Flunder": {"properties": {"metadata": ref("Meta"), "time": ref("Time"), "list": ref("Wrap")}},
            "Meta": {"type": "string"},
            "Time": {"type": "string"},
            "Wrap": {"items": ref("Meta")},
        },
    }
    own["Wrap"] = {"items": ref("Meta")}
    foreign.merge(into, own, [other])
    assert into["paths"] == {"/a": "ours", "/b": {"get": {"schema": ref("Flunder")}}}
    properties = {"metadata": ref("Meta_v3"), "time": ref("Time"), "list": ref("Wrap_v2")}
    assert into["definitions"] == {
        "Mine": {},
        "Flunder": {"properties": properties},
        "Meta_v3": {"type": "string"},
        "Wrap_v2": {"items": ref("Meta_v3")},
    }


def test_merging_the_same_twice_adds_nothing() -> None:
    into: dict[str, Any] = {"paths": {}, "definitions": {}}
    other = {"paths": {"/b": {}}, "definitions": {"A": {"type": "object"}}}
    foreign.merge(into, {}, [other, other])
    assert into == other


def test_to_v3() -> None:
    document = foreign.only(
        {
            "paths": {
                "/apis/a/v1/x": {
                    "parameters": [{"name": "n", "in": "path", "type": "string", "required": True}],
                    "put": {
                        "operationId": "o",
                        "produces": ["application/json", "application/yaml"],
                        "parameters": [
                            {"name": "q", "in": "query", "type": "integer", "description": "d"},
                            {"name": "body", "in": "body", "required": True, "schema": ref("A")},
                        ],
                        "responses": {"200": {"description": "OK", "schema": ref("A")}, "204": {}},
                    },
                }
            },
            "definitions": {"A": {"properties": {"a": ref("A")}}},
        },
        "/apis/a/v1/",
    )
    found = foreign.to_v3(document, "v1.37.0")
    there = {"schema": {"$ref": "#/components/schemas/A"}}
    item = found["paths"]["/apis/a/v1/x"]
    assert item["parameters"] == [{"name": "n", "in": "path", "required": True, "schema": {"type": "string"}}]
    assert item["put"] == {
        "operationId": "o",
        "parameters": [{"name": "q", "in": "query", "description": "d", "schema": {"type": "integer"}}],
        "requestBody": {"required": True, "content": {"*/*": there}},
        "responses": {
            "200": {"description": "OK", "content": {"application/json": there, "application/yaml": there}},
            "204": {"description": ""},
        },
    }
    assert found["components"]["schemas"] == {"A": {"properties": {"a": there["schema"]}}}
