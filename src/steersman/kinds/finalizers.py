"""The finalizers that are Kubernetes' own."""

from __future__ import annotations

from typing import Final

ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"
NAMESPACE: Final = "kubernetes"
"""In a namespace's spec: its content is still there."""
STANDARD: Final = frozenset({ORPHAN, FOREGROUND, NAMESPACE})
