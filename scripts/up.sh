#!/bin/sh
# `make up`: a cluster with one node, and a small web Deployment in it whose address is printed at the end.
set -eu
cd "$(dirname "$0")/.."
steer="$PWD/.venv/bin/steer"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -E "$@"; fi
}

as_root "$steer" up
if [ -x examples/hello/run.sh ]; then
    as_root env PATH="$PWD/.venv/bin:$PATH" examples/hello/run.sh
fi
