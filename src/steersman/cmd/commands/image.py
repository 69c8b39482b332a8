"""`steer image load|ls|rm`: images of the nodes, without a registry."""

import argparse
import functools
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from steersman.cmd.command import Command, add_cluster_arguments
from steersman.cmd.errors import CommandError


def _arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="load|ls|rm")
    load = verbs.add_parser("load", help="put images from files (OCI layout or `docker save` tar) into every node")
    load.add_argument("files", nargs="+", metavar="FILE", type=Path)
    listing = verbs.add_parser("ls", help="list the images of every node")
    remove = verbs.add_parser("rm", help="remove images from every node")
    remove.add_argument("images", nargs="+", metavar="IMAGE")
    for verb in (load, listing, remove):
        add_cluster_arguments(verb)


def sockets(arguments: argparse.Namespace) -> dict[str, str]:
    """The runtime's socket of every node, by the node's name. Raises CommandError when there is none to talk to."""
    from steersman.cmd import lifecycle, machine, plan
    from steersman.cmd.place import existing

    where = existing(arguments.name, arguments.data_dir)
    names = plan.node_names(where.load())
    if not names:
        raise CommandError(f"cluster {where.name} has no real nodes, and simulated ones need no images")
    if os.geteuid() != 0:
        raise CommandError("the nodes' container runtime belongs to root: use sudo")
    if not any(lifecycle.part_alive(where, name) for name in names):
        raise CommandError(f"cluster {where.name} does not run; start it with `steer up`")
    os.environ["PATH"] = machine.search_path(os.environ)
    return {name: str(where.node(name) / "containerd.sock") for name in names}


def _run(arguments: argparse.Namespace) -> int:
    import asyncio

    return asyncio.run({"load": _load, "ls": _list, "rm": _remove}[arguments.verb](arguments))


async def _on_all(nodes: dict[str, str], work: Callable[[str], Awaitable[object]]) -> None:
    """The same work on every node at once; one message for all that failed."""
    import asyncio

    from steersman.kubelet.images import ImageError

    results = await asyncio.gather(*(work(socket) for socket in nodes.values()), return_exceptions=True)
    failed = []
    for node, result in zip(nodes, results, strict=True):
        if isinstance(result, ImageError | OSError):
            failed.append(f"{node}: {result}")
        elif isinstance(result, BaseException):
            raise result
    if failed:
        raise CommandError("; ".join(dict.fromkeys(failed)))


async def _import(file: Path, names: list[str], socket: str) -> None:
    from steersman.kubelet import images

    names[:] = await images.load(socket, file)


async def _load(arguments: argparse.Namespace) -> int:
    nodes = sockets(arguments)
    for file in arguments.files:
        if not file.is_file():
            raise CommandError(f"there is no file {file}")
    for file in arguments.files:
        names: list[str] = []
        await _on_all(nodes, functools.partial(_import, file, names))
        print("\n".join(names))
    print(f"Loaded into {', '.join(nodes)}.", file=sys.stderr)
    return 0


async def _list(arguments: argparse.Namespace) -> int:
    from steersman.kubelet import images

    nodes = sockets(arguments)
    rows: dict[tuple[str, str, int], list[str]] = {}

    async def add(node: str, socket: str) -> None:
        for image in await images.list_images(socket):
            for tag in image.repo_tags or ("<none>",):
                rows.setdefault((tag, image.id.removeprefix("sha256:")[:12], image.size_bytes), []).append(node)

    names = {socket: node for node, socket in nodes.items()}
    await _on_all(nodes, lambda socket: add(names[socket], socket))
    print(f"{'IMAGE':60}  {'ID':12}  {'SIZE':>9}  NODES")
    for (tag, identity, size), holders in sorted(rows.items()):
        print(f"{tag:60}  {identity:12}  {size / 1e6:6.1f} MB  {', '.join(sorted(holders))}")
    return 0


async def _remove(arguments: argparse.Namespace) -> int:
    nodes = sockets(arguments)
    for image in arguments.images:
        await _on_all(nodes, functools.partial(_forget, image))
        print(image)
    return 0


async def _forget(image: str, socket: str) -> None:
    from steersman.kubelet import images

    await images.remove(socket, image)


COMMAND = Command("images of the nodes: load, ls, rm", _arguments, _run)
