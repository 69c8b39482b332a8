"""Resource paths, object keys, generated names and timestamps."""

from datetime import UTC, datetime

import pytest

from steersman.api import meta

PODS = meta.Resource("", "v1", "pods", "Pod", True)
NODES = meta.Resource("", "v1", "nodes", "Node", False)
DEPLOYMENTS = meta.Resource("apps", "v1", "deployments", "Deployment", True)


@pytest.mark.parametrize(
    ("resource", "args", "path"),
    [
        (PODS, (), "/api/v1/pods"),
        (PODS, ("ns", "web", "log"), "/api/v1/namespaces/ns/pods/web/log"),
        (NODES, ("", "a", "status"), "/api/v1/nodes/a/status"),
        (NODES, ("ignored", "a"), "/api/v1/nodes/a"),
        (DEPLOYMENTS, ("ns",), "/apis/apps/v1/namespaces/ns/deployments"),
    ],
)
def test_path(resource: meta.Resource, args: tuple[str, ...], path: str) -> None:
    assert resource.path(*args) == path


@pytest.mark.parametrize(("namespace", "name", "key"), [("a", "b", "a/b"), ("", "b", "b")])
def test_keys(namespace: str, name: str, key: str) -> None:
    assert meta.object_key(namespace, name) == key


def test_a_generated_name_fits_a_label() -> None:
    name = meta.generate_name("x" * 100)
    assert len(name) == 63
    assert meta.generate_name("web-").startswith("web-")


def test_times_round_trip() -> None:
    moment = datetime(2030, 1, 2, 3, 4, 5, 678901, UTC)
    assert meta.format_time(moment) == "2030-01-02T03:04:05Z"
    assert meta.parse_time(meta.format_micro_time(moment)) == moment
    with pytest.raises(ValueError, match="no zone"):
        meta.parse_time("2030-01-02T03:04:05")


def test_years_are_written_with_four_digits() -> None:
    assert meta.format_time(datetime(1, 1, 1, 0, 0, 2, tzinfo=UTC)) == "0001-01-01T00:00:02Z"
