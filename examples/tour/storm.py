"""5,000 creates over several connections while the API server is killed again and again."""

import http.client
import json
import os
import signal
import threading
import time

from commands import Cluster, StepFailedError, expect
from raw import UNAVAILABLE, Api
from restart import status

CREATES = 5000
CONNECTIONS = 8
NAMESPACE = "storm"
# How long the API server lives each time, in seconds.
LIFE = 0.7
RETRY = 0.05


class Creator(threading.Thread):
    """Creates its share of ConfigMaps, each again until it is answered."""

    def __init__(self, api: Api, names: list[str]) -> None:
        super().__init__(daemon=True)
        self._api = api
        self._names = names
        self.answered: dict[str, str] = {}  # name → uid
        self.broken = 0
        self.problems: list[str] = []

    def run(self) -> None:
        for name in self._names:
            while not self._create(name):
                time.sleep(RETRY)
        self._api.close()

    def _create(self, name: str) -> bool:
        body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, "data": {"key": "x" * 500}}
        try:
            code, answer = self._api.request(
                "POST", f"/api/v1/namespaces/{NAMESPACE}/configmaps", json.dumps(body).encode()
            )
        except (OSError, http.client.HTTPException, ValueError):
            self.broken += 1
            return False
        if code == 201:
            self.answered[name] = answer["metadata"]["uid"]
            return True
        if code == 409:  # made by a try whose answer did not arrive
            return True
        if code not in UNAVAILABLE:
            self.problems.append(f"{name}: {code} {answer.get('message')}")
            return True
        self.broken += 1
        return False


def storm(cluster: Cluster) -> None:
    """5,000 creates while the API server is killed again and again: every answered one is there."""
    cluster.kubectl("create", "namespace", NAMESPACE)
    shares = [[f"c-{number}" for number in range(first, CREATES, CONNECTIONS)] for first in range(CONNECTIONS)]
    creators = [Creator(Api(cluster), share) for share in shares]
    began = time.monotonic()
    for creator in creators:
        creator.start()
    kills = 0
    while any(creator.is_alive() for creator in creators):
        time.sleep(LIFE)
        kills += _kill_api_server(cluster)
        expect(time.monotonic() - began < 300 * cluster.times, f"{kills} kills", "5,000 creates in five minutes")
    seconds = time.monotonic() - began
    _back(cluster)
    problems = [problem for creator in creators for problem in creator.problems]
    expect(not problems, problems[:5], "201 or 409 for every create")
    answered = {name: uid for creator in creators for name, uid in creator.answered.items()}
    present = _present(cluster)
    lost = [name for name, uid in answered.items() if present.get(name) != uid]
    expect(not lost, f"{len(lost)} of {len(answered)} lost: {lost[:5]}", "every answered create")
    expect(len(present) >= CREATES, len(present), f"{CREATES} ConfigMaps")
    broken = sum(creator.broken for creator in creators)
    cluster.notes.append(f"{kills} kills, {len(answered)} answered, {broken} broken off, {seconds:.0f} s")
    expect(kills > 0, kills, "at least one kill")
    cluster.kubectl("delete", "namespace", NAMESPACE)


def _kill_api_server(cluster: Cluster) -> int:
    """Kill it if it is ready; returns how many were killed."""
    part = next(part for part in status(cluster)["parts"] if part["name"] == "apiserver")
    if part["state"] != "ready":
        return 0
    try:
        os.kill(part["pid"], signal.SIGKILL)
    except ProcessLookupError:  # it has ended since it was looked at
        return 0
    return 1


def _back(cluster: Cluster) -> None:
    def ready() -> bool:
        return cluster.kubectl("get", "--raw", "/readyz", code=None).out == "ok"

    cluster.wait_until(ready, "the API server ready")


def _present(cluster: Cluster) -> dict[str, str]:
    """Every ConfigMap of the storm, read in pages."""
    api, found, token = Api(cluster), dict[str, str](), ""
    while True:
        path = f"/api/v1/namespaces/{NAMESPACE}/configmaps?limit=500&continue={token}"
        code, page = api.request("GET", path)
        if code != 200:
            raise StepFailedError(f"GET {path}\n  answered {code}: {page}\n  expected: 200")
        found.update((item["metadata"]["name"], item["metadata"]["uid"]) for item in page["items"])
        token = page["metadata"].get("continue", "")
        if not token:
            api.close()
            return found
