"""Requests as they are counted: series by upstream's labels, sizes, objectives, and what is going on at present."""

from __future__ import annotations

import asyncio

import pytest
from tests.apiserver.conftest import PODS, Api, pod

from steersman.apiserver.metrics import Key, Metrics

LIST: Key = ("list", "", "v1", "pods", "", "namespace", "", 200)
LABELS = 'group="",version="v1",resource="pods",subresource="",scope="namespace",component="apiserver"'


def lines(metrics: Metrics, name: str) -> list[str]:
    return [line for line in metrics.render().splitlines() if line.startswith(name)]


@pytest.mark.parametrize(
    ("key", "labels"),
    [
        (LIST, f'verb="LIST",dry_run="",{LABELS},code="200"'),
        (
            ("create", "", "v1", "pods", "", "resource", "All", 201),
            'verb="POST",dry_run="All",group="",version="v1",resource="pods",subresource="",scope="resource",'
            'component="apiserver",code="201"',
        ),
        (
            ("get", "", "v1", "pods", "exec", "resource", "", 101),
            'verb="CONNECT",dry_run="",group="",version="v1",resource="pods",subresource="exec",scope="resource",'
            'component="apiserver",code="101"',
        ),
        (
            ("deletecollection", "apps", "v1", "deployments", "", "namespace", "", 200),
            'verb="DELETE",dry_run="",group="apps",version="v1",resource="deployments",subresource="",'
            'scope="namespace",component="apiserver",code="200"',
        ),
    ],
)
def test_labels(key: Key, labels: str) -> None:
    metrics = Metrics()
    metrics.observe(key, 0.01, b"")
    assert lines(metrics, "apiserver_request_total{") == [f"apiserver_request_total{{{labels}}} 1"]


def test_codes_share_durations() -> None:
    metrics = Metrics()
    for _ in range(100):
        metrics.observe(LIST, 0.01, b"x" * 5000)
    metrics.observe((*LIST[:7], 500), 0.3, b"x")
    told = "\n".join(lines(metrics, "apiserver_request_duration_seconds"))
    assert f'bucket{{verb="LIST",dry_run="",{LABELS},le="0.005"}} 0\n' in told
    assert f'bucket{{verb="LIST",dry_run="",{LABELS},le="0.025"}} 100\n' in told
    assert f'bucket{{verb="LIST",dry_run="",{LABELS},le="60"}} 101\n' in told
    assert f'count{{verb="LIST",dry_run="",{LABELS}}} 101' in told
    sizes = "\n".join(lines(metrics, "apiserver_response_sizes"))
    assert f'bucket{{verb="LIST",{LABELS},le="1000"}} 1\n' in sizes
    assert f'bucket{{verb="LIST",{LABELS},le="10000"}} 101\n' in sizes
    assert 'le="1e+09"} 101\n' in sizes


def test_only_whole_answers_to_reads_are_measured() -> None:
    metrics = Metrics()
    metrics.observe(("create", "", "v1", "pods", "", "resource", "", 201), 0.1, b"xx")
    metrics.observe(LIST, 0.1, iter(()))
    metrics.observe(("get", "", "", "", "/livez", "", "", 200), 0.1, b"ok")
    assert lines(metrics, "apiserver_response_sizes") == []


async def test_what_was_waited_for_is_no_matter_of_objectives() -> None:
    metrics = Metrics()
    metrics.excuse(0.5)
    metrics.excuse(0.25)
    metrics.observe(LIST, 1.0, b"")
    # That was another request.
    metrics.observe(LIST, 1.0, b"")
    told = "\n".join(lines(metrics, "apiserver_request_sli_duration_seconds"))
    assert f'bucket{{verb="LIST",{LABELS},le="0.2"}} 0\n' in told
    assert f'bucket{{verb="LIST",{LABELS},le="0.4"}} 1\n' in told
    assert f'bucket{{verb="LIST",{LABELS},le="1"}} 2\n' in told
    assert f'sum{{verb="LIST",{LABELS}}} 1.25' in told
    assert 'le="0.005"' not in told


async def test_dry_runs_are_no_matter_of_objectives() -> None:
    metrics = Metrics()
    metrics.excuse(0.5)
    metrics.observe(("create", "", "v1", "pods", "", "resource", "All", 201), 1.0, b"")
    assert lines(metrics, "apiserver_request_sli_duration_seconds") == []


def test_the_most_of_a_second_is_told() -> None:
    metrics = Metrics()
    for _ in range(3):
        metrics.writing.enter()
    metrics.writing.now -= 3
    metrics.tick()
    assert 'apiserver_current_inflight_requests{request_kind="mutating"} 3' in lines(metrics, "apiserver_current")
    metrics.tick()
    assert 'apiserver_current_inflight_requests{request_kind="mutating"} 0' in lines(metrics, "apiserver_current")
    assert 'apiserver_current_inqueue_requests{request_kind="readOnly"} 0' in lines(metrics, "apiserver_current")


async def test_events_of_watches(api: Api) -> None:
    await api.post(PODS, pod("a"), code=201)
    assert len(await api.watch(f"{PODS}?watch=1", 1)) == 1
    told = api.app.metrics.render().splitlines()
    labels = 'group="",version="v1",resource="pods"'
    assert f"apiserver_watch_events_total{{{labels}}} 1" in told
    assert f'apiserver_watch_events_sizes_bucket{{{labels},le="131072"}} 1' in told


async def test_requests_of_a_server(api: Api) -> None:
    await api.post(f"{PODS}?dryRun=All", pod("dry"), code=201)
    await api.post(PODS, pod("a"), code=201)
    await api.get(f"{PODS}/a")
    await api.get("/api/v1/namespaces")
    await api.raw("GET", "/livez")
    watching = await api.raw("GET", f"{PODS}?watch=1")
    told = (await asyncio.to_thread(api.app.metrics.render)).splitlines()
    pods = 'group="",version="v1",resource="pods",subresource=""'
    for line in (
        f'apiserver_request_total{{verb="POST",dry_run="All",{pods},scope="resource",component="apiserver",code="201"}} 1',
        f'apiserver_request_total{{verb="POST",dry_run="",{pods},scope="resource",component="apiserver",code="201"}} 1',
        f'apiserver_request_total{{verb="GET",dry_run="",{pods},scope="resource",component="apiserver",code="200"}} 1',
        f'apiserver_response_sizes_count{{verb="GET",{pods},scope="resource",component="apiserver"}} 1',
        f'apiserver_longrunning_requests{{verb="WATCH",{pods},scope="namespace",component="apiserver"}} 1',
        'apiserver_request_total{verb="GET",dry_run="",group="",version="",resource="",subresource="/livez",scope="",'
        'component="apiserver",code="200"} 1',
    ):
        assert line in told
    assert api.app.metrics.reading.now == api.app.metrics.writing.now == 0
    await watching.body.aclose()  # type: ignore[union-attr]
    assert api.app.metrics.watches == 0
