"""Starting, stopping and removing a cluster of this machine: the steps, in the order in which they depend on each other."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from steersman.cmd import control, encryption, kubeconfig, notify, plan, processes, slots
from steersman.cmd.config import ClusterConfig, NodeConfig
from steersman.cmd.configfile import save
from steersman.cmd.errors import CommandError
from steersman.cmd.machine import search_path
from steersman.cmd.place import Place
from steersman.cmd.report import Deadline
from steersman.cmd.supervisor import Paths
from steersman.network import removal
from steersman.pki.files import write_atomic

SUPERVISOR_PATIENCE = 60.0
# All parts, one after another, may take their grace.
STOP_PATIENCE = 120.0
LOG_LINES = 5


# Files


def write_files(config: ClusterConfig, place: Place) -> None:
    """Everything the processes of the cluster read. Certificates that are good stay; the rest is written anew."""
    write_credentials(config, place)
    encryption.ensure(place, config.secrets_encryption)
    for name, part in plan.part_configs(config, place).items():
        save(part, place.part_config(name))
        if isinstance(part, NodeConfig):
            _write_node(part)
    write_kubeconfigs(config, place)
    held = [[plan.LOOPBACK, port] for port in plan.ports(config)]
    specs = {"parts": plan.specs(config, place), "ports": held, "chores": plan.chores(place)}
    write_atomic(place.directory / "supervisor.json", json.dumps(specs, indent=1).encode())


def write_kubeconfigs(config: ClusterConfig, place: Place) -> None:
    """Those of the parts, with their certificates of now."""
    ca = place.pki.ca.cert.read_bytes()
    for name, (credential, address) in plan.credentials(config, place).items():
        access = kubeconfig.Access(
            place.context,
            plan.server_url(config, address),
            ca,
            credential.cert.read_bytes(),
            credential.key.read_bytes(),
        )
        # JSON is YAML too, and quicker to write and to read.
        write_atomic(place.part_kubeconfig(name), json.dumps(access.document()).encode())
    for name in plan.node_names(config):
        server = plan.server_url(config, plan.host_address(config))
        access = kubeconfig.Access(place.context, server, ca, pair=str(plan.kubelet_pair(place, name)))
        write_atomic(place.part_kubeconfig(f"{name}-kubelet"), json.dumps(access.document()).encode())


def _write_node(node: NodeConfig) -> None:
    # Imported here: it brings the container runtime's modules, which a cluster without nodes does without.
    from steersman.cmd.node_files import write_node_files

    write_node_files(node)


def write_credentials(config: ClusterConfig, place: Place, anew: Collection[str] = ()) -> None:
    """Certificates and keys. Those that are good for a while stay, but for those whose names are in `anew`."""
    from steersman.pki import layout

    now = datetime.now(UTC)
    network = plan.addresses(config)
    extra = (plan.host_address(config),)
    hosts = layout.apiserver_hosts(str(network.api_service), socket.gethostname(), extra)
    layout.ensure_cluster(place.pki, hosts, now, anew)
    if config.simulate:
        layout.ensure_simulation(place.pki, plan.SIMULATED, now, anew)


def access(config: ClusterConfig, place: Place) -> kubeconfig.Access:
    """How the administrator reaches the cluster."""
    pki = place.pki
    return kubeconfig.Access(
        place.context,
        plan.server_url(config),
        pki.ca.cert.read_bytes(),
        pki.admin.cert.read_bytes(),
        pki.admin.key.read_bytes(),
    )


# The supervisor


def running(place: Place) -> bool:
    """Whether a supervisor keeps this cluster."""
    return ask(place, {"op": "status"}) is not None


def ask(place: Place, request: dict[str, Any]) -> dict[str, Any] | None:
    """The supervisor's answer, or None when there is no supervisor."""
    if not os.path.exists(place.supervision.socket):
        return None
    try:
        return control.call(place.supervision.socket, request)
    except control.ControlError:
        return None


def part_alive(place: Place, name: str) -> bool:
    """Whether a part's process runs, with a supervisor or without."""
    found = processes.find(place.supervision.part_pidfile(name))
    if found is None:
        return False
    found.close()
    return True


