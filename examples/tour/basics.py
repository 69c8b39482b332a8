"""The first steps: images, a Deployment, a Service and the ways to reach it, and looking at it all."""

import json
import sys

from commands import EXAMPLES, MANIFESTS, Cluster, StepFailedError, expect, expect_page

SELECTOR = "app=web"


def images(cluster: Cluster) -> None:
    """Two versions of an image, built offline and loaded into the node."""
    archive = cluster.work / "hello.tar"
    cluster.run([sys.executable, str(EXAMPLES / "hello" / "build.py"), str(archive), "v1", "v2"])
    cluster.image_load(archive).expect("hello:v1", "hello:v2")


def deployment_of_three(cluster: Cluster) -> None:
    """A Deployment of 3."""
    cluster.kubectl("apply", "-f", cluster.web_manifest()).expect("deployment.apps/web created")
    cluster.kubectl("rollout", "status", "deployment/web", cluster.within(60)).expect("successfully rolled out")
    cluster.wait_ready(SELECTOR, 3)
    cluster.wait_shown("3/3", "get", "deployment", "web")


def expose(cluster: Cluster) -> None:
    """The Deployment exposed as a Service with a NodePort."""
    cluster.kubectl(
        "expose", "deployment", "web", "--type=NodePort", "--port=80", "--target-port=8080", "--name=web"
    ).expect("service/web exposed")
    cluster.memory["clusterIP"] = cluster.jsonpath("service", "web", ".spec.clusterIP")
    cluster.memory["nodePort"] = cluster.jsonpath("service", "web", ".spec.ports[0].nodePort")

    def three_addresses() -> bool:
        return len(cluster.jsonpath("endpoints", "web", ".subsets[*].addresses[*].ip").split()) == 3

    cluster.wait_until(three_addresses, "3 addresses in the endpoints of web", lambda: cluster.kubectl("get", "ep").out)


def reach_by_cluster_ip(cluster: Cluster) -> None:
    """Reached by ClusterIP from the host and from a pod, every replica in turn."""
    address = cluster.memory["clusterIP"]
    _wait_page(cluster, f"http://{address}/")
    wait_page_inside(cluster, "deployment/web", f"http://{address}/")
    pages = {expect_page(f"http://{address}/", "version v1") for _ in range(60)}
    expect(len(pages) == 3, sorted(pages), "answers of all 3 pods in 60 requests")


def reach_by_name(cluster: Cluster) -> None:
    """Reached by DNS name from another pod."""
    cluster.kubectl("apply", "-f", str(MANIFESTS / "client.yaml"))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/client", cluster.within(60))
    for name in ("web", "web.default", "web.default.svc.cluster.local"):
        wait_page_inside(cluster, "client", f"http://{name}/")
    asked = ("exec", "client", "--", "nslookup", "web.default.svc.cluster.local")

    def answers() -> bool:
        # Whoever asks while DNS is starting again is told nothing.
        return cluster.memory["clusterIP"] in cluster.kubectl(*asked, code=None).out

    cluster.wait_until(answers, cluster.memory["clusterIP"], lambda: cluster.kubectl(*asked, code=None))


def reach_by_node_port(cluster: Cluster) -> None:
    """Reached by NodePort from the host."""
    port = cluster.memory["nodePort"]
    _wait_page(cluster, f"http://127.0.0.1:{port}/")
    expect_page(f"http://{cluster.node_address()}:{port}/", "version v1")


def _wait_page(cluster: Cluster, url: str) -> None:
    """Until the rules of a new Service have reached the host."""

    def answers() -> bool:
        try:
            expect_page(url, "version v1", 5.0)
        except StepFailedError:
            return False
        return True

    cluster.wait_until(answers, f"a page with 'version v1' at {url}", patience=10.0)


def wait_page_inside(cluster: Cluster, pod: str, url: str, text: str = "version v1") -> None:
    """Until the rules of a new Service have reached the node, and its name the DNS."""
    command = ("exec", pod, "--", "timeout", "5", "wget", "-q", "-O-", url)

    def answers() -> bool:
        return text in cluster.kubectl(*command, code=None).out

    cluster.wait_until(answers, f"a page with {text!r} at {url} from within {pod}", patience=10.0)


