#!/bin/sh
# `make up`: a cluster with one node, and a small web Deployment in it whose address is printed at the end.
set -eu
cd "$(dirname "$0")/.."
steer="$PWD/.venv/bin/steer"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -E "$@"; fi
}

as_root "$steer" up
as_root env PATH="$PWD/.venv/bin:$PATH" .venv/bin/python examples/hello/run.py
