"""Annotations of pods that several parts read."""

from __future__ import annotations

from typing import Final

MIRROR: Final = "kubernetes.io/config.mirror"
DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
TOLERATIONS: Final = "scheduler.alpha.kubernetes.io/tolerations"
SECCOMP_POD: Final = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP: Final = "container.seccomp.security.alpha.kubernetes.io/"
"""Begins the name; the container's follows."""
APP_ARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"
"""Begins the name; the container's follows."""
