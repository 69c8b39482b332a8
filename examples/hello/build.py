#!/usr/bin/env python3
"""Builds the image `hello` from this machine's static busybox, without Docker and without a registry.

    build.py OUTPUT.tar VERSION...

writes one OCI layout tar with an image `hello:VERSION` for each version; `steer image load OUTPUT.tar` takes it.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from steersman.kubelet.archive import Entry, ImageContent, write_oci

HERE = Path(__file__).parent
BUSYBOX = Path("/bin/busybox")
NOBODY = 65534


def base_layer(busybox: Path) -> list[Entry]:
    """A root file system: busybox under every name it has, a place to write, and the two users."""
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    return [
        Entry(path="bin/busybox", source=busybox, mode=0o755),
        *(Entry(path=f"bin/{applet}", link="busybox") for applet in listed if applet != "busybox"),
        Entry(path="etc/passwd", data=b"root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/tmp:/bin/sh\n"),
        Entry(path="etc/group", data=b"root:x:0:\nnobody:x:65534:\n"),
        Entry(path="tmp", directory=True, mode=0o1777),
    ]


def image(version: str, base: Sequence[Entry]) -> ImageContent:
    """`hello:VERSION`: the base with the server on top. All versions share the base layer."""
    return ImageContent(
        name=f"hello:{version}",
        layers=[base, [Entry(path="server", source=HERE / "server", mode=0o755)]],
        entrypoint=["/server"],
        env={"PATH": "/bin", "VERSION": version},
        user=str(NOBODY),
        labels={"org.opencontainers.image.title": "hello", "org.opencontainers.image.version": version},
    )


def build(output: Path, versions: Sequence[str], busybox: Path = BUSYBOX) -> list[str]:
    """Write the archive; returns the names of the images in it."""
    base = base_layer(busybox)
    images = [image(version, base) for version in versions]
    with output.open("wb") as file:
        write_oci(images, file)
    return [built.name for built in images]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("versions", nargs="+", metavar="version")
    parser.add_argument("--busybox", type=Path, default=BUSYBOX, help="a statically linked busybox")
    arguments = parser.parse_args()
    if not arguments.busybox.exists():
        sys.exit(f"there is no {arguments.busybox}; install it with: apt-get install busybox-static")
    print("\n".join(build(arguments.output, arguments.versions, arguments.busybox)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