def apply_twice(cluster: Cluster) -> None:
    """`apply` of the same file twice: unchanged."""
    file = str(MANIFESTS / "settings.yaml")
    cluster.kubectl("apply", "-f", file).expect("configmap/settings created", "secret/token created")
    cluster.kubectl("apply", "-f", file).expect("configmap/settings unchanged", "secret/token unchanged")
    web = cluster.web_manifest()
    cluster.kubectl("apply", "-f", web)
    cluster.kubectl("apply", "-f", web).expect("deployment.apps/web unchanged")
    cluster.kubectl("diff", "-f", web)
    cluster.wait_ready(SELECTOR, 3)


def describe(cluster: Cluster) -> None:
    """`describe` of a Deployment, a pod, a Service and the node."""
    cluster.wait_shown("3 available", "describe", "deployment", "web")
    cluster.kubectl("describe", "deployment", "web").expect(
        "StrategyType:", "Replicas:", "3 available", "NewReplicaSet:", "ScalingReplicaSet", "deployment-controller"
    )
    pod = _described_pod(cluster)
    cluster.kubectl("describe", "service", "web").expect("Endpoints:", cluster.memory["clusterIP"], "NodePort:")
    cluster.kubectl("describe", "nodes").expect("KubeletReady", "Allocated resources", "Non-terminated Pods", pod)


def _described_pod(cluster: Cluster) -> str:
    """A pod whose whole story is told. Where parts are killed, an event may go with the part that was to tell it."""
    texts = ("Status:", "Running", "Ready", "Scheduled", "Pulled", "Created", "Started", "Successfully assigned")
    pods: list[str] = [pod["metadata"]["name"] for pod in cluster.pods(SELECTOR)]
    for pod in pods if cluster.outages else pods[:1]:
        described = cluster.kubectl("describe", "pod", pod)
        if all(text in described.out for text in texts):
            return pod
    raise described.fail(f"the texts {texts}")


def explain(cluster: Cluster) -> None:
    """`explain deployment.spec.strategy`."""
    cluster.kubectl("explain", "deployment.spec.strategy").expect("rollingUpdate", "type")
    cluster.kubectl("explain", "pods.spec.containers", "--recursive").expect("livenessProbe", "imagePullPolicy")


def get_all(cluster: Cluster) -> None:
    """`get all -o wide`."""
    listed = cluster.kubectl("get", "all", "-o", "wide")
    listed.expect("pod/web-", "service/web", "deployment.apps/web", "replicaset.apps/web-")
    listed.expect("NOMINATED NODE", "SELECTOR", "CONTAINERS", "IMAGES", "UP-TO-DATE", "10.", "hello:v")


def get_yaml(cluster: Cluster) -> None:
    """`get -o yaml`, and `replace` with what it printed."""
    cluster.wait_shown("readyReplicas: 3", "get", "deployment", "web", "-o", "yaml")
    cluster.wait_until(lambda: _replaced(cluster), "a Deployment that nobody else changes meanwhile")
    names = cluster.kubectl("get", "pods", "-l", SELECTOR, "-o", "name").out.split()
    expect(len(names) == 3, names, "three names")
    cluster.kubectl("get", "pods", "-o", "custom-columns=NAME:.metadata.name,NODE:.spec.nodeName").expect("node-1")
    items = json.loads(cluster.kubectl("get", "pods", "--sort-by=.metadata.name", "-o", "json").out)["items"]
    found = [item["metadata"]["name"] for item in items]
    expect(found == sorted(found), found, "the pods in the order of their names")


def _replaced(cluster: Cluster) -> bool:
    """Whether a Deployment could be replaced with what was printed of it: not when a controller was faster."""
    text = cluster.kubectl("get", "deployment", "web", "-o", "yaml").out
    expect(text.startswith("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n"), text, "a Deployment of apps/v1")
    done = cluster.kubectl("replace", "-f", "-", stdin=text, code=None)
    if "the object has been modified" in done.err:
        return False
    done.expect("deployment.apps/web replaced")
    return True


def api_resources(cluster: Cluster) -> None:
    """`api-resources`, `api-versions` and `cluster-info`."""
    cluster.kubectl("api-resources").expect("deployments", "deploy", "pods", "po", "customresourcedefinitions")
    cluster.kubectl("api-versions").expect("apps/v1", "batch/v1")
    cluster.kubectl("cluster-info").expect("is running at")
