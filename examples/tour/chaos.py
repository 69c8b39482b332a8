"""While the tour runs, every process of the cluster is killed in turn, and has to be back within five seconds."""

import contextlib
import os
import signal
import threading
import time
from types import TracebackType
from typing import Any

from commands import MANIFESTS, Cluster, expect
from restart import containers, status

BACK_WITHIN = 5.0
# Between one part's return and the next kill.
PAUSE = 1.0
NAMESPACE = "chaos"
# The node's outer process is not among them: it is the node's power switch.
VICTIMS = (
    "apiserver",
    "controller-manager",
    "scheduler",
    "node-1/kubelet",
    "node-1/containerd",
    "proxy",
    "node-1/proxy",
    "dns",
    "nursery",
    "node-1/nursery",
)


class Chaos:
    """Kills for as long as the block lasts, then at least to the end of one round; raises what it found amiss.

    Pods that nobody touches stand by: their containers must be the same at the end. And every object whose creation
    was answered must be there.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._problem: Exception | None = None
        self._times: dict[str, list[float]] = {}
        self._created: list[str] = []
        self._bystanders: dict[str, tuple[str, int]] = {}

    def __enter__(self) -> "Chaos":
        self._cluster.outages = True
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._cluster.outages = False
        if error is None:
            if self._problem:
                raise self._problem
            self._judge()

    def _run(self) -> None:
        try:
            self._prepare()
            rounds = 0
            while not (rounds and self._over.is_set()):
                for victim in VICTIMS:
                    self._kill(victim)
                    if rounds and self._over.wait(PAUSE):
                        break
                    time.sleep(0 if rounds else PAUSE)
                rounds += 1
        except Exception as problem:  # noqa: BLE001 -- carried to the thread that waits for this one
            self._problem = problem

    def _prepare(self) -> None:
        """The bystanders, once the tour has loaded their image."""
        cluster = self._cluster
        cluster.wait_until(
            lambda: "hello:v1" in cluster.run([cluster.steer_path, "image", "ls", *cluster.where]).out, "hello:v1"
        )
        cluster.kubectl("create", "namespace", NAMESPACE)
        cluster.kubectl("-n", NAMESPACE, "apply", "-f", str(MANIFESTS / "web.yaml"))
        cluster.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/web", cluster.within(60))
        self._bystanders = containers(cluster, "-n", NAMESPACE)

    def _kill(self, victim: str) -> None:
        self._create()
        # Who could not do without another victim may be starting again itself.
        before = self._ready(victim, None)
        began = time.monotonic()
        with contextlib.suppress(ProcessLookupError):  # it has ended since it was looked at
            os.kill(before, signal.SIGKILL)
        self._ready(victim, before)
        self._times.setdefault(victim, []).append(time.monotonic() - began)

    def _ready(self, victim: str, before: int | None) -> int:
        """The process of a part, once it is ready and another than before."""
        found: list[int] = []

        def back() -> bool:
            now = _part(self._cluster, victim)
            if now["state"] == "ready" and now["pid"] not in (None, before):
                found.append(now["pid"])
            return bool(found)

        within = BACK_WITHIN * self._cluster.times
        log = f"the log of {victim}: steer logs {victim}"
        self._cluster.wait_until(back, f"{victim} back within {within:g} s", lambda: log, patience=BACK_WITHIN)
        return found[0]

    def _create(self) -> None:
        """One object before each kill."""
        name = f"kept-{len(self._created)}"
        self._cluster.kubectl("-n", NAMESPACE, "create", "configmap", name, "--from-literal=a=b")
        self._created.append(name)

    def _judge(self) -> None:
        cluster = self._cluster
        there = {item["metadata"]["name"] for item in cluster.get("configmaps", "-n", NAMESPACE)["items"]}
        lost = sorted(set(self._created) - there)
        expect(not lost, lost, "every object whose creation was answered")
        cluster.wait_until(lambda: status(cluster)["usable"], "a usable cluster", lambda: status(cluster))
        now = containers(cluster, "-n", NAMESPACE)
        expect(now == self._bystanders, now, f"the containers of the bystanders as they were: {self._bystanders}")
        kills = sum(map(len, self._times.values()))
        print(f" ✓ chaos: {kills} kills, {len(self._created)} objects kept, containers of bystanders untouched")
        for victim, times in self._times.items():
            print(f"     {victim}: killed {len(times)} times, back after at most {max(times):.1f} s")


def _part(cluster: Cluster, name: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = status(cluster)["parts"]
    # What runs in a node is not shown while nobody answers there.
    return next((part for part in parts if part["name"] == name), {"state": "unknown", "pid": None})
