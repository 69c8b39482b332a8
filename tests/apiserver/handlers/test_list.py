"""GET of a collection."""

import json

import pytest
from tests.apiserver.conftest import MAPS, PODS, Api, config_map, pod


def names(answer: dict[str, list[dict[str, dict[str, str]]]]) -> list[str]:
    return [i["metadata"]["name"] for i in answer["items"]]


async def fill(api: Api, count: int) -> None:
    for i in range(count):
        body = config_map(f"m{i}")
        body["metadata"]["labels"] = {"n": str(i), "odd": str(i % 2)}
        await api.post(MAPS, body)


async def test_everything(api: Api) -> None:
    await fill(api, 3)
    answer = await api.get(MAPS)
    assert answer["kind"] == "ConfigMapList"
    assert answer["metadata"] == {"resourceVersion": str(api.app.store.revision)}
    assert names(answer) == ["m0", "m1", "m2"]
    assert answer["items"][0] == await api.get(f"{MAPS}/m0")
    assert names(await api.get("/api/v1/configmaps")) == names(answer)
    assert names(await api.get("/api/v1/namespaces/kube-system/configmaps")) == []
    assert await api.get(f"{MAPS}?limit=-1") == answer


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("labelSelector=odd=1", ["m1", "m3"]),
        ("labelSelector=n in (0,3)", ["m0", "m3"]),
        ("labelSelector=!n", []),
        ("labelSelector=odd!=1,n!=0", ["m2"]),
        ("fieldSelector=metadata.name=m2", ["m2"]),
        ("fieldSelector=metadata.name!=m2&labelSelector=odd=0", ["m0"]),
        ("fieldSelector=metadata.namespace=x", []),
    ],
)
async def test_selectors(api: Api, query: str, expected: list[str]) -> None:
    await fill(api, 4)
    assert names(await api.get(f"{MAPS}?{query}")) == expected


async def test_own_fields(api: Api) -> None:
    await api.post(PODS, pod("a"))
    await api.post(PODS, pod("b"))
    await api.post(f"{PODS}/b/binding", {"target": {"name": "n"}})
    assert names(await api.get(f"{PODS}?fieldSelector=spec.nodeName=n")) == ["b"]
    assert names(await api.get(f"{PODS}?fieldSelector=spec.nodeName=")) == ["a"]
    assert names(await api.get(f"{PODS}?fieldSelector=status.phase!=Pending")) == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (f"{PODS}?fieldSelector=spec.foo=x", "field label not supported: spec.foo"),
        (
            f"{MAPS}?fieldSelector=data=x",
            '"data" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        (f"{MAPS}?fieldSelector=x", "invalid selector: 'x'; can't understand 'x'"),
        (f"{MAPS}?labelSelector=a b", "unable to parse requirement"),
        (f"{MAPS}?limit=x", "invalid syntax"),
        (f"{MAPS}?limit=9223372036854775808", "value out of range"),
        (
            f"{MAPS}?continue=x",
            "invalid continue token: continue key is not valid: illegal base64 data at input byte 0",
        ),
    ],
)
async def test_bad_request(api: Api, path: str, message: str) -> None:
    answer = await api.get(path, code=400)
    assert answer["reason"] == "BadRequest"
    assert message in answer["message"]


@pytest.mark.parametrize("path", ["/version", "/healthz", "/apis", MAPS, f"{MAPS}/no", "/no"])
@pytest.mark.parametrize("timeout", ["invalid", "5", "1m2", "1h" * 33, "1" * 5000])
async def test_timeouts_that_are_none(api: Api, path: str, timeout: str) -> None:
    """Nobody has to be known for that."""
    answer = await api.as_(None).get(f"{path}?timeout={timeout}", code=400)
    assert answer["reason"] == "BadRequest"
    assert answer["message"].startswith("invalid timeout specified in the request URL - time: ")
    assert len(answer["message"]) < 200


@pytest.mark.parametrize("timeout", ["", "0", "0s", "3m", "-1s", "1h30m", "1.5s"])
async def test_timeouts(api: Api, timeout: str) -> None:
    await api.get(f"{MAPS}?timeout={timeout}")


async def test_what_lasts_has_no_timeout(api: Api) -> None:
    response = await api.raw("GET", f"{MAPS}?watch=1&timeout=invalid&timeoutSeconds=1")
    assert response.status == 200
    assert not isinstance(response.body, bytes)
    await response.body.aclose()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("resourceVersionMatch=Exact", "resourceVersionMatch is forbidden unless resourceVersion is provided"),
        ("resourceVersion=1&resourceVersionMatch=Foo", "resourceVersionMatch: Unsupported value"),
        ("resourceVersion=0&resourceVersionMatch=Exact", "is forbidden for resourceVersion"),
        ("sendInitialEvents=true", "sendInitialEvents is forbidden for list"),
        ("resourceVersion=x", "resourceVersion: Invalid value"),
    ],
)
async def test_invalid(api: Api, query: str, message: str) -> None:
    assert message in (await api.get(f"{MAPS}?{query}", code=422))["message"]


