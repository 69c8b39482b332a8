#!/bin/sh
# `make down`: stop the cluster that `make up` started; its data is kept.
set -eu
cd "$(dirname "$0")/.."
if ! [ -x .venv/bin/steer ]; then
    echo "There is nothing to stop: make up was not run here." >&2
    exit 0
fi
if [ "$(id -u)" = 0 ]; then exec .venv/bin/steer down; else exec sudo -E "$PWD/.venv/bin/steer" down; fi
