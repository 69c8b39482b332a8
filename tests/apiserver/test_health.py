"""Health endpoints, readiness during the start, version and metrics."""

import pytest
from tests.apiserver.conftest import PODS, Api

from steersman.api.http import User


async def text(api: Api, path: str, code: int = 200) -> str:
    response = await api.raw("GET", path)
    assert response.status == code
    assert isinstance(response.body, bytes)
    return response.body.decode()


@pytest.mark.parametrize("root", ["livez", "readyz", "healthz"])
async def test_health(api: Api, root: str) -> None:
    nobody = api.as_(None)
    assert await text(nobody, f"/{root}") == "ok"
    verbose = await text(nobody, f"/{root}?verbose")
    assert verbose.startswith("[+]ping ok\n")
    assert verbose.endswith(f"{root} check passed\n")
    assert "[+]ping excluded: ok" in await text(nobody, f"/{root}?verbose&exclude=ping")
    # What a single check says is for those who watch over the cluster.
    await nobody.get(f"/{root}/ping", code=403)
    await nobody.get(f"/{root}/no", code=403)
    monitor = api.as_(User("prometheus", ("system:monitoring", "system:authenticated")))
    assert await text(monitor, f"/{root}/ping") == "ok"
    await monitor.get(f"/{root}/no", code=404)


@pytest.mark.parametrize("root", ["livez", "readyz", "healthz"])
@pytest.mark.parametrize("step", ["poststarthook/rbac/bootstrap-roles", "autoregister-completion", "etcd"])
async def test_steps_of_the_start(api: Api, root: str, step: str) -> None:
    assert await text(api, f"/{root}/{step}") == "ok"
    assert f"[+]{step} ok\n" in await text(api, f"/{root}?verbose=1")


async def test_not_ready(api: Api) -> None:
    await api.app.close()
    answer = await text(api, "/readyz", 500)
    assert "[-]informer-sync failed: reason withheld" in answer
    assert answer.endswith("readyz check failed\n")
    assert await text(api, "/livez") == "ok"


async def test_version(api: Api) -> None:
    version = await api.as_(None).get("/version")
    assert (version["major"], version["minor"]) == ("1", "37")
    assert version["gitVersion"].startswith("v1.37.0+steersman")
    int(version["gitCommit"], 16)


async def test_metrics(api: Api) -> None:
    await api.get(PODS)
    await api.get(f"{PODS}/no", code=404)
    answer = await text(api, "/metrics")
    assert (
        'apiserver_request_total{verb="LIST",dry_run="",group="",version="v1",resource="pods",subresource="",'
        'scope="namespace",component="apiserver",code="200"} 1\n' in answer
    )
    assert 'apiserver_resource_objects{group="",resource="namespaces"} 4\n' in answer
    assert answer.count("# TYPE apiserver_resource_objects gauge") == 1
    bucket = 'apiserver_request_duration_seconds_bucket{verb="LIST",dry_run="",group="",version="v1",resource="pods"'
    assert f'{bucket},subresource="",scope="namespace",component="apiserver",le="+Inf"}} 1\n' in answer


async def test_what_anybody_may_ask_for_makes_no_series(api: Api) -> None:
    stranger = api.as_(None)
    for path in ('/apis/a"b/v1/x', f"{PODS}/x/peculiar", "/apis/apps/v2/deployments"):
        await stranger.get(path, headers={"authorization": "Bearer wrong"}, code=401)
    await api.raw("BREW", "/x")
    await api.as_(User("joe")).get(f"{PODS}/x/log", code=403)
    answer = await text(api, "/metrics")
    assert (
        'apiserver_request_total{verb="LIST",dry_run="",group="",version="",resource="",subresource="",scope="",'
        'component="apiserver",code="401"} 2\n' in answer
    )
    assert (
        'verb="OTHER",dry_run="",group="",version="",resource="",subresource="",scope="",component="apiserver",code="405"} 1\n'
        in answer
    )
    assert (
        'verb="CONNECT",dry_run="",group="",version="v1",resource="pods",subresource="log",scope="resource",component="apiserver",code="403"} 1\n'
        in answer
    )
    assert 'authentication_attempts{result="error"} 3\n' in answer
    for word in ("BREW", "peculiar", 'version="v2"', 'a"b', 'a\\"b'):
        assert word not in answer


async def test_other_methods(api: Api) -> None:
    await api.post("/version", {}, code=405)