async def test_pages_show_one_moment(api: Api) -> None:
    await fill(api, 5)
    first = await api.get(f"{MAPS}?limit=2")
    assert names(first) == ["m0", "m1"]
    assert first["metadata"]["remainingItemCount"] == 3
    # What changes between the pages is not seen.
    await api.delete(f"{MAPS}/m3")
    await api.post(MAPS, config_map("m9"))
    second = await api.get(f"{MAPS}?limit=2&continue={first['metadata']['continue']}")
    assert names(second) == ["m2", "m3"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    third = await api.get(f"{MAPS}?limit=2&continue={second['metadata']['continue']}")
    assert names(third) == ["m4"]
    assert "continue" not in third["metadata"]


async def test_pages_with_a_selector(api: Api) -> None:
    await fill(api, 6)
    first = await api.get(f"{MAPS}?limit=2&labelSelector=odd=1")
    assert names(first) == ["m1", "m3"]
    assert "remainingItemCount" not in first["metadata"]
    second = await api.get(f"{MAPS}?limit=2&labelSelector=odd=1&continue={first['metadata']['continue']}")
    assert names(second) == ["m5"]


async def test_an_old_token_expires_but_can_be_gone_on_with(api: Api) -> None:
    await fill(api, 4)
    first = await api.get(f"{MAPS}?limit=2")
    await api.delete(f"{MAPS}/m2")
    await api.app.store.compact(api.app.store.revision)
    answer = await api.get(f"{MAPS}?limit=2&continue={first['metadata']['continue']}", code=410)
    assert answer["reason"] == "Expired"
    assert "The provided continue parameter is too old" in answer["message"]
    rest = await api.get(f"{MAPS}?limit=2&continue={answer['metadata']['continue']}")
    assert names(rest) == ["m3"]


async def test_a_past_state(api: Api) -> None:
    await fill(api, 2)
    then = (await api.get(MAPS))["metadata"]["resourceVersion"]
    await api.delete(f"{MAPS}/m0")
    assert names(await api.get(f"{MAPS}?resourceVersion={then}&resourceVersionMatch=Exact")) == ["m0", "m1"]
    assert names(await api.get(f"{MAPS}?resourceVersion={then}&resourceVersionMatch=NotOlderThan")) == ["m1"]
    assert names(await api.get(f"{MAPS}?resourceVersion=0")) == ["m1"]


async def test_another_version_converts(api: Api) -> None:
    target = {"apiVersion": "x.io/v1", "kind": "X", "name": "x"}
    metrics = {"metadata": {"name": "a"}, "spec": {"scaleTargetRef": target, "maxReplicas": 3}}
    path = "namespaces/default/horizontalpodautoscalers"
    await api.post(f"/apis/autoscaling/v2/{path}", metrics)
    for version in ("v1", "v2"):
        answer = await api.get(f"/apis/autoscaling/{version}/{path}")
        assert answer["apiVersion"] == f"autoscaling/{version}"
        one = await api.get(f"/apis/autoscaling/{version}/{path}/a")
        assert one["apiVersion"] == f"autoscaling/{version}"
        assert one["spec"]["maxReplicas"] == 3


async def test_a_long_list_comes_in_pieces_of_one_moment(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steersman.apiserver.handlers.list.STREAMED", 8)
    monkeypatch.setattr("steersman.apiserver.handlers.list._PIECE", 4)
    await fill(api, 8)
    expected = await api.get(MAPS)
    await api.post(MAPS, config_map("m8"))
    response = await api.raw("GET", f"{MAPS}?limit=9")
    assert not isinstance(response.body, bytes)
    pieces = [await anext(response.body)]
    # Too late to be told of.
    await api.delete(f"{MAPS}/m0")
    pieces += [piece async for piece in response.body]
    answer = json.loads(b"".join(pieces))
    assert len(pieces) == 4
    assert answer["metadata"]["resourceVersion"] == str(int(expected["metadata"]["resourceVersion"]) + 1)
    assert names(answer) == [f"m{n}" for n in range(9)]
    assert answer["items"][:8] == expected["items"]


@pytest.mark.parametrize(
    ("query", "code", "why"),
    [
        ("resourceVersion=18446744073709551616", 422, "value out of range"),
        (f"resourceVersion={'9' * 5000}", 422, "value out of range"),
        (f"limit={'9' * 5000}", 400, "value out of range"),
        ("limit=1_0", 400, "invalid syntax"),
        ("limit=%D9%A1", 400, "invalid syntax"),
        ("limit=+1", 400, "invalid syntax"),
    ],
)
async def test_numbers_that_are_none(api: Api, query: str, code: int, why: str) -> None:
    assert why in (await api.get(f"{MAPS}?{query}", code=code))["message"]


async def test_a_list_of_many_bytes_comes_in_pieces(api: Api) -> None:
    """However few its objects are."""
    for number in range(7):
        await api.post(MAPS, config_map(f"m{number}", a="x" * 500_000))
    answer = await api.raw("GET", MAPS, headers={"accept": "application/json"})
    assert not isinstance(answer.body, bytes)
    pieces = [piece async for piece in answer.body]
    assert max(map(len, pieces)) < 600_000
    assert names(json.loads(b"".join(pieces))) == [f"m{number}" for number in range(7)]
