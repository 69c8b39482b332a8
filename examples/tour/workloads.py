"""What the cluster keeps alive by itself, what runs to its end, and what goes with its namespace."""

import json
import statistics
import time
from typing import Any

from commands import MANIFESTS, Cluster, expect
from raw import Api

SELECTOR = "app=web"
LATENCY_RUNS = 20
START_PATIENCE = 30.0


def killed_container(cluster: Cluster) -> None:
    """A container killed from inside is restarted."""
    pod = cluster.pods(SELECTOR)[0]["metadata"]["name"]
    before = _web_status(cluster, pod)
    cluster.kubectl("exec", pod, "--", "kill", "1")

    def restarted() -> bool:
        now = _web_status(cluster, pod)
        return bool(now["restartCount"] > before["restartCount"] and now["ready"])

    cluster.wait_until(restarted, f"{pod} restarted and ready", lambda: cluster.kubectl("get", "pods").out)
    now = _web_status(cluster, pod)
    # A command that loses its connection is given again.
    expect(now["restartCount"] == before["restartCount"] + 1 or cluster.outages, now, "one restart")
    expect(now["containerID"] != before["containerID"], now, "a new container")
    expect(now["lastState"]["terminated"]["exitCode"] == 0, now, "lastState with exit code 0")
    cluster.kubectl("logs", pod, "--previous").expect("stopping")


def _web_status(cluster: Cluster, pod: str) -> dict[str, Any]:
    status: dict[str, Any] = cluster.get("pod", pod)["status"]["containerStatuses"][0]
    return status


def deleted_pod(cluster: Cluster) -> None:
    """A deleted pod is replaced."""
    before = {pod["metadata"]["name"] for pod in cluster.pods(SELECTOR)}
    victim = min(before)
    cluster.kubectl("delete", "pod", victim).expect(f'pod "{victim}" deleted')
    cluster.kubectl("get", "pod", victim, code=1).expect(f'Error from server (NotFound): pods "{victim}" not found')
    after = {pod["metadata"]["name"] for pod in cluster.wait_ready(SELECTOR, 3)}
    expect(len(after - before) == 1, sorted(after), f"two of {sorted(before)} and a new one")


def configuration(cluster: Cluster) -> None:
    """ConfigMap, Secret, downward API and the service account's token in a pod, which runs to its end."""
    cluster.kubectl("apply", "-f", str(MANIFESTS / "settings.yaml"))
    cluster.kubectl("apply", "-f", str(MANIFESTS / "reader.yaml")).expect("pod/reader created")

    def ended() -> bool:
        return cluster.jsonpath("pod", "reader", ".status.phase") in {"Succeeded", "Failed"}

    cluster.wait_until(ended, "reader Succeeded", lambda: cluster.kubectl("describe", "pod", "reader").out)
    cluster.wait_shown("Completed", "get", "pod", "reader")
    cluster.kubectl("logs", "reader").expect(
        "prepared by the init container",
        "env good morning",
        "file slow is smooth",
        "secret correct horse",
        "pod reader of default",
        "the API server listens",
    )
    cluster.kubectl("delete", "pod", "reader")


def job(cluster: Cluster) -> None:
    """A Job to completion."""
    cluster.kubectl("apply", "-f", str(MANIFESTS / "job.yaml")).expect("job.batch/sum created")
    cluster.kubectl("wait", "--for=condition=complete", "job/sum", cluster.within(60)).expect("condition met")
    cluster.wait_shown("3/3", "get", "job", "sum")
    cluster.kubectl("logs", "job/sum").expect("the sum is 5050")
    cluster.kubectl("delete", "job", "sum")

    def none_left() -> bool:
        return not cluster.get("pods", "-l", "job-name=sum")["items"]

    cluster.wait_until(none_left, "no pod of the deleted Job", lambda: cluster.kubectl("get", "pods").out)


def namespace_with_all_in_it(cluster: Cluster) -> None:
    """A namespace deleted with all in it."""
    there = ("-n", "doomed")
    cluster.kubectl("create", "namespace", "doomed").expect("namespace/doomed created")
    cluster.kubectl(*there, "create", "deployment", "web", "--image=hello:v1", "--replicas=2")
    cluster.kubectl(*there, "expose", "deployment", "web", "--port=80", "--target-port=8080")
    cluster.kubectl(*there, "create", "configmap", "settings", "--from-literal=a=b")
    cluster.kubectl(*there, "create", "secret", "generic", "token", "--from-literal=a=b")
    cluster.kubectl(*there, "rollout", "status", "deployment/web", cluster.within(60))
    cluster.kubectl("delete", "namespace", "doomed").expect('namespace "doomed" deleted')
    cluster.kubectl("get", "namespace", "doomed", code=1).expect('namespaces "doomed" not found')
    for kind in ("deployments", "replicasets", "pods", "services", "endpoints", "configmaps", "secrets"):
        left = cluster.get(kind, "--all-namespaces")["items"]
        names = [item["metadata"]["name"] for item in left if item["metadata"]["namespace"] == "doomed"]
        expect(not names, names, f"no {kind} of the deleted namespace")


def start_latency(cluster: Cluster) -> None:
    """From create to Running, 20 pods whose image is present."""
    api = Api(cluster)
    pod = json.loads(
        cluster.kubectl("create", "--dry-run=client", "-o", "json", "-f", str(MANIFESTS / "client.yaml")).out
    )
    patience = START_PATIENCE * cluster.times
    seconds = sorted(_start_seconds(api, pod, f"quick-{number}", patience) for number in range(LATENCY_RUNS))
    api.close()
    median = statistics.median(seconds)
    cluster.notes.append(f"median {median:.2f} s, longest {seconds[-1]:.2f} s")
    # Parts that come back meanwhile take their time.
    expect(median <= cluster.times or cluster.outages, [round(one, 2) for one in seconds], "a median of at most 1 s")
    cluster.kubectl("delete", "pods", "-l", "app=quick")


def _start_seconds(api: Api, pod: dict[str, Any], name: str, patience: float) -> float:
    """Seconds from before the create until the API shows the pod Running, which is looked at every 10 ms."""
    pods = "/api/v1/namespaces/default/pods"
    body = json.dumps({**pod, "metadata": {"name": name, "labels": {"app": "quick"}}}).encode()
    began = time.monotonic()
    code, answer = api.patient_request("POST", pods, body)
    expect(code in {201, 409}, answer, "201 Created")
    if code == 409:  # made by a try whose answer did not arrive
        answer = {}
    while answer.get("status", {}).get("phase") != "Running":
        expect(time.monotonic() - began < patience, answer.get("status"), f"{name} Running")
        time.sleep(0.01)
        _, answer = api.patient_request("GET", f"{pods}/{name}")
    return time.monotonic() - began
