"""The pytest plugin: a fixture `steersman_cluster`, one fresh cluster per test, set up by the marker of the same name.

    @pytest.mark.steersman_cluster(nodes=3, controllers=("deployment", "replicaset"))
    async def test_rollout(steersman_cluster): ...

The marker takes what `Cluster` takes. Async tests need pytest-asyncio, or anyio's plugin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from steersman.testing.cluster import Cluster

_fixture: Any
try:
    import pytest_asyncio

    # Its own decorator works in its strict mode too.
    _fixture = pytest_asyncio.fixture
except ModuleNotFoundError:
    # Then anyio's plugin runs plain async fixtures.
    _fixture = pytest.fixture

MARKER = "steersman_cluster"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARKER}(**options): options of the test's steersman.testing.Cluster.")


@_fixture  # type: ignore[untyped-decorator]
async def steersman_cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """A running `steersman.testing.Cluster`."""
    from steersman.testing.cluster import Cluster

    marker = request.node.get_closest_marker(MARKER)
    options: dict[str, Any] = dict(marker.kwargs) if marker else {}
    async with Cluster(**options) as cluster:
        yield cluster
