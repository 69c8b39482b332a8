"""What `steer status` knows of a cluster: the supervisor's word, and the nodes as the API has them."""

import os
from typing import Any

from steersman.cmd import control, lifecycle, plan, processes
from steersman.cmd.admin import Admin, AdminError
from steersman.cmd.place import Place
from steersman.cmd.supervisor import Paths


def gather(place: Place) -> dict[str, Any]:
    """The status as data: state, parts (a node's as node/part), nodes, and `usable` for scripts."""
    config = place.load()
    answer = lifecycle.ask(place, {"op": "status"})
    parts = answer["parts"] if answer else _without_supervisor(place)
    for name in plan.node_names(config):
        outer = next((part["pid"] for part in parts if part["name"] == name), None)
        parts = _with_inner(parts, name, _inner_parts(place, name, outer) if answer else [])
    alive = any(part["pid"] for part in parts)
    state = "running" if answer else ("without a supervisor" if alive else "stopped")
    nodes, problem = _nodes(place, config.port) if alive else ({}, "")
    if state == "without a supervisor":
        problem = "the supervisor has ended and the parts go on; `steer up` starts it again"
    expected = config.nodes + config.simulate
    ready = sum(node == "Ready" for node in nodes.values())
    return {
        "name": config.name,
        "state": state,
        "usable": bool(answer)
        and not problem
        and all(part["state"] == "ready" for part in parts)
        and ready >= expected,
        "server": plan.server_url(config),
        "directory": str(place.directory),
        "context": place.context,
        "supervisor": answer["pid"] if answer else None,
        "parts": parts,
        "nodes": nodes,
        "problem": problem,
    }


def _without_supervisor(place: Place) -> list[dict[str, Any]]:
    parts = []
    for spec in plan.specs(place.load(), place):
        found = processes.find(place.supervision.part_pidfile(spec["name"]))
        parts.append(
            {
                "name": spec["name"],
                "state": "ready" if found else "stopped",
                "pid": found.pid if found else None,
                "restarts": 0,
                "seconds": None,
                "lastExit": "",
            }
        )
        if found:
            found.close()
    return parts


def _inner_parts(place: Place, node: str, outer: int | None) -> list[dict[str, Any]]:
    """What runs in a node, with the pids that this machine knows it by; None where they cannot be seen."""
    try:
        answer = control.call(Paths(str(place.node(node))).socket, {"op": "status"})
    except control.ControlError:
        return []
    pids = _pids_here(outer) if outer else {}
    return [{**part, "name": f"{node}/{part['name']}", "pid": pids.get(part["pid"])} for part in answer["parts"]]


def _pids_here(outer: int) -> dict[int, int]:
    """From the process numbers inside of a node to those of this machine; `outer` is the process that made the node.
    Only root sees another's namespaces; for others, and for a node that has just ended, it is empty."""
    try:
        namespace = os.stat(f"/proc/{outer}/ns/pid_for_children")
    except OSError:
        return {}
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.path.samestat(os.stat(f"/proc/{name}/ns/pid"), namespace):
                found[_innermost_pid(name)] = int(name)
        except OSError:  # it has ended meanwhile
            continue
    return found


def _innermost_pid(pid: str) -> int:
    with open(f"/proc/{pid}/status") as file:
        numbers = next(line for line in file if line.startswith("NSpid:"))
    return int(numbers.split()[-1])


def _with_inner(parts: list[dict[str, Any]], node: str, inner: list[dict[str, Any]]) -> list[dict[str, Any]]:
    result = []
    for part in parts:
        result.append(part)
        if part["name"] == node:
            result += inner
    return result


def _nodes(place: Place, port: int) -> tuple[dict[str, str], str]:
    admin = Admin(place, port)
    try:
        return admin.nodes(), ""
    except AdminError as error:
        return {}, str(error)
    finally:
        admin.close()
