"""What the runtime has of one pod: a snapshot that planning and status computing read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from steersman.kubelet.runtime.types import ContainerState, ContainerStatus, PodSandboxStatus, SandboxState

# Labels and annotations on sandboxes and containers: what the kubelet finds again after a restart.
POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
POD_UID = "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"
CONTAINER_HASH = "io.kubernetes.container.hash"
TERMINATION_MESSAGE_PATH = "io.kubernetes.container.terminationMessagePath"
TERMINATION_MESSAGE_POLICY = "io.kubernetes.container.terminationMessagePolicy"
TERMINATION_GRACE_PERIOD = "io.kubernetes.pod.terminationGracePeriod"


@dataclass(frozen=True, slots=True)
class PodState:
    """One pod's sandboxes and containers, both newest first (by attempt, then creation).

    `sandbox_of` gives the sandbox's id for each container's id.
    """

    uid: str
    sandboxes: Sequence[PodSandboxStatus] = ()
    containers: Sequence[ContainerStatus] = ()
    sandbox_of: Mapping[str, str] = field(default_factory=dict)

    def latest(self, name: str) -> ContainerStatus | None:
        """The newest container of that name in the pod."""
        return next((c for c in self.containers if c.name == name), None)

    def previous(self, name: str) -> ContainerStatus | None:
        """The newest but one that has ended: the container's last termination."""
        same = [c for c in self.containers if c.name == name]
        return next((c for c in same[1:] if c.state is ContainerState.EXITED), None)

    @property
    def sandbox(self) -> PodSandboxStatus | None:
        return self.sandboxes[0] if self.sandboxes else None

    @property
    def ready_sandbox(self) -> PodSandboxStatus | None:
        """The newest sandbox when it is ready; an older ready one never counts."""
        sandbox = self.sandbox
        return sandbox if sandbox and sandbox.state is SandboxState.READY else None

    @property
    def running(self) -> Sequence[ContainerStatus]:
        return [c for c in self.containers if c.state is ContainerState.RUNNING]

    @property
    def empty(self) -> bool:
        """Nothing of the pod runs."""
        return not self.running and not any(s.state is SandboxState.READY for s in self.sandboxes)


def order_newest_first(
    uid: str,
    sandboxes: Sequence[PodSandboxStatus],
    containers: Sequence[ContainerStatus],
    sandbox_of: Mapping[str, str],
) -> PodState:
    return PodState(
        uid,
        sorted(sandboxes, key=lambda s: (s.attempt, s.created_at), reverse=True),
        sorted(containers, key=lambda c: (c.attempt, c.created_at), reverse=True),
        sandbox_of,
    )
