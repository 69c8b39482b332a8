"""The tour of examples/tour, from outside: a real cluster, real containers, kubectl; with and without kills, and the storm."""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.node

TOUR = Path(__file__).parents[2] / "examples" / "tour" / "tour.py"
STEER = Path(sys.executable).with_name("steer")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("tour", []),
        ("chaos", ["--only", "tour", "--chaos"]),
        ("storm", ["--only", "storm"]),
    ],
)
def test_tour(name: str, arguments: Sequence[str]) -> None:
    # Not tmp_path: the sockets of a cluster need a short one. And a name of its own: what was interrupted may run on.
    with tempfile.TemporaryDirectory(prefix="tour-") as work:
        # What is promised is for a machine that has nothing else to do.
        own = ["--name", f"{name}-{secrets.token_hex(2)}", "--work", work, "--times", "10"]
        done = subprocess.run(
            [sys.executable, TOUR, "--steer", STEER, *own, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert not Path(work, "data").exists()