def start_supervisor(place: Place, *flags: str) -> int:
    """Start the supervisor in the background; returns its pid once it listens. Raises CommandError."""
    paths = place.supervision
    os.makedirs(paths.logs, mode=0o700, exist_ok=True)
    ready, address = notify.listen()
    environment = {**os.environ, "PATH": search_path(os.environ), "NOTIFY_SOCKET": address}
    command = [sys.executable, "-P", "-m", "steersman.cmd.supervisor", str(place.directory), *flags]
    with _uninterrupted(), ready, open(paths.log("supervisor.log"), "ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
        ended = os.pidfd_open(process.pid)
        try:
            select.select([ready.fileno(), ended], [], [], SUPERVISOR_PATIENCE)
            if notify.receive(ready) is None:
                process.kill()
                process.wait()
                raise CommandError(f"the supervisor does not start: {tail(Path(log.name))}")
        finally:
            os.close(ended)
    # It is meant to outlive this process, so its end is not waited for.
    process.returncode = 0
    return process.pid


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold ^C back: interrupted halfway, we would not know that there is a process to stop."""
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda got, _: came.append(got)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt


class PartError(CommandError):
    """A part does not start: why, the end of its log, and where the rest is, unless that goes with a cluster that never was.

    What is in the log before `start` (bytes) is of earlier starts, and not told.
    """

    def __init__(self, reason: str, log: Path, start: int = 0) -> None:
        super().__init__(f"{reason}\n{tail(log, start=start)}")
        self._log = log

    def __str__(self) -> str:
        told = super().__str__()
        return f"{told}\nThe whole log: {self._log}" if self._log.exists() else told


def log_sizes(place: Place) -> Mapping[Path, int]:
    """How long each log of the cluster and its nodes is, in bytes."""
    found = (log for pattern in ("logs/*.log", "nodes/*/logs/*.log") for log in place.directory.glob(pattern))
    return {log: log.stat().st_size for log in found}


def wait_part(place: Place, name: str, timeout: float, earlier: Mapping[Path, int] | None = None) -> None:
    """Until a part is ready. Raises CommandError with the end of its log when it fails or takes too long.

    `earlier` is what `log_sizes` has found before the start.
    """
    try:
        control.call(place.supervision.socket, {"op": "wait", "part": name}, timeout)
    except control.ControlError as error:
        reason = str(error) if "timed out" not in str(error) else f"{name} is not ready after {timeout:.0f} s"
        log = Path(place.supervision.log(f"{name}.log"))
        raise PartError(reason, log, (earlier or {}).get(log, 0)) from error


def wait_kubelet(place: Place, node: str, deadline: Deadline, earlier: Mapping[Path, int] | None = None) -> None:
    """Until a node's kubelet has registered in its present life. Raises CommandError."""
    paths = Paths(str(place.node(node)))
    while True:
        try:
            control.call(paths.socket, {"op": "wait", "part": "kubelet"}, deadline.left())
            return
        except control.ControlError as error:
            # Until the node's own supervisor listens, asking again is all there is.
            if "does not start" not in str(error) and deadline.pause(0.05):
                continue
            log = Path(paths.log("kubelet.log"))
            raise PartError(f"{node}: {error}", log, (earlier or {}).get(log, 0)) from error


def tail(path: Path, lines: int = LOG_LINES, start: int = 0) -> str:
    """The last lines of a log after its first `start` bytes, indented; a log that is shorter by now has begun anew."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return "  (no log)"
    text = content[start if start <= len(content) else 0 :].decode(errors="replace")
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (the log is empty)"


def stop(config: ClusterConfig, place: Place) -> bool:
    """Stop every process of the cluster and take its network away; the data stays. Returns whether anything ran."""
    ran = _stop_processes(config, place)
    if config.nodes and os.geteuid() == 0 and slots.may_clean(place, config.slot):
        _remove_network(config, place)
    return ran


def _stop_processes(config: ClusterConfig, place: Place) -> bool:
    answer = ask(place, {"op": "stop"})
    if answer is None:
        if not any(part_alive(place, spec["name"]) for spec in plan.specs(config, place)):
            return False
        # Parts without a supervisor: a new one adopts them in order to stop them.
        answer = {"pid": start_supervisor(place, "--stop")}
    try:
        fd = os.pidfd_open(answer["pid"])
    except ProcessLookupError:
        return True
    try:
        if not select.select([fd], [], [], STOP_PATIENCE)[0]:
            raise CommandError(f"the cluster does not stop; see {place.supervision.log('supervisor.log')}")
    finally:
        os.close(fd)
    return True


# What real nodes have on the host


def ensure_network(config: ClusterConfig) -> None:
    """The host's bridge and its rules. Raises CommandError."""
    from steersman.network.errors import NetworkError
    from steersman.network.host import HostNetwork

    try:
        HostNetwork(config.name, plan.addresses(config)).ensure()
    except (NetworkError, OSError) as error:
        raise CommandError(f"cannot set up the nodes' network: {error}") from error


def _remove_network(config: ClusterConfig, place: Place) -> None:
    from steersman.cmd.node import node_spec
    from steersman.network import node
    from steersman.network.host import HostNetwork
    from steersman.network.nft import open_nft

    for part in plan.part_configs(config, place).values():
        if isinstance(part, NodeConfig):
            spec = node_spec(part)
            node.stop(spec)
            spec.network.delete()
    HostNetwork(config.name, plan.addresses(config)).remove()
    nft, table = open_nft(), plan.table(config)
    try:
        nft.run(f"add table ip {table}\ndelete table ip {table}\n")
    finally:
        nft.close()


def delete(config: ClusterConfig, place: Place) -> None:
    """Stop the cluster and remove everything it made."""
    stop(config, place)
    if config.nodes and os.geteuid() == 0 and slots.may_clean(place, config.slot):
        from steersman.cmd.node import node_spec
        from steersman.network import node

        for part in plan.part_configs(config, place).values():
            if isinstance(part, NodeConfig):
                node.destroy(node_spec(part))
    kubeconfig.remove(place.context, config.kubeconfig or None, os.environ)
    if config.nodes and os.geteuid() == 0:
        slots.release(place)
    remove_files(place)


def remove_files(place: Place) -> None:
    """Remove the cluster's directory, and the base directory when that was the last one."""
    removal.remove(place.directory)
    with contextlib.suppress(OSError):  # other clusters are in it, or it is not ours to remove
        place.base.rmdir()
