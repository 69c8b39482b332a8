"""Annotations of workloads that several parts read."""

from __future__ import annotations

from typing import Final

TEMPLATE_GENERATION: Final = "deprecated.daemonset.template.generation"
"""A DaemonSet's templateGeneration, which was a field once."""
