"""What nodes say of themselves: to Prometheus with a token at the node's own port, and to people through the API server."""

import json
import re
import ssl
import urllib.error
import urllib.request

from commands import Cluster, expect

SCRAPER = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: scraper}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: scraper}
rules: [{apiGroups: [""], resources: [nodes/metrics], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: scraper}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: scraper}
subjects: [{kind: ServiceAccount, name: scraper, namespace: default}]
"""


def through_the_api_server(cluster: Cluster) -> None:
    """`get --raw` of a node's figures, configuration and logs."""
    pod = cluster.get("pod", "client")
    node, uid = pod["spec"]["nodeName"], pod["metadata"]["uid"]

    def raw(path: str) -> str:
        return cluster.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/{path}").out

    def shows(path: str, text: str) -> None:
        # A node whose agent is starting again has nothing to say.
        answer = ("get", "--raw", f"/api/v1/nodes/{node}/proxy/{path}")
        cluster.wait_until(
            lambda: re.search(text, cluster.kubectl(*answer, code=None).out, re.MULTILINE) is not None,
            text,
            lambda: cluster.kubectl(*answer, code=None),
        )

    shows("healthz", "^ok$")
    for name in ("pod_memory_working_set_bytes", "pod_cpu_usage_seconds_total"):
        shows("metrics/resource", f'^{name}{{pod="client",namespace="default"}} [0-9]')
    shows("stats/summary", '"podRef":{"name":"client","namespace":"default"')
    shows("logs/pods/", f'"default_client_{uid}/"')
    shown = json.loads(raw("configz"))["kubeletconfig"]
    expect(shown["maxPods"] == 110, shown, "maxPods 110")


def with_a_token(cluster: Cluster) -> None:
    """A scrape of a node's own port, by an account that may read figures and nothing else."""
    cluster.kubectl("apply", "-f", "-", stdin=SCRAPER)
    asked = '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}'
    path = "/api/v1/namespaces/default/serviceaccounts/scraper/token"
    token = json.loads(cluster.kubectl("create", "--raw", path, "-f", "-", stdin=asked).out)["status"]["token"]
    authority = cluster.kubectl("get", "configmap", "kube-root-ca.crt", "-o", r"jsonpath={.data.ca\.crt}").out
    context = ssl.create_default_context(cadata=authority)
    node = f"https://{cluster.node_address()}:10250"

    def status(path: str, **headers: str) -> int:
        try:
            with urllib.request.urlopen(
                urllib.request.Request(node + path, headers=headers), context=context, timeout=30
            ) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            # Its kubelet may be starting again.
            return 0

    def answers(code: int, path: str, **headers: str) -> None:
        cluster.wait_until(
            lambda: status(path, **headers) == code, f"{code} for {path}", lambda: status(path, **headers)
        )

    bearer = {"Authorization": f"Bearer {token}"}
    for path in ("/metrics", "/metrics/cadvisor", "/metrics/resource", "/metrics/probes"):
        answers(200, path, **bearer)
    for path in ("/stats/summary", "/logs/", "/configz", "/pods"):
        answers(403, path, **bearer)
    answers(401, "/metrics")
