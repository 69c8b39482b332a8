"""`steer up`: from nothing, or from a stopped cluster, to one that is usable, or back to where it was."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from steersman.cmd import certificates, encryption, kubeconfig, lifecycle, machine, plan, ports, slots
from steersman.cmd.admin import Admin, AdminError, dns_answers
from steersman.cmd.config import ClusterConfig
from steersman.cmd.configfile import save
from steersman.cmd.errors import CommandError
from steersman.cmd.place import Place
from steersman.cmd.report import Deadline, Steps

# Below the kernel's range for outgoing connections, so that a stopped cluster finds its port again.
API_PORTS = (6443, *range(16443, 16643))
DNS_PORTS = (53, *range(16053, 16253))
POLL = 0.05
# Files that may lie in a directory without making it somebody else's: what an interrupted `steer` leaves.
_OURS = frozenset({"lock", "pki", "config", "run", "logs", "nodes", "supervisor.json", "store.db"})


# What can be asked for anew when a stopped cluster starts.
_KEPT = (
    "nodes",
    "simulate",
    "legacy_service_account_tokens",
    "runtime_config",
    "apiserver_args",
    "kubelet_args",
    "secrets_encryption",
    "encryption_provider_config",
    "store",
    "port",
)
# Of these each setting is kept by itself.
_ARGS = ("apiserver_args", "kubelet_args")


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line; None where nothing was said."""

    nodes: int | None = None
    simulate: int | None = None
    legacy_service_account_tokens: bool | None = None
    runtime_config: dict[str, str] | None = None
    apiserver_args: dict[str, str] | None = None
    kubelet_args: dict[str, str] | None = None
    secrets_encryption: str | None = None
    encryption_provider_config: str | None = None
    store: str | None = None
    port: int | None = None
    kubeconfig: str | None = None
    wait: float = 120.0


def resolve(wish: Wish, place: Place, existing: ClusterConfig | None, held: contextlib.ExitStack) -> ClusterConfig:
    """The configuration to start: a stopped cluster's own with what was asked for on top, or a new one.

    Ports that are chosen here are held until `held` is closed.
    """
    said = {name: value for name in (*_KEPT, "kubeconfig") if (value := getattr(wish, name)) is not None}
    if existing is not None:
        if wish.store is not None and wish.store != existing.store:
            raise CommandError(
                f"cluster {place.name} keeps its objects in {existing.store}; another --store needs a new cluster"
            )
        for name in _ARGS:
            said[name] = _settled(getattr(existing, name), getattr(wish, name))
        return replace(existing, **said)
    nodes = said.get("nodes", 0 if wish.simulate else 1)
    draft = ClusterConfig(
        name=place.name,
        nodes=nodes,
        simulate=wish.simulate or 0,
        legacy_service_account_tokens=wish.legacy_service_account_tokens or False,
        runtime_config=wish.runtime_config or {},
        apiserver_args=_settled({}, wish.apiserver_args),
        kubelet_args=_settled({}, wish.kubelet_args),
        secrets_encryption="on" if wish.secrets_encryption == "on" else "",
        encryption_provider_config=wish.encryption_provider_config or "",
        store=wish.store or f"sqlite://{place.store_file}",
        port=wish.port or _free_port(API_PORTS, held),
        dns_port=DNS_PORTS[0],
        kubeconfig=wish.kubeconfig or "",
    )
    if nodes:
        return draft
    return replace(draft, dns_port=_free_port(DNS_PORTS[1:], held))


def _settled(before: Mapping[str, str], said: Mapping[str, str] | None) -> dict[str, str]:
    """The settings of a part with those on top that were given now; an empty value is the default again."""
    return {name: value for name, value in {**before, **(said or {})}.items() if value}


def _free_port(candidates: Sequence[int], held: contextlib.ExitStack) -> int:
    claimed, port = ports.hold_free(plan.LOOPBACK, candidates)
    held.enter_context(claimed)
    return port


