"""Which labels a node may give itself: none by which it could draw workloads that are not meant for it."""

from __future__ import annotations

from collections.abc import Mapping

from steersman.kinds.core.node_labels import FORMER, HOSTNAME

_RESTRICTED = "node-restriction.kubernetes.io"
_OURS = ("kubernetes.io", "k8s.io")
_LABELS = frozenset({HOSTNAME, *FORMER, *FORMER.values()})
_NAMESPACES = ("kubelet.kubernetes.io", "node.kubernetes.io")


def forbidden(new: Mapping[str, str], old: Mapping[str, str]) -> list[str]:
    """The labels that were set, changed or taken away, and are not the node's to change; in order."""
    changed = {key for key in new.keys() | old.keys() if new.get(key) != old.get(key)}
    return sorted(key for key in changed if _is_forbidden(key))


def _is_forbidden(label: str) -> bool:
    namespace = label.partition("/")[0] if "/" in label else ""
    if _is_below(namespace, _RESTRICTED):
        return True
    if not any(_is_below(namespace, ours) for ours in _OURS):
        return False
    return label not in _LABELS and not any(_is_below(namespace, allowed) for allowed in _NAMESPACES)


def _is_below(namespace: str, domain: str) -> bool:
    return namespace == domain or namespace.endswith(f".{domain}")
