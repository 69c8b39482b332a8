"""Programs on other people's clients, each against a server that it does not know to be a special one."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.running import TIMEOUT, ControlPlane

PROGRAMS = Path(__file__).parent / "programs"


@pytest.mark.parametrize("name", sorted(path.stem for path in PROGRAMS.glob("*.py")))
def test_runs_to_its_end(plane: ControlPlane, name: str) -> None:
    """Creates, watches, patches, applies and deletes objects, built-in ones and its own."""
    done = subprocess.run(
        [sys.executable, str(PROGRAMS / f"{name}.py")],
        env=plane.environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert done.stdout.splitlines()[-1:] == ["done"], done.stderr
