"""The catalogue of plugins, and scaling of scores."""

from pathlib import Path

import numpy as np
import pytest

from steersman.scheduler.framework import discover, normalize

GOLDEN = Path(__file__).parent / "golden" / "plugins.txt"


def test_catalogue():
    lines = []
    for plugin in discover():
        words = [plugin.name]
        if plugin.filter is not None:
            words.append("filter")
        if plugin.score is not None:
            words.append(f"score*{plugin.weight}")
        lines.append(" ".join(words))
    assert "\n".join(lines) + "\n" == GOLDEN.read_text()


@pytest.mark.parametrize(
    ("raw", "reverse", "expected"),
    [
        ([0, 5, 10], False, [0, 50, 100]),
        ([0, 1, 3], False, [0, 33, 100]),
        ([0, 1, 3], True, [100, 67, 0]),
        ([0, 0, 0], False, [0, 0, 0]),
        ([0, 0, 0], True, [100, 100, 100]),
    ],
)
def test_normalize(raw, reverse, expected):
    assert normalize(np.array(raw), np.ones(3, bool), reverse=reverse).tolist() == expected


def test_only_feasible_nodes_set_the_scale():
    found = normalize(np.array([5, 10, 1000]), np.array([True, True, False]))
    assert found[:2].tolist() == [50, 100]
