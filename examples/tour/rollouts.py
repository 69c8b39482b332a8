"""Rolling updates under a client that runs, and scaling."""

import http.client
import threading
import time
from types import TracebackType

from commands import Cluster, expect

SELECTOR = "app=web"
# Pauses between requests of one client: a hundred a second, each on a new connection.
PAUSE = 0.01


class Client(threading.Thread):
    """Asks an address again and again until it is stopped; remembers every failure and the versions it saw."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        super().__init__(daemon=True)
        self.host = host
        self.port = port
        self.timeout = timeout
        self.answered = 0
        self.failures: list[str] = []
        self.versions: set[str] = set()
        self._stop_asked = threading.Event()

    def run(self) -> None:
        began = time.monotonic()
        while not self._stop_asked.wait(PAUSE):
            try:
                self.versions.add(self._ask())
                self.answered += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{time.monotonic() - began:.2f} s: {type(error).__name__}: {error}")

    def _ask(self) -> str:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            connection.request("GET", "/")
            response = connection.getresponse()
            page = response.read().decode()
            if response.status != 200:
                raise http.client.HTTPException(f"status {response.status}")
            return page.strip().rpartition(" ")[2]
        finally:
            connection.close()

    def stop(self) -> None:
        self._stop_asked.set()
        self.join()


class Clients:
    """One client of each way to the Service, for as long as the block lasts; then none may have failed."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        port, timeout = int(cluster.memory["nodePort"]), 5 * cluster.times
        self.clients = {
            "ClusterIP": Client(cluster.memory["clusterIP"], 80, timeout),
            "NodePort": Client("127.0.0.1", port, timeout),
            "NodePort of the node": Client(cluster.node_address(), port, timeout),
        }

    def __enter__(self) -> "Clients":
        for client in self.clients.values():
            client.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self.clients.values():
            client.stop()
        if error is None:
            self._judge()

    def _judge(self) -> None:
        answered = sum(client.answered for client in self.clients.values())
        failures = [f"{way}: {one}" for way, client in self.clients.items() for one in client.failures]
        expect(not failures, f"{len(failures)} failed of {answered}: {failures[:10]}", "no failed request")
        expect(answered > 20, answered, "more than 20 requests answered meanwhile")
        self.cluster.notes.append(f"{answered} requests, 0 failed")

    def versions(self) -> set[str]:
        return set[str]().union(*(client.versions for client in self.clients.values()))


def roll_to_v2(cluster: Cluster) -> None:
    """Rolled to v2 under running clients, with no failed request."""
    with Clients(cluster) as clients:
        cluster.kubectl("set", "image", "deployment/web", "web=hello:v2").expect("deployment.apps/web image updated")
        cluster.kubectl("rollout", "status", "deployment/web", cluster.within(120)).expect("successfully rolled out")
        _only_version(cluster, "v2")
    expect(clients.versions() == {"v1", "v2"}, clients.versions(), "answers of v1, then of v2")


def undo(cluster: Cluster) -> None:
    """`rollout history` and `rollout undo`, again with no failed request."""
    cluster.kubectl("rollout", "history", "deployment/web").expect("REVISION", "1", "2")
    with Clients(cluster) as clients:
        undone = cluster.kubectl("rollout", "undo", "deployment/web").expect("deployment.apps/web rolled back")
        image = cluster.jsonpath("deployment", "web", ".spec.template.spec.containers[0].image")
        if undone.repeated and image == "hello:v2":
            # The first try had arrived, and the second has undone it.
            cluster.kubectl("rollout", "undo", "deployment/web")
        cluster.kubectl("rollout", "status", "deployment/web", cluster.within(120)).expect("successfully rolled out")
        _only_version(cluster, "v1")
    expect(clients.versions() == {"v1", "v2"}, clients.versions(), "answers of v2, then of v1")


def _only_version(cluster: Cluster, version: str) -> None:
    """Until the pods that are to end have ended: what is left is of one version."""

    def images() -> set[str]:
        items = cluster.get("pods", "-l", SELECTOR)["items"]
        return {container["image"] for pod in items for container in pod["spec"]["containers"]}

    cluster.wait_until(lambda: images() == {f"hello:{version}"}, f"pods of {version} only", images)
    cluster.wait_ready(SELECTOR, 3)


def scale_to_ten_and_back(cluster: Cluster) -> None:
    """Scaled to 10 and back, with no failed request."""
    with Clients(cluster):
        cluster.kubectl("scale", "deployment/web", "--replicas=10").expect("deployment.apps/web scaled")
        cluster.wait_ready(SELECTOR, 10)
        cluster.wait_shown("10/10", "get", "deployment", "web")
        cluster.kubectl("scale", "deployment/web", "--replicas=3")
        cluster.wait_ready(SELECTOR, 3)
        _gone(cluster, 3)


def _gone(cluster: Cluster, count: int) -> None:
    def left() -> int:
        return len(cluster.get("pods", "-l", SELECTOR)["items"])

    cluster.wait_until(lambda: left() == count, f"{count} pods, the others gone", left)
