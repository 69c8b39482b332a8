"""How long a test waits for its cluster: whole processes from their start to a usable cluster, and what it is made of.

python benchmarks/testing_cluster.py [--runs N] [--nodes N]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

# What one measured process does. Times are from the start of the interpreter's first line; the whole is measured outside.
SCRIPT = """
import time
start = time.perf_counter()
import asyncio
from steersman.testing import Cluster
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


def measure(nodes: int, controllers: bool, cache: str) -> tuple[float, float, float, float, float]:
    """Seconds: the whole process until its cluster is usable, its CPU time, imports, first start, second start.

    Modules come from bytecode in `cache`, as they do wherever the package is installed.
    """
    script = SCRIPT.format(nodes=nodes, controllers=controllers) + "\nasyncio.run(main())\n"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {
        "PYTHONPYCACHEPREFIX": cache
    }
    used, before = cpu(), time.perf_counter()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    whole, used = time.perf_counter() - before, cpu() - used
    imports, first, second = map(float, done.stdout.split())
    return whole - second, used - second, imports, first, second


def cpu() -> float:
    """CPU seconds of all ended children."""
    times = resource.getrusage(resource.RUSAGE_CHILDREN)
    return times.ru_utime + times.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--nodes", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        for controllers in (True, False):
            measure(args.nodes, controllers, cache)
            runs = [measure(args.nodes, controllers, cache) for _ in range(args.runs)]
            whole, used, imports, first, second = (statistics.median(c) * 1000 for c in zip(*runs, strict=True))
            print(f"{args.nodes} nodes, {'all' if controllers else 'no'} controllers, median of {args.runs} processes:")
            print(
                f"  start of the process to a usable cluster {whole:.0f} ms (CPU {used:.0f}; imports {imports:.0f}, start {first:.0f})"
            )
            print(f"  another cluster in the same process {second:.0f} ms")


if __name__ == "__main__":
    main()