def preflight(config: ClusterConfig, place: Place, port_is_new: bool, held: contextlib.ExitStack) -> None:
    """Raise CommandError for everything that can be known to fail, before anything is made. Holds the cluster's ports."""
    encryption.check(config.secrets_encryption, config.encryption_provider_config)
    if config.nodes and os.geteuid() != 0:
        raise CommandError(
            "real nodes need root: run `sudo steer up`, or start without them: `steer up --no-nodes` (the control plane "
            "alone) or `steer up --simulate 3` (pretended nodes)"
        )
    if config.nodes:
        message = machine.problems(machine.node_findings())
        if message:
            raise CommandError(message)
        if len(str(place.directory)) > machine.MAX_DIRECTORY:
            raise CommandError(
                f"{place.directory} is too long for the sockets below it ({machine.MAX_DIRECTORY} characters at most); "
                "choose a shorter --data-dir"
            )
        if other := slots.namesake(place):
            raise CommandError(
                f"another cluster {place.name} runs, in {other.base}, and its nodes have the same names on this machine; "
                f"choose another --name, or stop it: steer down --name {other.name} --data-dir {other.base}"
            )
    for port in plan.ports(config):
        claimed = ports.hold(plan.LOOPBACK, port)
        if claimed is None:
            hint = (
                "choose another one with --port"
                if port_is_new
                else "stop what uses it, or move the cluster with --port"
            )
            if port != config.port:
                hint = "the cluster's DNS uses it: stop what has it"
            raise CommandError(f"port {port} of {plan.LOOPBACK} is taken; {hint}")
        held.enter_context(claimed)


def up(place: Place, wish: Wish, steps: Steps) -> ClusterConfig:
    """Start the cluster, or find it running. Raises CommandError after undoing what was made."""
    kubeconfig.check(wish.kubeconfig, os.environ)
    with contextlib.ExitStack() as held:
        return _up(place, wish, steps, held)


def _up(place: Place, wish: Wish, steps: Steps, held: contextlib.ExitStack) -> ClusterConfig:
    fresh = not place.exists()
    if fresh:
        _refuse_foreign_directory(place)
        # Before the directory is made, so that a refusal leaves nothing at all.
        config = resolve(wish, place, None, held)
        preflight(config, place, True, held)
    with place.locked():
        if not fresh:
            config = place.load()
            if lifecycle.running(place):
                _already_running(config, wish, place, steps)
                return config
            port_is_new = wish.port not in (None, config.port)
            config = resolve(wish, place, config, held)
            if not lifecycle.part_alive(place, "apiserver"):
                preflight(config, place, port_is_new, held)
        try:
            config = _with_slot(config, place, fresh)
            save(config, place.config_file)
            _start(config, place, wish, steps)
        except BaseException:
            steps.say(f" ✗ {'undoing what was made' if fresh else _what_stays(config)}")
            if fresh:
                lifecycle.delete(config, place)
            else:
                lifecycle.stop(config, place)
            raise
    return config


def _what_stays(config: ClusterConfig) -> str:
    """What is said of a cluster whose start has failed. A setting that is to blame would fail the next one, too."""
    given = any(getattr(config, name) for name in _ARGS)
    settings = ", and so do its settings, of which NAME= takes one back" if given else ""
    return f"stopping what was started; the data stays{settings}"


def _with_slot(config: ClusterConfig, place: Place, fresh: bool) -> ClusterConfig:
    """The configuration with address ranges that are surely its own; a cluster without nodes needs none."""
    if not config.nodes:
        return config
    # A cluster that has run keeps its ranges: they are in its objects.
    return replace(config, slot=slots.reserve(place, None if fresh else config.slot))


def _start(config: ClusterConfig, place: Place, wish: Wish, steps: Steps) -> None:
    deadline = Deadline(wish.wait)
    lifecycle.write_files(config, place)
    if config.nodes:
        lifecycle.ensure_network(config)
    steps.done("certificates and configuration")
    earlier = lifecycle.log_sizes(place)
    lifecycle.start_supervisor(place)
    if wish.wait > 0:
        wait_usable(config, place, deadline, steps, earlier)
    written = kubeconfig.merge(lifecycle.access(config, place), config.kubeconfig or None, os.environ)
    where = ", ".join(map(str, written))
    steps.done(f"kubeconfig: context {place.context}" + (f" in {where}" if where else ""))


