"""Pods and what the runtime has of them, for the kubelet's tests of plain functions."""

from steersman.api import codec
from steersman.kinds.types.core_v1 import Pod
from steersman.kubelet.pod_plan import container_hash
from steersman.kubelet.pod_state import CONTAINER_HASH, order_newest_first
from steersman.kubelet.runtime import types as rt

SECOND = 1_000_000_000
UID = "uid-1"


def container(name="c", **fields):
    return {"name": name, "image": f"{name}:1", **fields}


def pod(containers=None, init=None, *, status=None, metadata=None, **spec):
    plain = {
        "metadata": {"name": "p", "namespace": "default", "uid": UID, **(metadata or {})},
        "spec": {"containers": containers or [container()], "initContainers": init, **spec},
        "status": status or {},
    }
    made, problems = codec.from_builtins(Pod, plain)
    assert not problems
    return made


def sidecar(name="s", **fields):
    return container(name, restartPolicy="Always", **fields)


class World:
    """The runtime's view of one pod, built step by step; `at` are seconds."""

    def __init__(self, made):
        self.pod = made
        self.sandboxes, self.containers, self.sandbox_of = [], [], {}

    def sandbox(self, at=100, *, ready=True, attempt=0, ips=("10.0.0.5",)):
        state = rt.SandboxState.READY if ready else rt.SandboxState.NOT_READY
        self.sandboxes.append(
            rt.PodSandboxStatus(
                id=f"sandbox{attempt}", name="p", uid=UID, namespace="default", attempt=attempt, state=state,
                created_at=at * SECOND, labels={}, annotations={}, ips=ips,
            )
        )  # fmt: skip
        return self

    def _spec(self, name):
        every = [*self.pod.spec.containers, *(self.pod.spec.initContainers or [])]
        return next(c for c in every if c.name == name)

    def run(self, name="c", at=110, attempt=0, *, hash="", exit=None, finished=None, reason="", message="", state=None):
        """A container that runs, or that ended with `exit`."""
        if state is None:
            state = rt.ContainerState.RUNNING if exit is None else rt.ContainerState.EXITED
        made = rt.ContainerStatus(
            id=f"{name}{attempt}", name=name, attempt=attempt, state=state, created_at=at * SECOND,
            started_at=at * SECOND, finished_at=(finished or at + 5) * SECOND if exit is not None else 0,
            exit_code=exit or 0, reason=reason, message=message, image=f"{name}:1", image_ref=f"{name}@sha256:1",
            annotations={CONTAINER_HASH: hash or container_hash(self._spec(name))},
        )  # fmt: skip
        self.containers.append(made)
        self.sandbox_of[made.id] = self.sandboxes[-1].id if self.sandboxes else "gone"
        return self

    @property
    def state(self):
        return order_newest_first(UID, self.sandboxes, self.containers, self.sandbox_of)
