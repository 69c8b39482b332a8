"""The fixture that the pytest plugin gives to everybody's tests."""

import subprocess
import sys

import pytest

from steersman.kinds.types.core_v1 import Node


@pytest.mark.steersman_cluster(nodes=2, controllers=False)
async def test_marker(steersman_cluster):
    assert len((await steersman_cluster.client.list(Node)).items) == 2


def test_costs_other_peoples_test_runs_nothing():
    code = "import sys, steersman.testing.pytest_plugin as p; print(sorted(m for m in sys.modules if m.startswith('steersman')))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert (
        found.strip()
        == "['steersman', 'steersman.testing', 'steersman.testing.importing', 'steersman.testing.pytest_plugin']"
    )
