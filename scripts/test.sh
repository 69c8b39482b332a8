#!/bin/sh
# Runs all tests. Those that make nodes need root; sudo is used where it asks nothing.
set -eu
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"
if [ "$(id -u)" != 0 ] && sudo -n true 2>/dev/null; then
    exec sudo -n env PATH="$PATH" "$PWD/.venv/bin/python" -m pytest "$@" </dev/null
fi
exec "$PWD/.venv/bin/python" -m pytest "$@" </dev/null