def wait_usable(
    config: ClusterConfig,
    place: Place,
    deadline: Deadline,
    steps: Steps,
    earlier: Mapping[Path, int] | None = None,
) -> None:
    """Until the API is ready, the control plane runs, nodes are Ready and DNS answers. Raises CommandError.

    `earlier` is what `lifecycle.log_sizes` has found before the start.
    """
    lifecycle.wait_part(place, "apiserver", deadline.left(), earlier)
    steps.done(f"API server on {plan.server_url(config)}")
    for name in ("controller-manager", "scheduler", "dns", *(["proxy"] if config.nodes else [])):
        lifecycle.wait_part(place, name, deadline.left(), earlier)
    steps.done("controllers, scheduler, DNS" + (", service proxy" if config.nodes else ""))
    if config.nodes or config.simulate:
        _wait_nodes(config, place, deadline, steps, earlier)
    name = "kubernetes.default.svc.cluster.local"
    while not dns_answers(plan.host_address(config), config.dns_port, name, 0.5):
        if not deadline.pause(POLL):
            raise CommandError(f"DNS does not answer for {name}; see `steer logs dns`")
    steps.done("DNS answers")


def _wait_nodes(
    config: ClusterConfig, place: Place, deadline: Deadline, steps: Steps, earlier: Mapping[Path, int] | None
) -> None:
    expected = set(plan.node_names(config))
    for name in expected:
        # What the API says of a node may be from before a restart: its kubelet of now must have spoken.
        lifecycle.wait_kubelet(place, name, deadline, earlier)
    states: dict[str, str] = {}
    problem = ""
    admin = Admin(place, config.port)
    waiting = set(expected)
    simulated = 0
    try:
        while waiting or simulated < config.simulate:
            try:
                states, problem = admin.nodes(), ""
            except AdminError as error:
                problem = str(error)
            for name in sorted(waiting):
                if states.get(name) == "Ready":
                    waiting.discard(name)
                    steps.done(f"node {name} is Ready")
            simulated = sum(state == "Ready" for name, state in states.items() if name not in expected)
            if (waiting or simulated < config.simulate) and not deadline.pause(POLL):
                raise CommandError(_nodes_missing(config, waiting, simulated, states, problem))
    finally:
        admin.close()
    if config.simulate:
        steps.done(f"{config.simulate} simulated nodes are Ready")


def _nodes_missing(
    config: ClusterConfig, waiting: set[str], simulated: int, states: dict[str, str], problem: str
) -> str:
    lines = [f"{name} is not Ready: {states.get(name, 'it has not registered')}" for name in sorted(waiting)]
    if simulated < config.simulate:
        lines.append(f"{simulated} of {config.simulate} simulated nodes are Ready")
    if problem:
        lines.append(problem)
    logs = [f"steer logs {name}/kubelet" for name in sorted(waiting)] or [f"steer logs {plan.SIMULATED}"]
    return "\n  ".join(["the nodes did not become Ready in time", *lines]) + "\nSee " + ", ".join(logs)


def _already_running(config: ClusterConfig, wish: Wish, place: Place, steps: Steps) -> None:
    """A running cluster is left as it is, but for certificates that end soon; what is missing of usable is waited for."""
    if renewed := certificates.renew(config, place, os.environ):
        steps.done(f"renewed certificates: {', '.join(renewed)}")
    differing = [option(name, value) for name in _KEPT if (value := _differing(wish, config, name)) is not None]
    if differing:
        steps.say(f"cluster {place.name} runs already; after `steer down` give again: {' '.join(differing)}")
    if wish.wait > 0:
        wait_usable(config, place, Deadline(wish.wait), steps)
    kubeconfig.merge(lifecycle.access(config, place), wish.kubeconfig or config.kubeconfig or None, os.environ)


def _differing(wish: Wish, config: ClusterConfig, name: str) -> object:
    """What was asked for of a field, where it is not so already; None otherwise."""
    said, kept = getattr(wish, name), getattr(config, name)
    if name in _ARGS:
        return {key: value for key, value in (said or {}).items() if value != kept.get(key, "")} or None
    return said if said != kept else None


def option(name: str, value: object) -> str:
    """How a field of a Wish is said on the command line."""
    spelled = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{spelled}" if value else f"--no-{spelled}"
    if name in _ARGS and isinstance(value, dict):
        flag = spelled.removesuffix("s")
        return " ".join(f"--{flag} {setting.replace('_', '-')}={said}" for setting, said in value.items())
    if isinstance(value, dict):
        value = ",".join(f"{k}={v}" for k, v in value.items())
    return f"--{spelled} {value}"


def _refuse_foreign_directory(place: Place) -> None:
    if not place.directory.exists():
        return
    others = sorted(set(os.listdir(place.directory)) - _OURS)
    if others:
        raise CommandError(
            f"{place.directory} holds other files ({', '.join(others[:3])}); choose another --data-dir or --name"
        )
