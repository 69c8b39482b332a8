"""What a process says of itself."""

import os
import time

from steersman.http import process


def test_this_process():
    found = {metric.name: metric for metric in process.metrics()}
    assert set(found) == {
        "process_cpu_seconds_total",
        "process_max_fds",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_virtual_memory_bytes",
    }
    values = {name: metric.values[()] for name, metric in found.items()}
    assert 0 < values["process_cpu_seconds_total"] <= sum(os.times()[:2]) + 1
    assert 1 << 20 < values["process_resident_memory_bytes"] < values["process_virtual_memory_bytes"]
    assert 3 <= values["process_open_fds"] <= values["process_max_fds"]
    assert process.started() == values["process_start_time_seconds"] <= time.time() + 1


def test_a_name_with_spaces_and_brackets(tmp_path):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text(f"7 (a) b) S {' '.join(['0'] * 18)} {2 * os.sysconf('SC_CLK_TCK')} 0 0\n")
    (tmp_path / "stat").write_text("cpu 1 2 3\nbtime 1000\n")
    assert process.started(7, tmp_path) == 1002
