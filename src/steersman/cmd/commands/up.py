"""`steer up`: start a cluster and return when it is usable."""

import argparse
import functools
import os
import select
import signal
import socket
import sys
from typing import Literal

from steersman.cmd.command import Command, add_cluster_arguments
from steersman.cmd.configfile import ConfigError, parse_duration


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_cluster_arguments(parser)
    nodes = parser.add_mutually_exclusive_group()
    nodes.add_argument("--nodes", type=_count, metavar="N", help="real nodes on this machine (default 1; needs root)")
    nodes.add_argument(
        "--no-nodes", action="store_const", const=0, dest="nodes", help="the control plane alone; needs no rights"
    )
    parser.add_argument(
        "--simulate", type=_count, metavar="N", help="add N nodes whose pods are pretended; needs no rights"
    )
    parser.add_argument("--store", metavar="URL", help="where objects are kept: sqlite:///FILE (default) or memory://")
    parser.add_argument("--port", type=_port, metavar="P", help="port of the API server (default: a free one)")
    parser.add_argument("--kubeconfig", metavar="FILE", help="merge into this file instead of kubectl's usual one")
    _add_settings(parser)
    parser.add_argument(
        "--wait",
        type=_duration,
        default=120.0,
        metavar="DURATION",
        help="give up when the cluster is not usable after so long, such as 90s or 2m; 0 does not wait (default 2m)",
    )
    parser.add_argument(
        "--foreground", action="store_true", help="stay until interrupted, then stop the cluster (data is kept)"
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """What the parts are told; a cluster keeps it until another value is given."""
    parser.add_argument(
        "--legacy-service-account-tokens",
        action=argparse.BooleanOptionalAction,
        help="make every service account a Secret with a token that never expires, as Kubernetes before 1.24 (default: no)",
    )
    parser.add_argument(
        "--runtime-config",
        type=_settings,
        metavar="K=V,K=V",
        help="API versions switched on and off, such as extensions/v1beta1=false or api/legacy=false (default: those that "
        "Kubernetes serves, and those that it has served)",
    )
    parser.add_argument(
        "--apiserver-arg",
        dest="apiserver_args",
        type=functools.partial(_part_arg, "APISERVER"),
        action="append",
        metavar="NAME=VALUE",
        help="set what `steer apiserver --NAME` sets, such as audit-policy-file=FILE; may be repeated; NAME= goes back to "
        "what it was",
    )
    parser.add_argument(
        "--kubelet-arg",
        dest="kubelet_args",
        type=functools.partial(_part_arg, "KUBELET"),
        action="append",
        metavar="NAME=VALUE",
        help="the same for the kubelets of real nodes, such as allowed-unsafe-sysctls=kernel.msg*",
    )
    encryption = parser.add_mutually_exclusive_group()
    encryption.add_argument(
        "--secrets-encryption",
        nargs="?",
        const="on",
        choices=("on", "off"),
        help="encrypt Secrets in the store with a key that is made for this cluster (default: off)",
    )
    encryption.add_argument(
        "--encryption-provider-config",
        metavar="FILE",
        help="encrypt in the store what this EncryptionConfiguration says",
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 < number < 65536:
        raise ValueError
    return number


def _settings(text: str) -> dict[str, str]:
    from steersman.apiserver.runtimeconfig import RuntimeConfig, RuntimeConfigError

    found = {key: value or "true" for key, _, value in (pair.partition("=") for pair in text.split(",") if pair)}
    try:
        RuntimeConfig.of(found)
    except RuntimeConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return found


def _part_arg(part: Literal["APISERVER", "KUBELET"], text: str) -> tuple[str, str]:
    from steersman.cmd import part_args

    known = part_args.APISERVER if part == "APISERVER" else part_args.KUBELET
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return known.check(name, value)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _absolute(file: str | None) -> str | None:
    return os.path.abspath(os.path.expanduser(file)) if file else file


def _duration(text: str) -> float:
    return parse_duration(text)


# argparse names the type in its error.
_count.__name__, _port.__name__, _duration.__name__ = "number", "port", "duration"


def _run(arguments: argparse.Namespace) -> int:
    from steersman.cmd.place import place
    from steersman.cmd.report import Steps
    from steersman.cmd.up import Wish, up

    where = place(arguments.name, arguments.data_dir)
    steps = Steps()
    wish = Wish(
        nodes=arguments.nodes,
        simulate=arguments.simulate,
        legacy_service_account_tokens=arguments.legacy_service_account_tokens,
        runtime_config=arguments.runtime_config,
        apiserver_args=dict(arguments.apiserver_args) if arguments.apiserver_args else None,
        kubelet_args=dict(arguments.kubelet_args) if arguments.kubelet_args else None,
        secrets_encryption=arguments.secrets_encryption,
        encryption_provider_config=_absolute(arguments.encryption_provider_config),
        store=arguments.store,
        port=arguments.port,
        kubeconfig=os.path.abspath(os.path.expanduser(arguments.kubeconfig)) if arguments.kubeconfig else None,
        wait=arguments.wait,
    )
    # SIGTERM undoes a half-made start just as ^C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config = up(where, wish, steps)
    steps.say(f"Cluster {where.name} is up ({steps.total():.1f} s).")
    print(f"https://127.0.0.1:{config.port}", flush=True)
    option = f" --kubeconfig {config.kubeconfig}" if config.kubeconfig else ""
    steps.say(f"Next: kubectl{option} get {'nodes' if config.nodes or config.simulate else 'namespaces'}")
    if not arguments.foreground:
        return 0
    return _stay(where)


def _stay(where: object) -> int:
    """Until a signal asks to stop, or the supervisor ends."""
    from steersman.cmd import lifecycle, processes
    from steersman.cmd.place import Place

    assert isinstance(where, Place)
    supervisor = processes.find(where.supervision.pidfile)
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    if supervisor is not None:
        ended, _, _ = select.select([reader.fileno(), supervisor.fd], [], [])
        if supervisor.fd in ended:
            print("steer: the supervisor has ended; `steer up` starts it again", file=sys.stderr)
            return 1
    lifecycle.stop(where.load(), where)
    return 0


COMMAND = Command("start a cluster and return when it is usable", _arguments, _run)
