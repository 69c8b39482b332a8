"""A namespace's tour of the levels, as kubectl shows it."""

from __future__ import annotations

from tests.apiserver.test_apply_kubectl import Kubectl, credentials, kubectl

__all__ = ["credentials", "kubectl"]

LABEL = "pod-security.kubernetes.io"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostNetwork: true
  containers: [{name: web, image: nginx}]
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {hostPID: true, containers: [{name: web, image: nginx}]}
"""
GOOD = """
apiVersion: v1
kind: Pod
metadata: {name: good}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: web
    image: nginx
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""


async def test_tour(kubectl: Kubectl) -> None:
    await kubectl.run("create", "namespace", "tour")
    await kubectl.run("-n", "tour", "create", "serviceaccount", "default")
    said = await kubectl.run("-n", "tour", "create", manifest=POD)
    assert said == "pod/web created\n"
    # Raising the level says what would not be let in again.
    said = await kubectl.run("label", "namespace", "tour", f"{LABEL}/enforce=baseline")
    assert said.splitlines()[:2] == [
        'Warning: existing pods in namespace "tour" violate the new PodSecurity enforce level "baseline:latest"',
        "Warning: web: host namespaces",
    ]
    await kubectl.run("-n", "tour", "delete", "pod", "web", "--now")
    said = await kubectl.run("-n", "tour", "create", code=1, manifest=POD)
    assert said.endswith(
        'pods "web" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)\n'
    )
    # What makes pods is let in, with a word to whoever makes it.
    said = await kubectl.run("-n", "tour", "apply", manifest=DEPLOYMENT)
    assert said == (
        'Warning: would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)\n'
        "deployment.apps/web created\n"
    )
    said = await kubectl.run("label", "--overwrite", "namespace", "tour", f"{LABEL}/enforce=restricted")
    assert "Warning" not in said
    said = await kubectl.run("-n", "tour", "run", "plain", "--image=nginx", code=1)
    assert 'forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false' in said
    said = await kubectl.run("-n", "tour", "create", manifest=GOOD)
    assert said == "pod/good created\n"
    said = await kubectl.run("label", "--overwrite", "namespace", "tour", f"{LABEL}/enforce=strict", code=1)
    assert said.endswith(
        f'metadata.labels[{LABEL}/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted\n'
    )
