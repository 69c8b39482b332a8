"""The cluster stopped and started again, and its supervisor lost."""

import json
import os
import select
import signal
from typing import Any

from basics import SELECTOR, wait_page_inside
from commands import PATIENCE, Cluster, StepFailedError, expect, expect_page

KINDS = "namespaces,deployments,replicasets,pods,services,endpoints,configmaps,secrets,serviceaccounts"


def identities(cluster: Cluster) -> dict[str, str]:
    """Every object of the tour's kinds with its uid."""
    items = cluster.get(KINDS, "--all-namespaces")["items"]
    return {
        f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}": item["metadata"]["uid"]
        for item in items
    }


def containers(cluster: Cluster, *selection: str) -> dict[str, tuple[str, int]]:
    """Every container that runs: its id and how often it was restarted."""
    found = {}
    for pod in cluster.get("pods", *selection)["items"]:
        for status in pod["status"].get("containerStatuses", []):
            key = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}/{status['name']}"
            found[key] = (status.get("containerID", ""), status["restartCount"])
    return found


def status(cluster: Cluster) -> dict[str, Any]:
    """What `steer status` says."""
    answer: dict[str, Any] = json.loads(cluster.steer("status", "-o", "json", code=None).out)
    return answer


def _settled(cluster: Cluster) -> bool:
    """Whether nothing is on its way: no pod is being deleted, and all that should run is ready."""
    pods = cluster.get("pods", "--all-namespaces")["items"]
    return not any("deletionTimestamp" in pod["metadata"] for pod in pods)


def down_and_up(cluster: Cluster) -> None:
    """`steer down`, then `steer up`: objects and pods are as before."""
    cluster.wait_ready(SELECTOR, 3)
    cluster.wait_until(lambda: _settled(cluster), "no pod that is being deleted")
    before = identities(cluster)
    cluster.steer("down")
    cluster.kubectl("get", "pods", code=1).expect("refused")
    cluster.steer("up")
    after = identities(cluster)
    changed = sorted({name for name, _ in before.items() ^ after.items()})
    expect(not changed, changed, "the same objects with the same uids")
    cluster.wait_ready(SELECTOR, 3)
    _serves(cluster)
    again = sorted({name for name, _ in before.items() ^ identities(cluster).items()})
    expect(not again, again, "the same objects after the pods have become ready again")


def _serves(cluster: Cluster) -> None:
    """Until the Service answers by its old address, its old port and its name."""
    for url in (f"http://{cluster.memory['clusterIP']}/", f"http://127.0.0.1:{cluster.memory['nodePort']}/"):

        def answers(url: str = url) -> bool:
            try:
                expect_page(url, "hello from web-", 5.0)
            except StepFailedError:
                return False
            return True

        cluster.wait_until(answers, f"a page at {url}")
    cluster.kubectl("wait", "--for=condition=Ready", "pod/client", cluster.within(60))
    # The node's own rules and the names come by ways of their own.
    wait_page_inside(cluster, "client", "http://web/", "hello from web-")


def supervisor_killed(cluster: Cluster) -> None:
    """The supervisor killed: all goes on, and `steer up` adopts what runs."""
    before = containers(cluster, "-l", SELECTOR)
    parts = {part["name"]: part["pid"] for part in status(cluster)["parts"]}
    supervisor: int = status(cluster)["supervisor"]
    ended = os.pidfd_open(supervisor)
    os.kill(supervisor, signal.SIGKILL)
    expect(select.select([ended], [], [], PATIENCE)[0], supervisor, "the end of the supervisor")
    os.close(ended)
    cluster.wait_shown("3/3", "get", "deployment", "web")
    cluster.steer("up")
    after = {part["name"]: part["pid"] for part in status(cluster)["parts"]}
    expect(after == parts, after, f"the same processes: {parts}")
    expect(containers(cluster, "-l", SELECTOR) == before, containers(cluster, "-l", SELECTOR), f"{before}")
