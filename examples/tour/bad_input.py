"""What is wrong gets one clear message, and leaves nothing half-made."""

import json
import os
import socket
from pathlib import Path

from commands import Cluster, Result, expect
from raw import Api

NOBODY = 65534
NAMESPACE = "bad"
LIMIT = 3 * 1024 * 1024


def _one_message(result: Result, *texts: str) -> None:
    """The command failed and said why, without a stack trace."""
    if result.code == 0 or "Traceback" in result.err:
        raise result.fail("a failure with one clear message")
    result.expect(*texts)


def _nothing_left(directory: Path) -> None:
    left = sorted(map(str, directory.rglob("*"))) if directory.exists() else []
    expect(not left, left, f"nothing below {directory}")


def not_root(cluster: Cluster) -> None:
    """`steer up` with nodes as somebody who is not root."""
    home = cluster.work / "nobody"
    home.mkdir(exist_ok=True)
    os.chown(home, NOBODY, NOBODY)
    cluster.work.chmod(0o711)
    # Somebody who may read the place of this installation, even if that is in root's home.
    somebody = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    reads = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    up = [cluster.steer_path, "up", "--name", "bad", "--data-dir", str(home / "data")]
    result = cluster.run(
        ["setpriv", *somebody, *reads, *up], code=None, environment={"HOME": str(home), "KUBECONFIG": ""}
    )
    _one_message(result, "root", "--no-nodes")
    _nothing_left(home)


def taken_port(cluster: Cluster) -> None:
    """`steer up` on a port that is taken."""
    data = cluster.work / "taken"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        up = [cluster.steer_path, "up", "--name", "bad", "--data-dir", str(data), "--no-nodes", "--port", port]
        _one_message(cluster.run(up, code=None), port, "taken")
    _nothing_left(data)


def no_containerd(cluster: Cluster) -> None:
    """`steer up` where containerd is missing."""
    data = cluster.work / "without"
    # In a mount namespace of its own, where nothing executable is in the places of containerd.
    script = 'for file in $(which -a containerd); do mount --bind /dev/null "$file"; done; exec "$@"'
    up = [cluster.steer_path, "up", "--name", "bad", "--data-dir", str(data)]
    result = cluster.run(["unshare", "--mount", "sh", "-c", script, "sh", *up], code=None)
    _one_message(result, "containerd", "apt-get install")
    _nothing_left(data)


def _apply(cluster: Cluster, manifest: str) -> Result:
    return cluster.kubectl("-n", NAMESPACE, "apply", "-f", "-", stdin=manifest, code=None)


def _nothing_made(cluster: Cluster) -> None:
    made = cluster.kubectl("-n", NAMESPACE, "get", "deployments,pods,services", "-o", "name").out
    expect(not made, made, "no object")


def broken_yaml(cluster: Cluster) -> None:
    """Broken YAML, by kubectl and to the API itself."""
    cluster.kubectl("create", "namespace", NAMESPACE)
    broken = "apiVersion: v1\nkind: Pod\nmetadata: {name: x\n  spec: ]\n"
    _one_message(_apply(cluster, broken), "error")
    api = Api(cluster)
    path = f"/api/v1/namespaces/{NAMESPACE}/pods"
    code, answer = api.request("POST", path, broken.encode(), {"Content-Type": "application/yaml"})
    expect((code, answer["reason"]) == (400, "BadRequest"), answer, "400 BadRequest")
    expect("yaml" in answer["message"].lower(), answer["message"], "a message about YAML")
    api.close()
    _nothing_made(cluster)


DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: %(name)s}
spec:
  %(field)s: %(value)s
  selector: {matchLabels: {app: bad}}
  template:
    metadata: {labels: {app: bad}}
    spec: {containers: [{name: bad, image: "hello:v1"}]}
"""


def unknown_field(cluster: Cluster) -> None:
    """An unknown field."""
    manifest = DEPLOYMENT % {"name": "bad", "field": "replicaz", "value": "3"}
    _one_message(_apply(cluster, manifest), "unknown field", "replicaz")
    _nothing_made(cluster)


def wrong_type(cluster: Cluster) -> None:
    """A value of the wrong type."""
    manifest = DEPLOYMENT % {"name": "bad", "field": "replicas", "value": "many"}
    _one_message(_apply(cluster, manifest), "replicas", "string")
    _nothing_made(cluster)


def wrong_name(cluster: Cluster) -> None:
    """A name that is no DNS label."""
    manifest = DEPLOYMENT % {"name": "Not_A_Name", "field": "replicas", "value": "3"}
    text = 'The Deployment "Not_A_Name" is invalid: metadata.name: Invalid value: "Not_A_Name": '
    _one_message(_apply(cluster, manifest), text)
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: 1.web}\nspec: {ports: [{port: 80}]}\n"
    _one_message(_apply(cluster, service), 'The Service "1.web" is invalid: metadata.name: Invalid value: "1.web": ')
    _nothing_made(cluster)


def too_large(cluster: Cluster) -> None:
    """A body of more than 3 MiB."""
    body = json.dumps(
        {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "bad"}, "data": {"a": "x" * LIMIT}}
    )
    api = Api(cluster)
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
    code, answer = api.request("POST", path, body.encode())
    expect((code, answer["reason"]) == (413, "RequestEntityTooLarge"), answer, "413 RequestEntityTooLarge")
    expect(str(LIMIT) in answer["message"], answer["message"], f"the limit {LIMIT}")
    code, answer = api.request("GET", f"{path}/bad")
    expect(code == 404, answer, "404 for what was too large")
    api.close()


def wrong_reference(cluster: Cluster) -> None:
    """Values that do not fit together, all of them in one message."""
    manifest = (DEPLOYMENT % {"name": "bad", "field": "replicas", "value": "-1"}).replace(
        "{app: bad}}\n    spec", "{app: other}}\n    spec"
    )
    _one_message(_apply(cluster, manifest), "is invalid", "spec.replicas", "spec.template.metadata.labels")
    _one_message(cluster.kubectl("get", "nonsense", code=None), "the server doesn't have a resource type")
    _nothing_made(cluster)
    cluster.kubectl("delete", "namespace", NAMESPACE)


STEPS = (
    not_root,
    taken_port,
    no_containerd,
    broken_yaml,
    unknown_field,
    wrong_type,
    wrong_name,
    too_large,
    wrong_reference,
)
