"""Log rotation in place."""

import os
from pathlib import Path

from steersman.cmd.rotation import rotate


def test_small_and_missing_logs_stay(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert not rotate(str(log), 4)
    log.write_bytes(b"1234")
    assert not rotate(str(log), 4)
    assert os.listdir(tmp_path) == ["a.log"]


def test_a_writer_goes_on_in_the_emptied_file(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with open(log, "ab", buffering=0) as writer:
        for round_ in (b"first", b"second", b"third"):
            writer.write(round_)
            assert rotate(str(log), 3, keep=2)
        writer.write(b"now")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a.log": b"now",
        "a.log.1": b"third",
        "a.log.2": b"second",
    }
