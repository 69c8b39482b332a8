#!/bin/sh
# Installs what `make` targets need, and only what is missing: Debian packages and the virtual environment .venv.
#   install.sh               for `make up`: what real nodes run on, kubectl, the package
#   install.sh --test        for `make test`: the same and the test tools
#   install.sh --venv EXTRAS the virtual environment alone, with these extras
# Works as root or with sudo, asks nothing, and does nothing when everything is there.
set -eu
cd "$(dirname "$0")/.."

say() { echo "install: $*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Programs of /usr/sbin count as installed even when a user's PATH lacks it.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

missing=""
need() { # need PACKAGE TEST...: add the package when the test fails
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

packages() {
    need containerd command -v containerd
    need containerd command -v runc
    need containernetworking-plugins cni_plugins
    need nftables command -v nft
    need iproute2 command -v ip
    need conntrack command -v conntrack
    need busybox-static static_busybox
    need kubernetes-client command -v kubectl
}

cni_plugins() {
    for directory in /usr/lib/cni /opt/cni/bin /usr/libexec/cni; do
        [ -x "$directory/ptp" ] && [ -x "$directory/host-local" ] && [ -x "$directory/loopback" ] && return 0
    done
    return 1
}

# The example's image is made of it: it must not need libraries.
static_busybox() { [ -x /bin/busybox ] && ! ldd /bin/busybox; }

install_packages() {
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        say "this is no Debian: install these yourself:$missing"
        exit 1
    fi
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; then
        say "root is needed to install:$missing"
        exit 1
    fi
    say "installing$missing"
    # A list that is missing or old is fetched once; the first try saves that time where it is fresh.
    apt_install 2>/dev/null || {
        as_root apt-get update -qq </dev/null >&2
        apt_install
    }
    missing=""
}

# What apt-get says on its way is of interest when it fails; its errors always are.
apt_install() {
    # shellcheck disable=SC2086
    said=$(as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y -q \
        --no-install-recommends $missing </dev/null 2>&1) && return 0
    echo "$said" >&2
    return 1
}

# The first Python of 3.11 or newer, of the machine's or the user's own.
find_python() {
    for name in python3 /usr/bin/python3 python3.13 python3.12 python3.11; do
        found=$(command -v "$name" 2>/dev/null) || continue
        "$found" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$found" && return 0
    done
    return 1
}

make_venv() { # make_venv EXTRAS
    wanted="$1 $(cat pyproject.toml | cksum) $(pwd)"
    if [ -x .venv/bin/python ] && [ "$(cat .venv/installed 2>/dev/null)" = "$wanted" ]; then
        return 0
    fi
    python=$(find_python) || {
        missing="python3 python3-venv"
        install_packages
        python=$(find_python)
    }
    # The programs in an environment name the directory it was made in.
    moved=false
    [ -e .venv/installed ] && [ "$(cut -d' ' -f4- .venv/installed)" != "$(pwd)" ] && moved=true
    if $moved || ! [ -x .venv/bin/pip ]; then
        # Debian's python3 has venv without ensurepip until python3-venv is there.
        "$python" -c 'import ensurepip, venv' 2>/dev/null || {
            missing="python3-venv"
            install_packages
        }
        say "making .venv with $("$python" --version)"
        rm -rf .venv
        "$python" -m venv .venv
    fi
    say "installing steersman[$1] into .venv"
    .venv/bin/pip install -q --disable-pip-version-check --no-input -e ".[$1]" </dev/null >&2
    # Compiled once here, also where the environment tells Python not to: each start of a part would compile it all again.
    .venv/bin/python -m compileall -q src >/dev/null
    echo "$wanted" >.venv/installed
}

case "${1:-}" in
--venv)
    make_venv "$2"
    ;;
--test)
    packages
    install_packages
    make_venv dev,explain
    ;;
"")
    packages
    install_packages
    # A working tree that runs tests has more in its environment; it is enough for a cluster as well.
    [ "$(cut -d' ' -f1 .venv/installed 2>/dev/null)" = dev,explain ] && make_venv dev,explain || make_venv explain
    ;;
*)
    say "unknown argument $1"
    exit 2
    ;;
esac
