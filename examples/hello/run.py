#!/usr/bin/env python3
"""What `make up` ends with: the image `hello:v1` built and loaded, a Deployment and a Service of it, and its URL.

    run.py [--name CLUSTER] [--data-dir DIR] [--kubeconfig FILE]

Needs `steer` and `kubectl` on the PATH and a cluster that runs.
"""

import argparse
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
# A new endpoint takes a moment to reach the service rules of host and nodes.
PATIENCE = 30.0
POLL = 0.2


def run(*command: str | Path) -> str:
    """Run a command, and end with what it said when it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}")
    return done.stdout.strip()


def answer(url: str) -> str | None:
    """The page at this URL, or None when nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return str(response.read().decode()).strip()
    except (urllib.error.URLError, OSError):
        return None


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--name", default="default", help="the cluster")
    parser.add_argument("--data-dir")
    parser.add_argument("--kubeconfig")
    arguments = parser.parse_args()
    cluster = ["--name", arguments.name, *(["--data-dir", arguments.data_dir] if arguments.data_dir else [])]
    kubectl = ["kubectl", "--context", f"steersman-{arguments.name}"]
    if arguments.kubeconfig:
        kubectl += ["--kubeconfig", arguments.kubeconfig]

    with tempfile.TemporaryDirectory() as directory:
        archive = Path(directory, "hello.tar")
        run(sys.executable, HERE / "build.py", archive, "v1")
        run("steer", "image", "load", *cluster, archive)
    print(run(*kubectl, "apply", "-f", HERE / "deployment.yaml", "-f", HERE / "service.yaml"))
    print(run(*kubectl, "rollout", "status", "deployment/hello", "--timeout=120s"))

    port = run(*kubectl, "get", "service", "hello", "-o", "jsonpath={.spec.ports[0].nodePort}")
    addresses = run(*kubectl, "get", "nodes", "-o", "jsonpath={.items[*].status.addresses[0].address}").split()
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for address in ("127.0.0.1", *addresses):
            url = f"http://{address}:{port}/"
            page = answer(url)
            if page is not None:
                print(f"\n{url}\n{page}")
                return 0
        time.sleep(POLL)
    sys.exit(f"nothing answers on port {port} of 127.0.0.1 and {', '.join(addresses)}; see: steer status")


if __name__ == "__main__":
    sys.exit(main())
