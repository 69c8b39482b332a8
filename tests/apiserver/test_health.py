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
@pytest.mark.parametrize(
    "step", ["poststarthook/rbac/bootstrap-roles", "poststarthook/storage-readiness", "autoregister-completion", "etcd"]
)
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


async def test_checks_are_counted(api: Api) -> None:
    for _ in range(3):
        await text(api, "/livez")
    await text(api, "/readyz?exclude=ping")
    told = (await text(api, "/metrics/slis")).splitlines()
    for line in (
        'kubernetes_healthcheck{name="etcd",type="livez"} 1',
        'kubernetes_healthchecks_total{name="etcd",type="livez",status="success"} 3',
        'kubernetes_healthchecks_total{name="etcd",type="readyz",status="success"} 1',
    ):
        assert line in told
    assert not [line for line in told if 'name="ping",type="readyz"' in line or 'type="healthz"' in line]
    assert any(line.startswith("process_start_time_seconds ") for line in told)
    assert not [line for line in told if line.startswith("apiserver_")]
    await api.app.close()
    await text(api, "/readyz", 500)
    told = (await text(api, "/metrics/slis")).splitlines()
    assert 'kubernetes_healthcheck{name="informer-sync",type="readyz"} 0' in told
    assert 'kubernetes_healthchecks_total{name="informer-sync",type="readyz",status="error"} 1' in told


async def test_who_may_read_metrics(api: Api) -> None:
    monitor = api.as_(User("prometheus", ("system:monitoring", "system:authenticated")))
    for path in ("/metrics", "/metrics/slis"):
        await text(monitor, path)
        await api.as_(User("joe")).get(path, code=403)


async def test_the_process(api: Api) -> None:
    told = await text(api, "/metrics")
    assert 'kubernetes_build_info{major="1",minor="37",git_version="v1.37.0' in told
    assert "\nprocess_resident_memory_bytes " in told


async def test_other_methods(api: Api) -> None:
    await api.post("/version", {}, code=405)
