"""How long a test waits for its cluster: whole processes from their start to a usable cluster, and what it is made of.

python benchmarks/testing_cluster.py [--runs N] [--nodes N]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

# What one measured process does. Times are from the start of the interpreter's first line; the whole is measured outside.
SCRIPT = """
import time
start = time.perf_counter()
import asyncio
from steersman.testing.cluster import Cluster
imported = time.perf_counter()
async def main():
    async with Cluster(nodes={nodes}, controllers={controllers}):
        ready = time.perf_counter()
    ended = time.perf_counter()
    async with Cluster(nodes={nodes}, controllers={controllers}):
        again = time.perf_counter()
    print(imported - start, ready - imported, again - ended, flush=True)
    import os
    os._exit(0)
"""
# Leaving the process is not part of being ready: the script prints and goes.


def measure(nodes: int, controllers: bool) -> tuple[float, float, float, float]:
    """Seconds: interpreter and imports and start together as seen from outside, imports, first start, second start."""
    script = SCRIPT.format(nodes=nodes, controllers=controllers) + "\nasyncio.run(main())\n"
    before = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    whole = time.perf_counter() - before
    imports, first, second = map(float, done.stdout.split())
    return whole - second, imports, first, second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--nodes", type=int, default=3)
    args = parser.parse_args()
    for controllers in (True, False):
        runs = [measure(args.nodes, controllers) for _ in range(args.runs)]
        medians = [statistics.median(column) * 1000 for column in zip(*runs, strict=True)]
        what = f"{args.nodes} nodes, {'all' if controllers else 'no'} controllers"
        print(
            f"{what}: whole process {medians[0]:.0f} ms = imports {medians[1]:.0f}, first start {medians[2]:.0f}",
            end="",
        )
        print(f" (+ interpreter); another cluster in the same process {medians[3]:.0f} ms")


if __name__ == "__main__":
    main()
