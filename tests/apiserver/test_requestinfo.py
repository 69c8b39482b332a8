"""What a path asks for: resources, other paths, and paths that mean nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.apiserver.requestinfo import Query, parse

CASES = [
    ("GET", "/api/v1/pods", "", "list ||v1|pods||", ""),
    ("GET", "/api/v1/pods", "watch=true", "watch ||v1|pods||", ""),
    ("GET", "/api/v1/pods", "watch=false", "list ||v1|pods||", ""),
    ("GET", "/api/v1/pods", "watch=0", "list ||v1|pods||", ""),
    ("GET", "/api/v1/namespaces/x/pods", "", "list |x|v1|pods||", ""),
    ("POST", "/api/v1/namespaces/x/pods", "", "create |x|v1|pods||", ""),
    ("GET", "/api/v1/namespaces/x/pods/a", "", "get |x|v1|pods|a|", ""),
    ("HEAD", "/api/v1/namespaces/x/pods/a", "", "get |x|v1|pods|a|", ""),
    ("PUT", "/api/v1/namespaces/x/pods/a/status", "", "update |x|v1|pods|a|status", ""),
    ("PATCH", "/apis/apps/v1/namespaces/x/deployments/d", "", "patch apps|x|v1|deployments|d|", ""),
    ("DELETE", "/api/v1/namespaces/x/pods", "", "deletecollection |x|v1|pods||", ""),
    ("DELETE", "/api/v1/namespaces/x/pods/a", "", "delete |x|v1|pods|a|", ""),
    ("GET", "/api/v1/namespaces", "", "list ||v1|namespaces||", ""),
    ("GET", "/api/v1/namespaces/x", "", "get |x|v1|namespaces|x|", ""),
    ("PUT", "/api/v1/namespaces/x/finalize", "", "update |x|v1|namespaces|x|finalize", ""),
    ("PUT", "/api/v1/namespaces/x/status", "", "update |x|v1|namespaces|x|status", ""),
    ("GET", "/api/v1/watch/namespaces/x/pods", "", "watch |x|v1|pods||", ""),
    ("GET", "/api/v1/watch/namespaces/x/pods/a", "", "watch |x|v1|pods|a|", ""),
    ("GET", "/api/v1/nodes/n/proxy/stats/summary", "", "get ||v1|nodes|n|proxy", "stats/summary"),
    ("GET", "/apis/apps/v1/deployments/", "", "list apps||v1|deployments||", ""),
]


@pytest.mark.parametrize(("method", "path", "query", "expected", "rest"), CASES, ids=lambda v: str(v))
def test_resource_paths(method: str, path: str, query: str, expected: str, rest: str) -> None:
    info = parse(method, path, Query(query))
    parts = (info.group, info.namespace, info.version, info.resource, info.name, info.subresource)
    assert f"{info.verb} {'|'.join(parts)}" == expected
    assert info.is_resource
    assert info.rest == rest


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/version", "/livez/ping"]
)
def test_other_paths(path: str) -> None:
    info = parse("GET", path, Query(""))
    assert (info.is_resource, info.verb, info.path) == (False, "get", path)


@given(st.sampled_from(["GET", "POST", "PUT", "DELETE", "FOO"]), st.text(max_size=60), st.text(max_size=30))
def test_never_fails(method: str, path: str, query: str) -> None:
    for prefix in ("/", "/api/v1/", "/apis/a/v1/"):
        parse(method, prefix + path, Query(query))


def test_query() -> None:
    query = Query("a=1&a=2&b=&c=true&d=False")
    assert query.get("a") == "1"
    assert query.all("a") == ["1", "2"]
    assert query.has("b")
    assert not query.has("x")
    assert (query.flag("b"), query.flag("c"), query.flag("d"), query.flag("x")) == (True, True, False, False)
