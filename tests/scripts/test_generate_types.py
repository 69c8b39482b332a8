"""The generated types are those that the script makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TYPES = ROOT / "src" / "steersman" / "kinds" / "types"


def test_generating_again_gives_the_same_files(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "generate_types.py"), "--target", str(tmp_path)],
        check=True,
        capture_output=True,
    )
    made = {p.name: p.read_text() for p in tmp_path.glob("*.py")}
    assert made == {p.name: p.read_text() for p in TYPES.glob("*.py")}
