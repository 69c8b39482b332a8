"""When objects change last, and events that go after their hour."""

from datetime import UTC, datetime

import pytest
from tests.apiserver.conftest import MAPS, Api, config_map

from steersman.apiserver.expiry import expire, last_change

EVENTS = "/api/v1/namespaces/default/events"


@pytest.mark.parametrize(
    ("value", "hour"),
    [
        (b'{"metadata":{"creationTimestamp":"2020-01-01T01:00:00Z"}}', 1),
        (b'{"metadata":{"creationTimestamp":"2020-01-01T01:00:00Z"},"lastTimestamp":"2020-01-01T02:00:00Z"}', 2),
        (
            b'{"metadata":{"creationTimestamp":"2020-01-01T01:00:00Z"},"eventTime":"2020-01-01T02:00:00.000000Z",'
            b'"series":{"count":2,"lastObservedTime":"2020-01-01T03:00:00.000000Z"}}',
            3,
        ),
    ],
)
def test_last_change(value: bytes, hour: int) -> None:
    assert last_change(value) == datetime(2020, 1, 1, hour, tzinfo=UTC)


async def test_events_go_after_an_hour(api: Api) -> None:
    for name in ("a", "b"):
        body = {
            "metadata": {"name": name},
            "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"},
            "lastTimestamp": "2027-01-15T08:00:00Z",
        }
        await api.post(EVENTS, body)
    await api.post(MAPS, config_map())
    await api.patch(f"{EVENTS}/b", {"lastTimestamp": "2027-01-15T09:00:00Z"})
    await api.clock.advance(1801)
    assert await expire(api.app.registries, 0.0, api.clock.now()) == 0
    assert await expire(api.app.registries, 3600.0, api.clock.now()) == 0
    await api.clock.advance(1800)
    assert await expire(api.app.registries, 3600.0, api.clock.now()) == 1
    left = (await api.get(EVENTS))["items"]
    assert [e["metadata"]["name"] for e in left] == ["b"]
    await api.get(f"{MAPS}/a")
