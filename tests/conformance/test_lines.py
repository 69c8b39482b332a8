"""Kubernetes' conformance tests since 1.21 that need no container, in `lines.txt`: each has a test that is named after it."""

import ast
from pathlib import Path

HERE = Path(__file__).parent


def sentences():
    """What the tests here say that they show."""
    for file in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield ast.get_docstring(node)


def test_every_line_has_its_test():
    lines = (HERE / "lines.txt").read_text().splitlines()
    assert len(lines) == len(set(lines)) == 78
    assert set(lines) - set(sentences()) == set()
