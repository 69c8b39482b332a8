"""One control plane for all client programs."""

from collections.abc import Iterator

import pytest
from tests.running import ControlPlane, control_plane


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("clients")) as running:
        yield running
